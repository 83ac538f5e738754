"""Everything about one person, and what became of a person that is not there any more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from workspace_operator.application.cleanups.blocking import BlockingPeople
from workspace_operator.application.ports import (
    Activity,
    Cleanups,
    Deliveries,
    DeliveryQuery,
    DeliveryRecord,
    Merge,
    MergeJournal,
    NumberedDecision,
    People,
    PersonRecords,
    Segments,
)
from workspace_operator.cleanups.decisions import DecisionKind
from workspace_operator.cleanups.model import Outcome
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.person_events import ActivityType
from workspace_operator.identity.values.devices import Device
from workspace_operator.identity.values.references import IdentifierKey, reference_to_cio_id
from workspace_operator.identity.values.rules import IdentifierKind
from workspace_operator.migrations.model import Violation

RECORDS: Final = 20
"""Devices, segments, merges, refusals, activities and deliveries of a person that a profile has at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileRequest:
    """Which part of long lists is wanted: what comes before a merge, an activity or a delivery; None for the newest."""

    merges_before: str | None = None
    activities_before: str | None = None
    deliveries_before: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A person with what belongs to it. Each list has up to `RECORDS` entries, and one more if there are more.

    Attributes:
        suppressed: the kinds of its identifiers that are suppressed.
        violations: why it blocks the identifier change; empty if it does not.
        others_with_email: other people with the same e-mail key, two at most.
        segments: numbers of manual segments.
        segment_names: names of these segments, as far as they have one.
        decisions: of cleanups, newest first.
        refusals: activities that say which change of an identifier was refused, newest first.
    """

    person: Person
    suppressed: frozenset[IdentifierKind]
    violations: frozenset[Violation]
    others_with_email: Sequence[Person]
    devices: Sequence[Device]
    segments: Sequence[int]
    segment_names: Mapping[int, str]
    merges: Sequence[Merge]
    decisions: Sequence[NumberedDecision]
    refusals: Sequence[Activity]
    activities: Sequence[Activity]
    deliveries: Sequence[DeliveryRecord]


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedPerson:
    """The person became part of another one by a merge."""

    survivor: Person
    merge: Merge


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletedPerson:
    """The person was deleted.

    Attributes:
        at: None if the activity that says so is not kept any more.
        was_suppressed: whether its identifiers were suppressed, as far as that is known.
        cleanup: the number of the cleanup that deleted it; None if none did.
    """

    at: datetime | None
    was_suppressed: bool
    cleanup: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileReader:
    """Reads profiles in workspaces that a viewer was found to reach. All look-ups are by index."""

    people: People
    person_records: PersonRecords
    segments: Segments
    merges: MergeJournal
    cleanups: Cleanups
    deliveries: Deliveries
    blocking: BlockingPeople

    def find(self, workspace_id: int, cio_id: str) -> Person | None:
        """The person with a cio_id, as it is now."""
        return self.people.find(workspace_id, reference_to_cio_id(cio_id))

    def profile(self, workspace_id: int, person: Person, request: ProfileRequest) -> Profile:
        """Everything about a person."""
        cio_id, records, one_more = person.cio_id, self.person_records, RECORDS + 1
        segments = records.segments(workspace_id, cio_id)[:one_more]
        refusal, before = ActivityType.FAILED_ATTRIBUTE_CHANGE, request.deliveries_before
        return Profile(
            person=person,
            suppressed=frozenset(kind for kind, _ in self.people.suppressed(workspace_id, _identifiers(person))),
            violations=self.blocking.violations(workspace_id, [cio_id]).get(cio_id, frozenset()),
            others_with_email=self._others_with_email(workspace_id, person),
            devices=records.devices(workspace_id, [cio_id]).get(cio_id, ())[:one_more],
            segments=segments,
            segment_names=self.segments.names(workspace_id, segments) if segments else {},
            merges=self.merges.merges(workspace_id, cio_id=cio_id, before=request.merges_before, limit=one_more),
            decisions=self.cleanups.decisions_about(workspace_id, cio_id)[:one_more],
            refusals=records.activities(workspace_id, type=refusal, cio_id=cio_id, limit=one_more),
            activities=records.activities(
                workspace_id, cio_id=cio_id, before=request.activities_before, limit=one_more
            ),
            deliveries=self.deliveries.list(workspace_id, DeliveryQuery(limit=one_more, before=before, cio_id=cio_id)),
        )

    def fate(self, workspace_id: int, cio_id: str) -> MergedPerson | DeletedPerson | None:
        """What became of a person that is not there any more; None if nothing is known of it."""
        merges = self.merges.merges(workspace_id, cio_id=cio_id, limit=RECORDS)
        ended = (each for each in merges if each.secondary.cio_id == cio_id and each.undone_at is None)
        merge = next(ended, None)
        if merge is not None and (survivor := self.find(workspace_id, merge.holder)) is not None:
            return MergedPerson(survivor=survivor, merge=merge)
        return self._deletion(workspace_id, cio_id)

    def _deletion(self, workspace_id: int, cio_id: str) -> DeletedPerson | None:
        deletion = ActivityType.PROFILE_DELETE
        logged = next(iter(self.person_records.activities(workspace_id, type=deletion, cio_id=cio_id, limit=1)), None)
        cleanup = next(
            (
                number
                for number, stored in self.cleanups.decisions_about(workspace_id, cio_id)
                if stored.decision.kind is DecisionKind.DELETE and stored.outcome in _CARRIED_OUT
            ),
            None,
        )
        if logged is None and cleanup is None:
            return None
        return DeletedPerson(
            at=None if logged is None else datetime.fromtimestamp(logged.at, UTC),
            was_suppressed=logged is not None and bool(logged.data.get("suppressed")),
            cleanup=cleanup,
        )

    def _others_with_email(self, workspace_id: int, person: Person) -> Sequence[Person]:
        if person.email_key is None:
            return ()
        found = self.people.find_by_email(workspace_id, person.email_key, limit=3)
        return [each for each in found if each.cio_id != person.cio_id][:2]


_CARRIED_OUT: Final = frozenset({Outcome.APPLIED, Outcome.NOT_UNDONE})


def _identifiers(person: Person) -> Sequence[IdentifierKey]:
    values = ((IdentifierKind.ID, person.id), (IdentifierKind.EMAIL, person.email_key))
    return [(kind, value) for kind, value in values if value is not None]
