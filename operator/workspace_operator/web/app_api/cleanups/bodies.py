"""Bodies of requests about cleanups, as values. All functions raise InvalidInput, which names the row and the field."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from workspace_operator.application.cleanups.rules import PARTS, parse_rule
from workspace_operator.application.ports import ApplyRequest, DecisionRequest
from workspace_operator.cleanups.decisions import Decision, DecisionKind
from workspace_operator.cleanups.rules import Rule, RuleCounts
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.references import reference_of_kind
from workspace_operator.identity.values.rules import CIO_ID
from workspace_operator.identity.values.text_limits import MAX_VALUE_BYTES, check_text, quoted
from workspace_operator.web.core.json_body import json_object

BODY_LIMIT: Final = 262_144
"""In bytes; fits the largest number of decisions with an address each."""

MAX_DECISIONS: Final = 1_000
"""Maximum number of people in a request."""

MAX_NUMBER: Final = 10**18 - 1
"""Fits the integer type of every database."""

_FIELD_OF: Final[Mapping[DecisionKind, str]] = {DecisionKind.CORRECT: "email", DecisionKind.MERGE: "into"}
"""The field that an action needs besides the cio_id; the others have none."""


def parse_migration(body: bytes) -> int:
    """``{"migration": 4}``."""
    return _number(json_object(body), "migration", least=1)


def parse_apply(body: bytes) -> ApplyRequest:
    """``{"version": 37, "delete_people": 2}``; nobody is to be deleted if that is missing."""
    document = json_object(body)
    deletions = 0 if document.get("delete_people") is None else _number(document, "delete_people")
    return ApplyRequest(version=_number(document, "version"), deletions=deletions)


def parse_rule_body(body: bytes) -> Rule:
    """A rule by the names of its parts, of which only ``action`` is needed."""
    return parse_rule(json_object(body))


def parse_seen_rule(body: bytes) -> tuple[RuleCounts, Rule | None]:
    """``{"groups": 41233, "people": 96010, "action"?, …}``: the rule as the caller has seen it; None without an action.

    A whole document of a rule is such a body: what is no part of a rule and no count is ignored.
    """
    document = json_object(body)
    counts = RuleCounts(groups=_number(document, "groups"), people=_number(document, "people"))
    if document.get("action") is None:
        return counts, None
    return counts, parse_rule({part: document.get(part) for part in PARTS})


def parse_undo(body: bytes) -> Sequence[str] | None:
    """``{"cio_ids": […]}``; None, for all, without a body or without the list."""
    if not body or json_object(body).get("cio_ids") is None:
        return None
    return parse_cio_ids(body)


def parse_cio_ids(body: bytes) -> Sequence[str]:
    """``{"cio_ids": […]}``, each person once."""
    raws = _list(json_object(body), "cio_ids")
    return _each_once({f"cio_ids[{position}]": _cio_id(raw, f"cio_ids[{position}]") for position, raw in raws.items()})


def parse_decisions(body: bytes) -> Sequence[DecisionRequest]:
    """``{"decisions": [{"cio_id", "action", "email"?, "into"?}]}``, each person once."""
    raws = _list(json_object(body), "decisions")
    requests = [_decision(raw, f"decisions[{position}]") for position, raw in raws.items()]
    _each_once({f"decisions[{position}].cio_id": request.cio_id for position, request in enumerate(requests)})
    return requests


def _decision(raw: object, path: str) -> DecisionRequest:
    if not isinstance(raw, dict):
        raise InvalidInput(f"{path} is {quoted(raw)}: send an object", field=path)
    cio_id = _cio_id(raw.get("cio_id"), f"{path}.cio_id")
    kind = _kind(raw.get("action"), f"{path}.action")
    for name in _FIELD_OF.values():
        _raise_if_misplaced(raw, kind, name, f"{path}.{name}")
    match kind:
        case DecisionKind.CORRECT:
            decision = Decision(kind=kind, email=_email(raw["email"], f"{path}.email"))
        case DecisionKind.MERGE:
            decision = Decision(kind=kind, survivor=_cio_id(raw["into"], f"{path}.into"))
        case _:
            decision = Decision(kind=kind)
    return DecisionRequest(cio_id, decision)


def _raise_if_misplaced(raw: Mapping[str, Any], kind: DecisionKind, name: str, path: str) -> None:
    is_needed, is_there = _FIELD_OF.get(kind) == name, raw.get(name) is not None
    if is_needed and not is_there:
        raise InvalidInput(f"{path} is missing: the action {kind.value} needs it", field=path)
    if is_there and not is_needed:
        raise InvalidInput(f"{path} does not belong to the action {kind.value}: leave it out", field=path)


def _kind(raw: object, path: str) -> DecisionKind:
    if not isinstance(raw, str) or raw not in set(DecisionKind):
        raise InvalidInput(f"{path} {quoted(raw)} is unknown: use one of {', '.join(DecisionKind)}", field=path)
    return DecisionKind(raw)


def _email(raw: object, path: str) -> str:
    """An address as sent; whether it is valid is for the requirements of decisions to say (cleanups §3)."""
    if not isinstance(raw, str):
        raise InvalidInput(f"{path} is {quoted(raw)}: send an address", field=path)
    check_text(raw, field=path, limit=MAX_VALUE_BYTES)
    return raw


def _cio_id(raw: object, path: str) -> str:
    if not isinstance(raw, str):
        raise InvalidInput(f"{path} is {quoted(raw)}: send the cio_id of a person", field=path)
    return reference_of_kind(raw, CIO_ID, field=path).key


def _list(document: Mapping[str, Any], name: str) -> Mapping[int, object]:
    """The items of a list by their position."""
    raws = document.get(name)
    if not isinstance(raws, list) or not 1 <= len(raws) <= MAX_DECISIONS:
        raise InvalidInput(f"{name} must be a list of 1 to {MAX_DECISIONS} people", field=name)
    return dict(enumerate(raws))


def _each_once(cio_ids: Mapping[str, str]) -> Sequence[str]:
    """The cio_ids, by their paths; raises InvalidInput at the first repetition."""
    seen: dict[str, str] = {}
    for path, cio_id in cio_ids.items():
        if cio_id in seen:
            raise InvalidInput(f"{path} {quoted(cio_id)} is {seen[cio_id]}, too: send each person once", field=path)
        seen[cio_id] = path
    return list(seen)


def _number(document: Mapping[str, Any], name: str, *, least: int = 0) -> int:
    value = document.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= MAX_NUMBER:
        raise InvalidInput(f"{name} is {quoted(value)}: send a whole number, from {least}", field=name)
    return value
