"""Generates the CustomResourceDefinitions from the models and the rules.

``python -m workspace_operator.resources.schema`` writes them to ``crds/``; with ``--check`` it only checks that the
files are up to date. Kubernetes requires a *structural* schema: no references, no alternatives, a type for every field.
"""

import ast
import inspect
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml
from pydantic.json_schema import GenerateJsonSchema

from workspace_operator.resources import account_rules, accounts
from workspace_operator.resources import workspaces as ws
from workspace_operator.resources.documents import Document
from workspace_operator.resources.rules import RULES, Rule, get_path
from workspace_operator.resources.statuses import DEFAULT_STATUS

Schema = dict[str, Any]
Column = tuple[str, str, str, str, int]
"""Name, type, JSON path, description and priority of a column of ``kubectl get``."""

HEADER = "# Generated from the models by `python -m workspace_operator.resources.schema`; do not edit.\n"
REPOSITORY = Path(__file__).parents[3]

READY = '.status.conditions[?(@.type=="Ready")]'
READY_COLUMNS: tuple[Column, ...] = (
    ("Ready", "string", f"{READY}.status", "Whether all settings are in force", 0),
    ("Reason", "string", f"{READY}.reason", "Why it is Ready or not", 0),
)
AGE: Column = ("Age", "date", ".metadata.creationTimestamp", "Time since the resource was created", 0)
DISPLAY_NAME: Column = ("Display Name", "string", ".spec.displayName", "The name shown to users", 1)
MESSAGE: Column = ("Message", "string", f"{READY}.message", "The message of condition Ready", 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomResource:
    """One kind of our API group, from which its CustomResourceDefinition is generated.

    Attributes:
        selectable_fields: for ``kubectl get --field-selector``, in Kubernetes 1.31 or newer.
    """

    kind: str
    plural: str
    short_name: str
    model: type[Document]
    rules: tuple[Rule, ...]
    columns: tuple[Column, ...]
    selectable_fields: tuple[str, ...]

    @property
    def crd_name(self) -> str:
        """The name of the CustomResourceDefinition."""
        return f"{self.plural}.{ws.GROUP}"

    @property
    def crd_file(self) -> str:
        """The name of its file in ``crds/``."""
        return f"{self.crd_name}.yaml"


WORKSPACE = CustomResource(
    kind=ws.KIND,
    plural=ws.PLURAL,
    short_name=ws.SHORT_NAME,
    model=ws.Workspace,
    rules=RULES,
    columns=(
        *READY_COLUMNS,
        ("Identifiers", "string", ".status.identifiers.mode", "The mode in force", 0),
        ("People", "integer", ".status.people.total", "People at the last reconcile", 0),
        AGE,
        DISPLAY_NAME,
        ("Send", "string", ".status.sending.mode", "The send behavior in force", 1),
        ("Waiting", "integer", ".status.sending.waiting", "Messages not sent yet at the last reconcile", 1),
        ("Workspace ID", "integer", ".status.workspaceID", "The number in the store", 1),
        ("Suspended", "boolean", ".spec.suspend", "Whether reconciliation is paused", 1),
        MESSAGE,
    ),
    selectable_fields=(
        ".spec.displayName",
        ".spec.accountName",
        ".spec.deletionPolicy",
        ".spec.suspend",
        ".status.identifiers.mode",
        ".status.workspaceID",
    ),
)
ACCOUNT = CustomResource(
    kind=accounts.KIND,
    plural=accounts.PLURAL,
    short_name=accounts.SHORT_NAME,
    model=accounts.Account,
    rules=account_rules.RULES,
    columns=(
        *READY_COLUMNS,
        ("Workspaces", "integer", ".status.usage.workspaces", "Workspaces in the store at the last reconcile", 0),
        ("Limit", "integer", ".spec.plan.workspaceLimit", "The largest number of workspaces", 0),
        AGE,
        DISPLAY_NAME,
        MESSAGE,
    ),
    selectable_fields=(".spec.displayName",),
)
CUSTOM_RESOURCES = (WORKSPACE, ACCOUNT)

LABELS = {"app.kubernetes.io/name": ws.MANAGER, "app.kubernetes.io/part-of": ws.MANAGER}


@cache
def resource_schema(resource: CustomResource = WORKSPACE) -> Mapping[str, Any]:
    """The structural schema of a kind; it is cached, so callers must not change it."""
    raw = resource.model.model_json_schema(schema_generator=_DescribedSchema)
    schema = structural(raw, raw["$defs"])
    for name, description in _standard_descriptions(resource).items():
        schema["properties"][name] = {"type": schema["properties"][name]["type"], "description": description}
    # Kubernetes has its own schema of metadata, but the fieldPath of a rule must exist in this one.
    schema["properties"]["metadata"] = {"type": "object", "properties": {"name": {"type": "string"}}}
    schema["required"] = ["metadata", "spec"]
    status = schema["properties"]["status"]
    schema["properties"]["status"] = without_defaults(status) | {"default": DEFAULT_STATUS}
    for rule in resource.rules:
        attach_rule(rule, schema)
    return schema


class _DescribedSchema(GenerateJsonSchema):
    """Generates Pydantic's schema, with the docstring of each field as its description."""

    def model_schema(self, schema: Any) -> dict[str, Any]:
        """The schema of one model, whose properties have the aliases of the fields."""
        generated = super().model_schema(schema)
        model: type[Document] = schema["cls"]
        for ancestor in reversed(model.__mro__):
            for name, text in _field_docstrings(ancestor.__module__).get(ancestor.__name__, {}).items():
                generated["properties"][str(model.model_fields[name].alias)]["description"] = text
        return generated


@cache
def _field_docstrings(module: str) -> Mapping[str, Mapping[str, str]]:
    """The texts below the fields of the classes of one of our modules, by the names of class and field."""
    if not module.startswith(__package__):
        return {}
    classes = [
        node for node in ast.parse(inspect.getsource(sys.modules[module])).body if isinstance(node, ast.ClassDef)
    ]
    return {definition.name: dict(_described_fields(definition)) for definition in classes}


def _described_fields(definition: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, text in pairwise(definition.body):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(docstring))):
                yield name, docstring


def _standard_descriptions(resource: CustomResource) -> Mapping[str, str]:
    return {
        "apiVersion": f"apiVersion is the versioned schema of this document: {ws.API_VERSION}.",
        "kind": f"kind is the kind of this document: {resource.kind}.",
    }


def structural(node: Schema, definitions: Schema) -> Schema:
    """Convert Pydantic's schema of a field into a structural one."""
    node = resolved(node, definitions)
    kept = {key: value for key, value in node.items() if key not in {"title", "$defs", "const"}}
    if "description" in kept:
        kept["description"] = " ".join(kept["description"].split())
    if "properties" in kept:
        kept["properties"] = {name: structural(child, definitions) for name, child in kept["properties"].items()}
    if "items" in kept:
        kept["items"] = structural(kept["items"], definitions)
    return with_plain_default(kept)


def resolved(node: Schema, definitions: Schema) -> Schema:
    """A node without references, and without the null alternative of optional fields."""
    if "anyOf" in node:
        alternative = next(entry for entry in node["anyOf"] if entry.get("type") != "null")
        node = alternative | {key: value for key, value in node.items() if key != "anyOf"}
    if "$ref" in node:
        target = definitions[node["$ref"].rpartition("/")[2]]
        node = target | {key: value for key, value in node.items() if key != "$ref"}
    return node


def with_plain_default(node: Schema) -> Schema:
    """A node with default ``{}`` if it is an object, since its fields have defaults; null is no default."""
    default = node.pop("default", None)
    if node["type"] == "object" and default is not None:
        return node | {"default": {}}
    return node if default is None else node | {"default": default}


def without_defaults(node: Schema) -> Schema:
    """A node without defaults, for the status: what the operator has not written is absent."""
    kept = {key: value for key, value in node.items() if key != "default"}
    if "properties" in kept:
        kept["properties"] = {name: without_defaults(child) for name, child in kept["properties"].items()}
    return kept


def attach_rule(rule: Rule, schema: Schema) -> None:
    """Add a rule to the node of its ``self``."""
    node = get_path(schema, tuple(step for name in rule.scope for step in ("properties", name)))
    node.setdefault("x-kubernetes-validations", []).append(rule.as_document())


def definition(resource: CustomResource = WORKSPACE) -> dict[str, Any]:
    """The whole CustomResourceDefinition of a kind."""
    version = {
        "name": ws.VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "selectableFields": [{"jsonPath": path} for path in resource.selectable_fields],
        "additionalPrinterColumns": [printer_column(*column) for column in resource.columns],
        "schema": {"openAPIV3Schema": resource_schema(resource)},
    }
    names = {
        "kind": resource.kind,
        "listKind": f"{resource.kind}List",
        "plural": resource.plural,
        "singular": resource.kind.lower(),
        "shortNames": [resource.short_name],
        "categories": [ws.CATEGORY],
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": resource.crd_name, "labels": LABELS},
        "spec": {"group": ws.GROUP, "names": names, "scope": "Namespaced", "versions": [version]},
    }


def printer_column(name: str, kind: str, json_path: str, description: str, priority: int) -> dict[str, Any]:
    """A column of ``kubectl get``; those with priority 1 are shown by ``-o wide`` only."""
    column = {"name": name, "type": kind, "jsonPath": json_path, "description": description}
    return column | ({"priority": priority} if priority else {})


def rendered(resource: CustomResource = WORKSPACE) -> str:
    """The text of the file of a kind."""
    unshared = json.loads(json.dumps(definition(resource)))  # shared objects would be written as aliases
    return HEADER + str(yaml.safe_dump(unshared, sort_keys=False, allow_unicode=True, width=110))


def main(arguments: Sequence[str], folder: Path = REPOSITORY / "crds") -> int:
    """Write the definitions; with ``--check`` return 1 if a file is outdated."""
    texts = {folder / resource.crd_file: rendered(resource) for resource in CUSTOM_RESOURCES}
    if "--check" not in arguments:
        for file, text in texts.items():
            file.write_text(text, encoding="utf-8")
        return 0
    outdated = [file for file, text in texts.items() if not file.is_file() or file.read_text(encoding="utf-8") != text]
    for file in outdated:
        sys.stderr.write(f"{file} is outdated: run python -m workspace_operator.resources.schema\n")
    return 1 if outdated else 0


if __name__ == "__main__":  # pragma: no cover - main is tested
    sys.exit(main(sys.argv[1:]))
