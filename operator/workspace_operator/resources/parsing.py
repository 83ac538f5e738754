"""Parses a document into a Workspace, or returns all its problems.

``parse`` is for objects that an API server has admitted, and ignores unknown fields. ``validate_manifest`` is for
manifests: its results and paths are those of a real kube-apiserver under ``kubectl apply``, where an unknown field is
an error.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from pydantic import ValidationError

from workspace_operator.resources.kubectl import metadata as meta
from workspace_operator.resources.kubectl.validation import findings, unknown_fields, with_defaults, without_nulls
from workspace_operator.resources.problems import InvalidResource, Problem, format_path, truncated
from workspace_operator.resources.rules import RULES, RULES_FOR_EVERY_VALUE, Rule, fulfils_rules, rule_problems
from workspace_operator.resources.schema import resource_schema
from workspace_operator.resources.workspaces import API_VERSION, KIND, Workspace

Json = Mapping[str, Any]


def parse(document: Json) -> Workspace:
    """The Workspace of an admitted object, without its status. Raises InvalidResource with every problem.

    An object is validated only if the model or `fulfils_rules` refuses it: it may have been admitted by another
    CustomResourceDefinition. The reconcile checks new values, since it knows what is in force.
    """
    try:
        workspace = _workspace(document)
    except ValidationError:
        return _validated(document)
    return workspace if fulfils_rules(workspace.spec) else _validated(document)


def _validated(document: Json) -> Workspace:
    given = without_nulls(document)
    problems = undecodable(given) or validation_problems(given, None, rules=RULES_FOR_EVERY_VALUE)
    if problems:
        raise InvalidResource(problems)
    return _workspace(given, strict=False)  # a number such as 5.0 is an integer to the schema


def _workspace(document: Json, *, strict: bool | None = None) -> Workspace:
    return Workspace.model_validate({**document, "status": {}}, strict=strict, by_alias=True, by_name=False)


def validate_manifest(document: Json, old: Json | None = None) -> list[Problem]:
    """The problems for which ``kubectl apply`` would refuse a manifest; ``old`` is the resource that it changes.

    As with kubectl, undecodable values hide unknown fields, and these hide invalid values.
    """
    given = without_nulls(document)
    return undecodable(given) or unknown_field_problems(manifest_schema(), given) or validation_problems(given, old)


def undecodable(document: Json) -> list[Problem]:
    """The problems that prevent decoding a document as a Workspace."""
    expected = {"apiVersion": API_VERSION, "kind": KIND}
    wrong = [name for name, value in expected.items() if document.get(name) != value]
    return [
        Problem(path=name, message=f"must be {expected[name]}, not {truncated(repr(document.get(name)), 60)}")
        for name in wrong
    ] or meta.undecodable(document.get("metadata", {}))


def unknown_field_problems(schema: Json, document: Json) -> list[Problem]:
    """Problems for fields that are not in the schema."""
    message = "is not a field of a Workspace: correct its spelling or remove it"
    return [Problem(path=format_path(path), message=message) for path in unknown_fields(schema, document)]


@cache
def manifest_schema() -> Json:
    """The schema of the resource, with all fields of metadata."""
    schema = resource_schema()
    return {**schema, "properties": {**schema["properties"], "metadata": meta.METADATA}}


def validation_problems(document: Json, old: Json | None, *, rules: Sequence[Rule] = RULES) -> list[Problem]:
    """The problems of a decodable document, without its status, which only the operator writes."""
    schema = resource_schema()
    wanted = {name: value for name, value in document.items() if name != "status"}
    whole = with_defaults(schema, {"metadata": {}} | wanted)
    found = list(findings(schema, whole))
    problems = [*meta.metadata_problems(document.get("metadata", {})), *(finding.problem for finding in found)]
    if not any(finding.is_blocking for finding in found):
        problems += rule_problems(rules, whole, previous_with_defaults(old))
    return list(dict.fromkeys(problems))


def previous_with_defaults(old: Json | None) -> Json | None:
    """The replaced document with defaults; None if it was never a valid Workspace."""
    whole = with_defaults(resource_schema(), without_nulls(old or {}))
    return None if any(findings(resource_schema(), whole)) else whole


def status_problems(status: Json) -> list[Problem]:
    """The problems of a status for the API server, and unknown fields, which it would drop."""
    schema = {"type": "object", "properties": {"status": resource_schema()["properties"]["status"]}}
    given = {"status": without_nulls(status)}
    return unknown_field_problems(schema, given) or [finding.problem for finding in findings(schema, given)]
