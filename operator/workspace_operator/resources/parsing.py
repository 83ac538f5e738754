"""Makes a Workspace of a document, or says everything that is wrong with it.

``parse`` is for objects that an API server has admitted, perhaps long ago and under other rules: what it does not
know is ignored. ``validate_manifest`` is for what people write: its verdicts and paths are those of a real
kube-apiserver under ``kubectl apply``, where an unknown field is an error.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from pydantic import ValidationError

from workspace_operator.resources import metadata as meta
from workspace_operator.resources.problems import InvalidResource, Problem, cut, spelled
from workspace_operator.resources.rules import RULES, RULES_FOR_EVERY_VALUE, Rule, broken
from workspace_operator.resources.schema import resource_schema
from workspace_operator.resources.statuses import WorkspaceStatus
from workspace_operator.resources.validation import Schema, completed, findings, unknown_fields, without_nulls
from workspace_operator.resources.workspaces import API_VERSION, KIND, Workspace

Json = Mapping[str, Any]


def parse(document: Json, *, old: Json | None = None) -> Workspace:
    """The Workspace that a document describes; InvalidResource, with every problem, if it describes none.

    ``old`` is what the document replaces; with it, rules about changes and about new values are asked, too. Without
    it, those about new values are left to the reconcile, which knows what is in force.
    """
    given = without_nulls(document)
    problems = unreadable(given) or invalid(given, old, rules=RULES if old else RULES_FOR_EVERY_VALUE)
    if problems:
        raise InvalidResource(problems)
    return Workspace.model_validate({**given, "status": status_of(given)})


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
        Problem(path=name, message=f"must be {expected[name]}, not {cut(repr(document.get(name)), 60)}")
        for name in wrong
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


def invalid(document: Json, old: Json | None, *, rules: Sequence[Rule] = RULES) -> list[Problem]:
    """What is wrong with a readable document. Its status is not looked at: nobody but the operator writes it."""
    schema = resource_schema()
    wanted = {name: value for name, value in document.items() if name != "status"}
    whole = completed(schema, {"metadata": {}} | wanted)
    found = list(findings(schema, whole))
    problems = [*meta.invalid(document.get("metadata", {})), *(finding.problem for finding in found)]
    if not any(finding.is_blocking for finding in found):
        problems += broken(rules, whole, before(old))
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
