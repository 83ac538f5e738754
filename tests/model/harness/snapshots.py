"""What a workspace looks like from outside, in a form that the model and every store can be held to."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeAlias

from tests.model.reference.people import People
from tests.model.reference.records import Activity, Merged, ModelPerson
from workspace_operator.application.ports import Merge
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.person_events import ActivityType
from workspace_operator.identity.values import refusal_reasons
from workspace_operator.identity.values.rules import IdentifierKind

State: TypeAlias = Mapping[str, Any]
"""Parts by name; who sees less gives fewer parts."""


_REASON_ENDS = {
    reason.removeprefix("The value"): reason for name, reason in vars(refusal_reasons).items() if name.isupper()
}


def state_of(model: People) -> State:
    """Everything that the model knows."""
    people = model.people.values()
    return {
        "people": {each.cio_id: model_person_shown(each) for each in people},
        "owners": {f"{kind}:{key}": each.cio_id for each in people for kind, key in model.identifiers_of(each)},
        "suppressed": suppressed_shown(model.suppressions),
        "activities": activities_shown(model, model.activities.by_whom),
        **records_shown(people),
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
        _activity_of(each, owner_label(cio_id, model.people))
        for cio_id in cio_ids
        for each in model.activities.by_whom.get(cio_id, ())
    )


def records_shown(people: Collection[ModelPerson]) -> State:
    """Devices and segments of the model's people."""
    return {
        "devices": {each.cio_id: sorted(map(repr, each.devices.values())) for each in people if each.devices},
        "segments": {each.cio_id: sorted(each.segments) for each in people if each.segments},
    }


def differences(known: State, result: State) -> Mapping[str, Any]:
    """Where two views differ in what both show: by part and name, what the model knows and what it is told."""
    found = {}
    for part in result:
        ours, theirs = _by_name(known[part]), _by_name(result[part])
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
        times=person.attribute_timestamps or {},
        inserted_at=person.inserted_at,
        age=person.created_at,
    )


def model_person_shown(someone: ModelPerson) -> tuple[object, ...]:
    """A person of the model."""
    return _shown(
        id_=someone.id,
        email=someone.email,
        key=someone.key,
        attributes=someone.attributes,
        times=someone.times,
        inserted_at=someone.inserted_at,
        age=someone.age,
    )


def _shown(
    *,
    id_: str | None,
    email: str | None,
    key: str | None,
    attributes: Mapping[str, Any],
    times: Mapping[str, float],
    inserted_at: int,
    age: int,
) -> tuple[object, ...]:
    known = {name: float(at) for name, at in sorted(times.items())}
    return id_, email, key, document_shown(attributes), known, inserted_at, age


def document_shown(document: Any) -> str:
    """JSON that keeps 1, true and 1.0 apart."""
    return json.dumps(document, sort_keys=True, ensure_ascii=False)


def suppressed_shown(groups: Iterable[Iterable[tuple[IdentifierKind, str]]]) -> list[list[str]]:
    """What was suppressed together; the names of suppressions are nobody's business."""
    return sorted(sorted(f"{kind}:{key}" for kind, key in group) for group in groups)


def activity_shown(
    *,
    type_: ActivityType,
    owner_label: str,
    at: int,
    name: str,
    anonymous_id: str | None,
    data: Mapping[str, Any],
) -> tuple[str, ...]:
    """An activity; of a merge the journal knows whose it was."""
    if type_ is ActivityType.PROFILE_MERGE:
        data = {"automatic": data["automatic"]}
    if type_ is ActivityType.FAILED_ATTRIBUTE_CHANGE:
        data = {kind: {**result, "reason": reason_of(result["reason"])} for kind, result in data.items()}
    return type_.value, owner_label, str(at), name, anonymous_id or "", document_shown(data)


def owner_label(cio_id: str | None, people: Iterable[str]) -> str:
    """Nobody's, somebody's, or that of somebody who is gone."""
    return "nobody" if cio_id is None else cio_id if cio_id in people else "gone"


def reason_of(message: str) -> str:
    """The reason in a message, which may name the value or its invisible characters."""
    found = [reason for end, reason in _REASON_ENDS.items() if message.endswith(end)]
    return found[0] if found else refusal_reasons.INVALID_EMAIL


def _activity_of(each: Activity, whose_: str) -> tuple[str, ...]:
    return activity_shown(
        type_=each.type,
        owner_label=whose_,
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
        *map(model_person_shown, (each.primary, each.secondary, each.survivor)),
        sorted(map(repr, each.secondary.devices.values())),
        sorted(each.secondary.segments),
    )
