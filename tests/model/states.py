"""What a workspace looks like from outside, in a form that the model and every store can be held to."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeAlias

from tests.model.people import People
from tests.model.records import Activity, Merged, Someone
from workspace_operator.application.ports import Merge
from workspace_operator.identity.people import Person
from workspace_operator.identity.reasons import OTHERS
from workspace_operator.identity.rules import Kind
from workspace_operator.identity.trail import ActivityType

State: TypeAlias = Mapping[str, Any]
"""Parts by name; who sees less gives fewer parts."""


def state_of(model: People) -> State:
    """Everything that the model knows."""
    people = model.people.values()
    return {
        "people": {each.cio_id: someone_shown(each) for each in people},
        "owners": {f"{kind}:{key}": each.cio_id for each in people for kind, key in model.claims(each)},
        "suppressed": suppressed_shown(model.suppressions),
        "activities": activities_shown(model, model.activities.by_whom),
        **belongings_shown(people),
        "counts": {
            "total": len(people),
            "with_email": sum(each.email is not None for each in people),
            "without_id": sum(each.id is None for each in people),
            "without_identifier": sum(each.id is None and each.key is None for each in people),
            **model.violations(),
        },
        "journal": {str(number): _merged_of(each) for number, each in enumerate(model.journal)},
    }


def activities_shown(model: People, cio_ids: Iterable[str | None]) -> list[tuple[str, ...]]:
    """Activities of some of the model's people; those of nobody known are under None."""
    return sorted(
        _activity_of(each, whose(cio_id, model.people))
        for cio_id in cio_ids
        for each in model.activities.by_whom.get(cio_id, ())
    )


def belongings_shown(people: Collection[Someone]) -> State:
    """Devices and segments of the model's people."""
    return {
        "devices": {each.cio_id: sorted(map(repr, each.devices.values())) for each in people if each.devices},
        "segments": {each.cio_id: sorted(each.segments) for each in people if each.segments},
    }


def differences(known: State, told: State) -> Mapping[str, Any]:
    """Where two views differ in what both show: by part and name, what the model knows and what it is told."""
    found = {}
    for part in told:
        ours, theirs = _by_name(known[part]), _by_name(told[part])
        names = sorted(ours.keys() | theirs.keys())
        moved = {name: (ours.get(name), theirs.get(name)) for name in names if ours.get(name) != theirs.get(name)}
        if moved:
            found[part] = moved
    return found


def _by_name(part: Mapping[str, Any] | Iterable[Any]) -> Mapping[str, Any]:
    """A part by names; of what has no names, how often each is there."""
    return part if isinstance(part, Mapping) else Counter(map(repr, part))


def person_shown(person: Person) -> tuple[object, ...]:
    """A person of the product."""
    return _shown(
        id_=person.id,
        email=person.email,
        key=person.email_key,
        attributes=person.attributes,
        times=person.attribute_times or {},
        stored_at=person.stored_at,
        age=person.created_at,
    )


def someone_shown(someone: Someone) -> tuple[object, ...]:
    """A person of the model."""
    return _shown(
        id_=someone.id,
        email=someone.email,
        key=someone.key,
        attributes=someone.attributes,
        times=someone.times,
        stored_at=someone.stored_at,
        age=someone.age,
    )


def _shown(
    *,
    id_: str | None,
    email: str | None,
    key: str | None,
    attributes: Mapping[str, Any],
    times: Mapping[str, float],
    stored_at: int,
    age: int,
) -> tuple[object, ...]:
    known = {name: float(at) for name, at in sorted(times.items())}
    return id_, email, key, document_shown(attributes), known, stored_at, age


def document_shown(document: Any) -> str:
    """JSON that keeps 1, true and 1.0 apart."""
    return json.dumps(document, sort_keys=True, ensure_ascii=False)


def suppressed_shown(groups: Iterable[Iterable[tuple[Kind, str]]]) -> list[list[str]]:
    """What was suppressed together; the names of suppressions are nobody's business."""
    return sorted(sorted(f"{kind}:{key}" for kind, key in group) for group in groups)


def activity_shown(
    *,
    type_: ActivityType,
    whose: str,
    at: int,
    name: str,
    anonymous_id: str | None,
    data: Mapping[str, Any],
) -> tuple[str, ...]:
    """An activity; of a merge the journal knows whose it was."""
    if type_ is ActivityType.PROFILE_MERGE:
        data = {"automatic": data["automatic"]}
    if type_ is ActivityType.FAILED_ATTRIBUTE_CHANGE:
        data = {kind: _refusal_shown(told) for kind, told in data.items()}
    return type_.value, whose, str(at), name, anonymous_id or "", document_shown(data)


def whose(cio_id: str | None, people: Iterable[str]) -> str:
    """Nobody's, somebody's, or that of somebody who is gone."""
    return "nobody" if cio_id is None else cio_id if cio_id in people else "gone"


def _refusal_shown(told: Mapping[str, Any]) -> Mapping[str, Any]:
    """The model knows only of one reason how it has to read."""
    is_taken = told["reason"] == OTHERS if "reason" in told else told["is_taken"]
    return {"value": told["value"], "is_taken": is_taken}


def _activity_of(each: Activity, whose_: str) -> tuple[str, ...]:
    return activity_shown(
        type_=each.type,
        whose=whose_,
        at=each.at,
        name=each.name,
        anonymous_id=each.anonymous_id,
        data=each.data,
    )


def merge_shown(merge: Merge) -> tuple[object, ...]:
    """An entry of the product's journal."""
    return (
        merge.primary.cio_id,
        merge.secondary.cio_id,
        merge.holder,
        merge.automatic,
        int(merge.at.timestamp()),
        merge.undone_at is not None,
        *map(person_shown, (merge.primary, merge.secondary, merge.survivor)),
        sorted(map(repr, merge.devices)),
        sorted(merge.segments),
    )


def _merged_of(each: Merged) -> tuple[object, ...]:
    """An entry of the model's."""
    return (
        each.primary.cio_id,
        each.secondary.cio_id,
        each.holder,
        each.automatic,
        each.at,
        each.undone,
        *map(someone_shown, (each.primary, each.secondary, each.survivor)),
        sorted(map(repr, each.secondary.devices.values())),
        sorted(each.secondary.segments),
    )
