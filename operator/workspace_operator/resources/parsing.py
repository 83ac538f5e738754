"""Makes a Workspace of a document, or says everything that is wrong with it.

``parse`` is for objects that an API server has admitted, perhaps long ago and under other rules: what it does not
know is ignored. ``validate_manifest`` is for what people write: its verdicts and paths are those of a real
kube-apiserver under ``kubectl apply``, where an unknown field is an error.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import ValidationError

from workspace_operator.identity.emails import email_key
from workspace_operator.resources import metadata as meta
from workspace_operator.resources.problems import InvalidResource, Problem, spelled
from workspace_operator.resources.rules import RULES, TEST_ADDRESS_IS_AN_ADDRESS, broken
from workspace_operator.resources.schema import resource_schema
from workspace_operator.resources.statuses import WorkspaceStatus
from workspace_operator.resources.validation import Schema, completed, findings, unknown_fields, without_nulls
from workspace_operator.resources.workspaces import API_VERSION, KIND, SendBehavior, Workspace

Json = Mapping[str, Any]


def parse(document: Json, *, old: Json | None = None) -> Workspace:
    """The Workspace that a document describes; InvalidResource, with every problem, if it describes none.

    ``old`` is what the document replaces; with it, rules about changes are asked, too.
    """
    given = without_nulls(document)
    problems = unreadable(given) or invalid(given, old)
    if problems:
        raise InvalidResource(problems)
    workspace = Workspace.model_validate({**given, "status": status_of(given)})
    if not can_be_tested(workspace.spec.send_behavior):
        raise InvalidResource([TEST_ADDRESS_IS_AN_ADDRESS.problem])
    return workspace


def can_be_tested(sending: SendBehavior) -> bool:
    """Whether the test address, if there is one, can be mailed to: a schema can tell only its outline."""
    return sending.test_address is None or email_key(sending.test_address) is not None


def validate_manifest(document: Json, old: Json | None = None) -> list[Problem]:
    """What ``kubectl apply`` of a manifest would be refused for; ``old`` is the resource that it changes.

    As with kubectl, what cannot be read hides what is unknown, and that hides what is not valid.
    """
    given = without_nulls(document)
    return unreadable(given) or unknown(manifest_schema(), given) or invalid(given, old)


def unreadable(document: Json) -> list[Problem]:
    """Why a document cannot even be taken for a Workspace."""
    expected = {"apiVersion": API_VERSION, "kind": KIND}
    wrong = [name for name, value in expected.items() if document.get(name) != value]
    return [
        Problem(path=name, message=f"must be {expected[name]}, not {document.get(name)!r}") for name in wrong
    ] or meta.undecodable(document.get("metadata", {}))


def unknown(schema: Schema, document: Json) -> list[Problem]:
    """Fields that are not in the schema."""
    message = "is not a field of a Workspace: mend its spelling or remove it"
    return [Problem(path=spelled(path), message=message) for path in unknown_fields(schema, document)]


@cache
def manifest_schema() -> Schema:
    """The resource's schema with everything that metadata may hold."""
    schema = resource_schema()
    return {**schema, "properties": {**schema["properties"], "metadata": meta.METADATA}}


def invalid(document: Json, old: Json | None) -> list[Problem]:
    """What is wrong with a readable document. Its status is not looked at: nobody but the operator writes it."""
    schema = resource_schema()
    wanted = {name: value for name, value in document.items() if name != "status"}
    whole = completed(schema, {"metadata": {}} | wanted)
    found = list(findings(schema, whole))
    problems = [*meta.invalid(document.get("metadata", {})), *(finding.problem for finding in found)]
    if not any(finding.is_blocking for finding in found):
        problems += broken(RULES, whole, before(old))
    return list(dict.fromkeys(problems))


def before(old: Json | None) -> Json | None:
    """What a document replaces, with its defaults; nothing if that was never a Workspace."""
    whole = completed(resource_schema(), without_nulls(old or {}))
    return None if any(findings(resource_schema(), whole)) else whole


def status_of(document: Json) -> WorkspaceStatus:
    """The status, as empty as on the first day if this version cannot read it."""
    try:
        return WorkspaceStatus.model_validate(document.get("status", {}))
    except ValidationError:
        return WorkspaceStatus()


def status_problems(status: Json) -> list[Problem]:
    """What the API server would refuse of a status; it drops unknown fields, so that they are problems here."""
    schema = {"type": "object", "properties": {"status": resource_schema()["properties"]["status"]}}
    given = {"status": without_nulls(status)}
    return unknown(schema, given) or [finding.problem for finding in findings(schema, given)]
