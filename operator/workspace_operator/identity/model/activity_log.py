"""Append person events to a working set: one function for each kind of activity, with its data.

The functions decide nothing. The order within a command: creation or merge, changes, refusals.
"""

from collections.abc import Mapping, Sequence

from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.person_events import (
    ActivityLogged,
    ActivityType,
    AnonymousLinked,
    PeopleMerged,
    PersonDeleted,
)
from workspace_operator.identity.model.results import Refusal
from workspace_operator.identity.model.working_set import WorkingSet
from workspace_operator.identity.values.references import Reference
from workspace_operator.identity.values.tracked_events import TrackedEvent

_CREATE = ActivityType.PROFILE_CREATE
_CHANGE = ActivityType.ATTRIBUTE_CHANGE
_FAILED = ActivityType.FAILED_ATTRIBUTE_CHANGE
_MERGE = ActivityType.PROFILE_MERGE


def log_created(working_set: WorkingSet, person: Person, *, now: int) -> None:
    """Log `profile_create` without values; the first `attribute_change` records the old value.

    Values here would store every row of an import twice.
    """
    working_set.events.append(ActivityLogged(type=_CREATE, cio_id=person.cio_id, at=now, data={}))


def log_changes(working_set: WorkingSet, person: Person, changes: Mapping[str, object], *, now: int) -> None:
    """Log `attribute_change` if attributes or identifiers changed: ``{name: {"from", "to"}}``."""
    if changes:
        working_set.events.append(ActivityLogged(type=_CHANGE, cio_id=person.cio_id, at=now, data=changes))


def log_refusals(working_set: WorkingSet, person: Person, refusals: Sequence[Refusal], *, now: int) -> None:
    """Log one `failed_attribute_change` for each refusal, since one name can be refused twice."""
    for refusal in refusals:
        data = {refusal.kind.value: {"reason": refusal.message, "value": refusal.value}}
        working_set.events.append(ActivityLogged(type=_FAILED, cio_id=person.cio_id, at=now, data=data))


def log_skipped(working_set: WorkingSet, reference: Reference, *, now: int) -> None:
    """Log `skipped_update`: the command updates only, and no person matched."""
    data = {reference.kind.value: reference.value}
    working_set.events.append(ActivityLogged(type=ActivityType.SKIPPED_UPDATE, cio_id=None, at=now, data=data))


def merge_events(
    primary: Person,
    secondary: Person,
    survivor: Person,
    *,
    automatic: bool,
    now: int,
    migration_number: int | None = None,
) -> tuple[PeopleMerged, ActivityLogged]:
    """The person events of a merge; ``survivor`` is the result of the merge alone, without further updates."""
    data = {"primary": primary.cio_id, "secondary": secondary.cio_id, "automatic": automatic}
    return (
        PeopleMerged(
            primary=primary,
            secondary=secondary,
            survivor=survivor,
            automatic=automatic,
            at=now,
            migration_number=migration_number,
        ),
        ActivityLogged(type=_MERGE, cio_id=survivor.cio_id, at=now, data=data),
    )


def log_deleted(working_set: WorkingSet, person: Person, *, suppressed: bool, now: int) -> None:
    """Log that a person was deleted or suppressed; the activity has no personal data."""
    data = {"suppressed": suppressed}
    working_set.events += (
        PersonDeleted(cio_id=person.cio_id),
        ActivityLogged(type=ActivityType.PROFILE_DELETE, cio_id=person.cio_id, at=now, data=data),
    )


def log_linked(working_set: WorkingSet, person: Person, anonymous_id: str) -> None:
    """Assign the events of an anonymous id to this person."""
    working_set.events.append(AnonymousLinked(anonymous_id=anonymous_id, cio_id=person.cio_id))


def log_event(
    working_set: WorkingSet, event: TrackedEvent, *, cio_id: str | None, anonymous_id: str | None = None, now: int
) -> None:
    """Log a tracked event; ``cio_id`` is None for an anonymous event."""
    working_set.events.append(
        ActivityLogged(
            type=ActivityType(event.type.value),
            cio_id=cio_id,
            at=now if event.timestamp is None else event.timestamp,
            name=event.name,
            event_id=event.id,
            anonymous_id=anonymous_id,
            data=event.data,
        )
    )
