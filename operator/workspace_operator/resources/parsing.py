"""Parses a document into a Workspace or an Account, or returns all its problems.

``parse`` and ``parse_account`` are for objects that an API server has admitted, and ignore unknown fields.
``validate_manifest`` is for manifests of either kind: its results and paths are those of a real kube-apiserver under
``kubectl apply``, where an unknown field is an error.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from pydantic import ValidationError

from workspace_operator.resources.account_rules import people_problems
from workspace_operator.resources.accounts import Account
from workspace_operator.resources.kubectl import metadata as meta
from workspace_operator.resources.kubectl.validation import findings, unknown_fields, with_defaults, without_nulls
from workspace_operator.resources.problems import InvalidResource, Problem, format_path, truncated
from workspace_operator.resources.rules import RULES_FOR_EVERY_VALUE, Rule, fulfils_rules, rule_problems
from workspace_operator.resources.schema import ACCOUNT, WORKSPACE, CustomResource, resource_schema
from workspace_operator.resources.workspaces import API_VERSION, Workspace

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


def parse_account(document: Json) -> Account:
    """The Account of an admitted object, without its status. Raises InvalidResource with every problem."""
    given = without_nulls(document)
    problems = undecodable(given, ACCOUNT) or validation_problems(given, None, resource=ACCOUNT)
    problems = problems or list(people_problems(_account(given).spec))
    if problems:
        raise InvalidResource(problems)
    return _account(given)


def _account(document: Json) -> Account:
    return Account.model_validate({**document, "status": {}}, strict=False, by_alias=True, by_name=False)


def _validated(document: Json) -> Workspace:
    given = without_nulls(document)
    problems = undecodable(given) or validation_problems(given, None, rules=RULES_FOR_EVERY_VALUE)
    if problems:
        raise InvalidResource(problems)
    return _workspace(given, strict=False)  # a number such as 5.0 is an integer to the schema


def _workspace(document: Json, *, strict: bool | None = None) -> Workspace:
    return Workspace.model_validate({**document, "status": {}}, strict=strict, by_alias=True, by_name=False)


def validate_manifest(
    document: Json, old: Json | None = None, *, resource: CustomResource = WORKSPACE
) -> list[Problem]:
    """The problems for which ``kubectl apply`` would refuse a manifest; ``old`` is the resource that it changes.

    As with kubectl, undecodable values hide unknown fields, and these hide invalid values.
    """
    given = without_nulls(document)
    return (
        undecodable(given, resource)
        or unknown_field_problems(manifest_schema(resource), given, kind=resource.kind)
        or validation_problems(given, old, resource=resource)
    )


def validate_account_manifest(document: Json) -> list[Problem]:
    """As `validate_manifest` for an Account, and the addresses that the operator would refuse (accounts §1)."""
    problems = validate_manifest(document, resource=ACCOUNT)
    if problems:
        return problems
    return list(people_problems(_account(without_nulls(document)).spec))


def undecodable(document: Json, resource: CustomResource = WORKSPACE) -> list[Problem]:
    """The problems that prevent decoding a document as a resource of a kind."""
    expected = {"apiVersion": API_VERSION, "kind": resource.kind}
    wrong = [name for name, value in expected.items() if document.get(name) != value]
    return [
        Problem(path=name, message=f"must be {expected[name]}, not {truncated(repr(document.get(name)), 60)}")
        for name in wrong
    ] or meta.undecodable(document.get("metadata", {}))


def unknown_field_problems(schema: Json, document: Json, *, kind: str = WORKSPACE.kind) -> list[Problem]:
    """Problems for fields that are not in the schema."""
    article = "an" if kind.startswith("A") else "a"
    message = f"is not a field of {article} {kind}: correct its spelling or remove it"
    return [Problem(path=format_path(path), message=message) for path in unknown_fields(schema, document)]


@cache
def manifest_schema(resource: CustomResource = WORKSPACE) -> Json:
    """The schema of a kind, with all fields of metadata."""
    schema = resource_schema(resource)
    return {**schema, "properties": {**schema["properties"], "metadata": meta.METADATA}}


def validation_problems(
    document: Json, old: Json | None, *, resource: CustomResource = WORKSPACE, rules: Sequence[Rule] | None = None
) -> list[Problem]:
    """The problems of a decodable document, without its status, which only the operator writes.

    ``rules`` are by default all of the kind.
    """
    schema = resource_schema(resource)
    wanted = {name: value for name, value in document.items() if name != "status"}
    whole = with_defaults(schema, {"metadata": {}} | wanted)
    found = list(findings(schema, whole))
    problems = [*meta.metadata_problems(document.get("metadata", {})), *(finding.problem for finding in found)]
    if not any(finding.is_blocking for finding in found):
        checked = resource.rules if rules is None else rules
        problems += rule_problems(checked, whole, previous_with_defaults(old, schema))
    return list(dict.fromkeys(problems))


def previous_with_defaults(old: Json | None, schema: Json) -> Json | None:
    """The replaced document with defaults; None if it was never a valid resource."""
    whole = with_defaults(schema, without_nulls(old or {}))
    return None if any(findings(schema, whole)) else whole


def status_problems(status: Json, resource: CustomResource = WORKSPACE) -> list[Problem]:
    """The problems of a status for the API server, and unknown fields, which it would drop."""
    schema = {"type": "object", "properties": {"status": resource_schema(resource)["properties"]["status"]}}
    given = {"status": without_nulls(status)}
    return unknown_field_problems(schema, given) or [finding.problem for finding in findings(schema, given)]
