"""What an undo of an import restores: each value that is still as the import left it (imports §6)."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from workspace_operator.identity.model.activity_log import log_changes
from workspace_operator.identity.model.attribute_timestamps import PLAIN_EMAIL
from workspace_operator.identity.model.person import (
    Person,
    effective_created_at,
    id_is_another_email,
    same_person,
    value_changes,
)
from workspace_operator.identity.model.working_set import WorkingSet
from workspace_operator.identity.values.attributes import same_value
from workspace_operator.identity.values.rules import EMAIL, EMAIL_OR_ID, ID, ID_ONLY, IdentifierKind


class Undone(StrEnum):
    """What became of the changes of a person; values as in the API."""

    WHOLE = "undone"
    IN_PART = "undoneInPart"
    NOT = "notUndone"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRecord:
    """A person before and after an import.

    Attributes:
        position: number of the first row that changed the person, from 1.
        before: None if the import made the person.
    """

    position: int
    before: Person | None
    after: Person

    @property
    def cio_id(self) -> str:
        """The person."""
        return self.after.cio_id


def may_delete(person: Person | None, record: ImportRecord, *, has_more: bool) -> bool:
    """Whether a person that the import made is deleted: nothing was added since (imports §6, row b).

    ``has_more`` says whether the person has devices, segments, events, messages or merges.
    """
    return person is not None and not has_more and not _differing(person, record.after)


def undo_change(working_set: WorkingSet, record: ImportRecord, *, now: int) -> Undone:
    """Undo what an import changed in a person who existed before.

    The working set contains the person, the owners of the former identifiers, and their suppressions.
    """
    person, before = working_set.people.get(record.cio_id), record.before
    if person is None or before is None:
        return Undone.NOT
    restored = _restored(working_set, person, before, record.after, now=now)
    left = _differing(before, record.after) & _differing(before, restored)
    if same_person(restored, person):
        return Undone.NOT if left else Undone.WHOLE
    changes = value_changes(person, restored, {*person.attributes, *restored.attributes})
    working_set.replace(restored)
    log_changes(working_set, restored, changes, now=now)
    return Undone.IN_PART if left else Undone.WHOLE


def _restored(working_set: WorkingSet, person: Person, before: Person, after: Person, *, now: int) -> Person:
    """The person with each former value that is still as the import left it, if it is available."""
    kept = _kept_identifiers(working_set, person, before, after)
    if same_person(person, after) and not kept:
        return before
    attributes, times = dict(person.attributes), dict(person.attribute_timestamps or {})
    for name in {**before.attributes, **after.attributes}:
        old, new = before.attributes.get(name), after.attributes.get(name)
        if same_value(old, new) or not same_value(person.attributes.get(name), new):
            continue
        _put(attributes, name, old)
        _put(times, name, (before.attribute_timestamps or {}).get(name))
    restored = replace(
        person,
        attributes=attributes,
        created_at=effective_created_at(attributes, inserted_at=person.inserted_at, now=now),
    )
    if before.id != after.id == person.id and ID not in kept:
        restored = replace(restored, id=before.id)
    if before.email != after.email == person.email and EMAIL not in kept:
        restored = replace(restored, email=before.email, email_key=before.email_key)
        _put(times, PLAIN_EMAIL, (before.attribute_timestamps or {}).get(PLAIN_EMAIL))
    return replace(restored, attribute_timestamps=times or None)


def _put(values: dict[str, Any], name: str, value: object) -> None:
    """Set a value, or remove it if there was none."""
    if value is None:
        values.pop(name, None)
    else:
        values[name] = value


def _kept_identifiers(
    working_set: WorkingSet, person: Person, before: Person, after: Person
) -> frozenset[IdentifierKind]:
    """Identifiers that the import changed and whose former value is not available (imports §6, row d)."""
    kept: set[IdentifierKind] = set()
    if before.id != after.id and before.id is not None and not _is_available(working_set, ID, before.id, person):
        kept.add(ID)
    if before.email != after.email and _email_is_lost(working_set, person, before):
        kept.add(EMAIL)
    if working_set.mode is EMAIL_OR_ID and _would_have_another_email(person, before, after, kept):
        return frozenset({ID, EMAIL})
    return frozenset(kept)


def _email_is_lost(working_set: WorkingSet, person: Person, before: Person) -> bool:
    key = before.email_key
    if key is None:
        return before.email is not None and working_set.mode is not ID_ONLY
    if working_set.mode is ID_ONLY:
        return (EMAIL, key) in working_set.suppressed
    return not _is_available(working_set, EMAIL, key, person)


def _is_available(working_set: WorkingSet, kind: IdentifierKind, key: str, person: Person) -> bool:
    owner = working_set.owners.get((kind, key), person.cio_id)
    return owner == person.cio_id and (kind, key) not in working_set.suppressed


def _would_have_another_email(person: Person, before: Person, after: Person, kept: Collection[IdentifierKind]) -> bool:
    """Whether the former identifiers would make the id another address (identity-rules §3, last **D**)."""
    id_ = before.id if before.id != after.id == person.id and ID not in kept else person.id
    returns = before.email != after.email == person.email and EMAIL not in kept
    key = before.email_key if returns else person.email_key
    return (id_, key) != (person.id, person.email_key) and id_is_another_email(id_, key)


def _differing(one: Person, other: Person) -> frozenset[str]:
    """The names of the values in which two states of a person differ."""
    return frozenset(value_changes(one, other, {*one.attributes, *other.attributes}))
