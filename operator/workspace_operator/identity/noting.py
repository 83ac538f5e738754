"""What calls leave behind, as steps of the trail: which activities there are, and what they tell.

Nothing is decided here. The order within a call: what was made or merged, what the call itself changed, what was
refused.
"""

from collections.abc import Mapping, Sequence

from workspace_operator.identity.events import Event
from workspace_operator.identity.outcomes import Refusal
from workspace_operator.identity.people import Person
from workspace_operator.identity.population import Population
from workspace_operator.identity.references import Reference
from workspace_operator.identity.trail import Absorbed, ActivityType, Gone, Noted, Recognized

_CREATE = ActivityType.PROFILE_CREATE
_CHANGE = ActivityType.ATTRIBUTE_CHANGE
_FAILED = ActivityType.FAILED_ATTRIBUTE_CHANGE


def note_created(population: Population, person: Person, *, now: int) -> None:
    """Log `profile_create` without values; the first `attribute_change` records the old value.

    Values here would store every row of an import twice.
    """
    population.trail.append(Noted(type=_CREATE, cio_id=person.cio_id, at=now, data={}))


def note_changes(population: Population, person: Person, changes: Mapping[str, object], *, now: int) -> None:
    """Attributes and identifiers have other values, if any: ``{name: {"from", "to"}}``."""
    if changes:
        population.trail.append(Noted(type=_CHANGE, cio_id=person.cio_id, at=now, data=changes))


def note_refusals(population: Population, person: Person, refusals: Sequence[Refusal], *, now: int) -> None:
    """Identifiers kept their values: an activity each, since one name may have been refused twice."""
    for refusal in refusals:
        data = {refusal.kind.value: {"reason": refusal.sentence, "value": refusal.value}}
        population.trail.append(Noted(type=_FAILED, cio_id=person.cio_id, at=now, data=data))


def note_skipped(population: Population, reference: Reference, *, now: int) -> None:
    """Only updates were asked for, of nobody."""
    data = {reference.kind.value: reference.value}
    population.trail.append(Noted(type=ActivityType.SKIPPED_UPDATE, cio_id=None, at=now, data=data))


def note_merged(
    population: Population, primary: Person, secondary: Person, survivor: Person, *, automatic: bool, now: int
) -> None:
    """Two people became one; ``survivor`` as the merge by itself made them."""
    population.trail += steps_of_merge(primary, secondary, survivor, automatic=automatic, now=now)


def steps_of_merge(
    primary: Person, secondary: Person, survivor: Person, *, automatic: bool, now: int
) -> tuple[Absorbed, Noted]:
    """What a merge leaves behind."""
    data = {"primary": primary.cio_id, "secondary": secondary.cio_id, "automatic": automatic}
    return (
        Absorbed(primary=primary, secondary=secondary, survivor=survivor, automatic=automatic, at=now),
        Noted(type=ActivityType.PROFILE_MERGE, cio_id=survivor.cio_id, at=now, data=data),
    )


def note_gone(population: Population, person: Person, *, suppressed: bool, now: int) -> None:
    """A person was deleted or suppressed; nothing personal remains of them."""
    data = {"suppressed": suppressed}
    population.trail += (
        Gone(cio_id=person.cio_id),
        Noted(type=ActivityType.PROFILE_DELETE, cio_id=person.cio_id, at=now, data=data),
    )


def note_recognized(population: Population, person: Person, anonymous_id: str) -> None:
    """Somebody who did things without being known is this person."""
    population.trail.append(Recognized(anonymous_id=anonymous_id, cio_id=person.cio_id))


def note_event(
    population: Population, event: Event, *, cio_id: str | None, anonymous_id: str | None = None, now: int
) -> None:
    """Somebody did something, perhaps nobody known."""
    population.trail.append(
        Noted(
            type=ActivityType(event.type.value),
            cio_id=cio_id,
            at=now if event.timestamp is None else event.timestamp,
            name=event.name,
            event_id=event.id,
            anonymous_id=anonymous_id,
            data=event.data,
        )
    )
