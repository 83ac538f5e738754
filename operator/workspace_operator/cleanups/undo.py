"""Undo of a decision that was carried out, person by person (cleanups §7).

A merge is undone by the rules of `identity.merges.unmerge`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from workspace_operator.cleanups.decisions import DecisionKind
from workspace_operator.cleanups.model import Outcome, StoredDecision
from workspace_operator.identity.model.activity_log import log_changes, log_created
from workspace_operator.identity.model.attribute_timestamps import PLAIN_EMAIL
from workspace_operator.identity.model.person import Person, value_changes
from workspace_operator.identity.model.working_set import WorkingSet
from workspace_operator.identity.values.references import IdentifierKey
from workspace_operator.identity.values.rules import EMAIL, EMAIL_OR_ID, ID, ID_ONLY


class UndoReason(StrEnum):
    """Why a decision is not undone, or only in part; values as in the API."""

    ERASED = "erased"
    PERSON_GONE = "personGone"
    CHANGED = "changed"
    EMAIL_SUPPRESSED = "emailSuppressed"
    EMAIL_TAKEN = "emailTaken"
    EMAIL_INVALID = "emailInvalid"
    ID_IS_ANOTHER_EMAIL = "idIsAnotherEmail"
    SURVIVOR_GONE = "survivorGone"
    MERGED_AGAIN = "mergedAgain"
    IDENTIFIERS_MISSING = "identifiersMissing"


class PreviewedDecision(NamedTuple):
    """A decision, and why an undo would restore it only in part or not at all; None if it would restore all of it."""

    stored: StoredDecision
    reason: UndoReason | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoPreview:
    """What would be restored if a cleanup were undone.

    Attributes:
        decisions: number of decisions that would be undone.
        examined: those that the preview is about, in the order of their undo: the first ones, if they are too many.
    """

    decisions: int
    examined: Sequence[PreviewedDecision]

    @property
    def reasons(self) -> Mapping[UndoReason, int]:
        """How often which reason is given."""
        return Counter(each.reason for each in self.examined if each.reason is not None)

    @property
    def whole(self) -> int:
        """Number of the examined decisions that would be restored as a whole."""
        return self._number_of(Outcome.UNDONE)

    @property
    def in_part(self) -> int:
        """Number of those that would be restored in part."""
        return self._number_of(Outcome.UNDONE_IN_PART)

    @property
    def not_undone(self) -> int:
        """Number of those that would not be restored."""
        return self._number_of(Outcome.NOT_UNDONE)

    def _number_of(self, outcome: Outcome) -> int:
        return sum(outcome_of(each.reason) is outcome for each in self.examined)


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRecord:
    """What a person was before a correction, a cleared address or a deletion, and the address that it got."""

    before: Person
    new_email: str | None


def outcome_of(reason: UndoReason | None) -> Outcome:
    """The outcome of an undo, by the reason why the decision is not restored completely; None if it is."""
    if reason is None:
        return Outcome.UNDONE
    return Outcome.UNDONE_IN_PART if reason is UndoReason.IDENTIFIERS_MISSING else Outcome.NOT_UNDONE


def undo_recorded(
    working_set: WorkingSet, kind: DecisionKind, record: PersonRecord | None, *, now: int
) -> UndoReason | None:
    """Undo a decision that is no merge; returns why it is not restored as a whole.

    ``record`` is None if it was erased; a person who was kept has none. The working set contains what `undo_email` and
    `undo_deletion` need.
    """
    if kind is DecisionKind.KEEP:
        return None
    if record is None:
        return UndoReason.ERASED
    undo = undo_deletion if kind is DecisionKind.DELETE else undo_email
    return undo(working_set, record, now=now)


def undo_email(working_set: WorkingSet, record: PersonRecord, *, now: int) -> UndoReason | None:
    """Give a person the former address back, unless it has changed since; returns why not.

    The working set contains the person, the owner of the former address, and its suppressions.
    """
    person = working_set.people.get(record.before.cio_id)
    if person is None:
        return UndoReason.PERSON_GONE
    if person.email != record.new_email:
        return UndoReason.CHANGED
    email, key = record.before.email, record.before.email_key
    restored = replace(person, email=email, email_key=key, attribute_timestamps=_timestamps(person, record.before))
    reason = _reason_against_email(working_set, restored)
    if reason is None and working_set.mode is EMAIL_OR_ID and restored.id_is_another_email:
        reason = UndoReason.ID_IS_ANOTHER_EMAIL
    if reason is not None:
        return reason
    working_set.replace(restored)
    log_changes(working_set, restored, value_changes(person, restored, ()), now=now)
    return None


def undo_deletion(working_set: WorkingSet, record: PersonRecord, *, now: int) -> UndoReason | None:
    """Restore a deleted person with its cio_id; without an identifier that another has, or that is suppressed.

    The working set contains the owners of the person's identifiers, and their suppressions.
    """
    person = record.before
    if person.id is not None and not _is_free(working_set, (ID, person.id)):
        person = replace(person, id=None)
    if person.email is not None and _reason_against_email(working_set, person) is not None:
        person = replace(person, email=None, email_key=None)
    if working_set.mode is EMAIL_OR_ID and person.id_is_another_email:
        person = replace(person, id=None)  # no person has an id that is another address there (identity-rules §3)
    working_set.insert(person)
    log_created(working_set, person, now=now)
    is_whole = (person.id, person.email) == (record.before.id, record.before.email)
    return None if is_whole else UndoReason.IDENTIFIERS_MISSING


def _reason_against_email(working_set: WorkingSet, restored: Person) -> UndoReason | None:
    """Why a person cannot have its former address back."""
    key = restored.email_key
    if key is not None and (EMAIL, key) in working_set.suppressed:
        return UndoReason.EMAIL_SUPPRESSED
    if working_set.mode is ID_ONLY or restored.email is None:
        return None
    if key is None:
        return UndoReason.EMAIL_INVALID
    owner = working_set.owners.get((EMAIL, key), restored.cio_id)
    return None if owner == restored.cio_id else UndoReason.EMAIL_TAKEN


def _timestamps(person: Person, before: Person) -> Mapping[str, float] | None:
    """The timestamps of the person's attributes, with the former one of the address."""
    times = {name: at for name, at in (person.attribute_timestamps or {}).items() if name != PLAIN_EMAIL}
    former = (before.attribute_timestamps or {}).get(PLAIN_EMAIL)
    return times | ({} if former is None else {PLAIN_EMAIL: former}) or None


def _is_free(working_set: WorkingSet, identifier: IdentifierKey) -> bool:
    return identifier not in working_set.owners and identifier not in working_set.suppressed
