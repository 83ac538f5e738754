"""Generates the CustomResourceDefinition from the models and the rules.

``python -m workspace_operator.resources.schema`` writes it to ``crds/``; with ``--check`` it only checks that the file
is up to date. Kubernetes requires a *structural* schema: no references, no alternatives, a type for every field.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from workspace_operator.resources import workspaces as ws
from workspace_operator.resources.rules import RULES, Rule, get_path
from workspace_operator.resources.statuses import DEFAULT_STATUS

Schema = dict[str, Any]

CRD_NAME = f"{ws.PLURAL}.{ws.GROUP}"
CRD_FILE = f"{CRD_NAME}.yaml"
HEADER = "# Generated from the models by `python -m workspace_operator.resources.schema`; do not edit.\n"
REPOSITORY = Path(__file__).parents[3]

STANDARD_FIELD_DESCRIPTIONS = {
    "apiVersion": "apiVersion is the versioned schema of this document: " + ws.API_VERSION + ".",
    "kind": f"kind is the kind of this document: {ws.KIND}.",
}
PRINTER_COLUMNS = (
    ("Ready", "string", '.status.conditions[?(@.type=="Ready")].status', "Whether all settings are in force", 0),
    ("Reason", "string", '.status.conditions[?(@.type=="Ready")].reason', "Why it is Ready or not", 0),
    ("Identifiers", "string", ".status.identifiers.mode", "The mode in force", 0),
    ("People", "integer", ".status.people.total", "People at the last reconcile", 0),
    ("Age", "date", ".metadata.creationTimestamp", "Time since the resource was created", 0),
    ("Display Name", "string", ".spec.displayName", "The name shown to users", 1),
    ("Send", "string", ".status.sending.mode", "The send behavior in force", 1),
    ("Waiting", "integer", ".status.sending.waiting", "Messages not sent yet at the last reconcile", 1),
    ("Workspace ID", "integer", ".status.workspaceID", "The number in the store", 1),
    ("Suspended", "boolean", ".spec.suspend", "Whether reconciliation is paused", 1),
    ("Message", "string", '.status.conditions[?(@.type=="Ready")].message', "The message of condition Ready", 1),
)
SELECTABLE_FIELDS = (
    ".spec.displayName",
    ".spec.accountName",
    ".spec.deletionPolicy",
    ".spec.suspend",
    ".status.identifiers.mode",
    ".status.workspaceID",
)
"""Fields for ``kubectl get --field-selector``, in Kubernetes 1.31 or newer."""

LABELS = {"app.kubernetes.io/name": ws.MANAGER, "app.kubernetes.io/part-of": ws.MANAGER}


@cache
def resource_schema() -> Mapping[str, Any]:
    """The structural schema of a Workspace; it is cached, so callers must not change it."""
    raw = ws.Workspace.model_json_schema()
    schema = structural(raw, raw["$defs"])
    for name, description in STANDARD_FIELD_DESCRIPTIONS.items():
        schema["properties"][name] = {"type": schema["properties"][name]["type"], "description": description}
    # Kubernetes has its own schema of metadata, but the fieldPath of a rule must exist in this one.
    schema["properties"]["metadata"] = {"type": "object", "properties": {"name": {"type": "string"}}}
    schema["required"] = ["metadata", "spec"]
    status = schema["properties"]["status"]
    schema["properties"]["status"] = without_defaults(status) | {"default": DEFAULT_STATUS}
    for rule in RULES:
        attach_rule(rule, schema)
    return schema


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


def definition() -> dict[str, Any]:
    """The whole CustomResourceDefinition."""
    version = {
        "name": ws.VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "selectableFields": [{"jsonPath": path} for path in SELECTABLE_FIELDS],
        "additionalPrinterColumns": [printer_column(*column) for column in PRINTER_COLUMNS],
        "schema": {"openAPIV3Schema": resource_schema()},
    }
    names = {
        "kind": ws.KIND,
        "listKind": f"{ws.KIND}List",
        "plural": ws.PLURAL,
        "singular": ws.KIND.lower(),
        "shortNames": [ws.SHORT_NAME],
        "categories": [ws.CATEGORY],
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": CRD_NAME, "labels": LABELS},
        "spec": {"group": ws.GROUP, "names": names, "scope": "Namespaced", "versions": [version]},
    }


def printer_column(name: str, kind: str, json_path: str, description: str, priority: int) -> dict[str, Any]:
    """A column of ``kubectl get``; those with priority 1 are shown by ``-o wide`` only."""
    column = {"name": name, "type": kind, "jsonPath": json_path, "description": description}
    return column | ({"priority": priority} if priority else {})


def rendered() -> str:
    """The text of the file."""
    unshared = json.loads(json.dumps(definition()))  # shared objects would be written as aliases
    return HEADER + str(yaml.safe_dump(unshared, sort_keys=False, allow_unicode=True, width=110))


def main(arguments: Sequence[str], folder: Path = REPOSITORY / "crds") -> int:
    """Write the definition; with ``--check`` return 1 if the file is outdated."""
    file, text = folder / CRD_FILE, rendered()
    if "--check" not in arguments:
        file.write_text(text, encoding="utf-8")
        return 0
    if file.is_file() and file.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write(f"{file} is outdated: run python -m workspace_operator.resources.schema\n")
    return 1


if __name__ == "__main__":  # pragma: no cover - main is tested
    sys.exit(main(sys.argv[1:]))
