"""What belongs to a person, in words: merges, decisions of cleanups, activities and deliveries."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from workspace_operator.application.ports import Activity, DeliveryRecord, Merge, NumberedDecision
from workspace_operator.console.texts import TEXTS, counted, text
from workspace_operator.console.views.cleanups.groups import MAX_CELL, name_of
from workspace_operator.console.views.cleanups.reviews import decision_line
from workspace_operator.console.views.formats import ShownTime, day, time, visible
from workspace_operator.console.views.people.values import time_of_seconds, value_text
from workspace_operator.identity.model.person_events import ActivityType

MAX_CHANGES: Final = 5
"""Changes of an activity that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordLine:
    """Something that happened to a person.

    Attributes:
        at: None if no calendar has the time.
    """

    at: ShownTime | None
    what: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeLine:
    """A merge with this person on one of its sides.

    Attributes:
        how: what made it, and that it was undone, if it was.
        other_href: the page of the person on the other side.
        comes_back: what an undo brings back; empty if it cannot be undone here.
        undo: the name of the button that undoes it.
    """

    merge_id: str
    at: ShownTime
    what: str
    how: str
    other_href: str
    comes_back: str
    undo: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanupLine:
    """A decision of a cleanup about this person, with what became of it."""

    href: str
    title: str
    what: str
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryLine:
    """A message to this person."""

    at: ShownTime
    subject: str
    state: str
    recipient: str


def activity_line(activity: Activity) -> RecordLine:
    """An activity in words."""
    changes = list(_changes(activity))
    if len(changes) > MAX_CHANGES:
        changes = [*changes[:MAX_CHANGES], counted("activity.more", len(changes) - MAX_CHANGES)]
    detail = [visible(activity.name)] if activity.name else changes
    return RecordLine(at=time_of_seconds(activity.at), what=text(f"activity.{activity.type}"), detail=", ".join(detail))


def _changes(activity: Activity) -> Iterator[str]:
    """What an activity changed, or was refused to change."""
    if activity.type not in (ActivityType.ATTRIBUTE_CHANGE, ActivityType.FAILED_ATTRIBUTE_CHANGE):
        return
    for name, change in activity.data.items():
        values: Mapping[str, Any] = change if isinstance(change, Mapping) else {}
        if activity.type is ActivityType.FAILED_ATTRIBUTE_CHANGE:
            yield f"{visible(name, limit=MAX_CELL)}: {visible(str(values.get('reason', '')))}"
        else:
            before, after = (_cell(values.get(side)) for side in ("from", "to"))
            yield f"{visible(name, limit=MAX_CELL)}: {before} → {after}"


def _cell(value: object) -> str:
    shown = value_text(value)
    return (shown if len(shown) <= MAX_CELL else f"{shown[:MAX_CELL]}…") or text("person.none")


def merge_line(merge: Merge, cio_id: str, root: str) -> MergeLine:
    """A merge as the page of one of its people shows it."""
    primary, secondary = merge.primary, merge.secondary
    is_survivor = cio_id == primary.cio_id
    can_undo = is_survivor and merge.undone_at is None and merge.holder == cio_id
    how = [_how(merge)]
    if merge.undone_at is not None:
        how.append(text("person.undone", day=day(merge.undone_at)))
    return MergeLine(
        merge_id=merge.merge_id,
        at=time(merge.at),
        what=text("person.merge", secondary=name_of(secondary), primary=name_of(primary)),
        how=", ".join(how),
        other_href=f"{root}/{secondary.cio_id if is_survivor else primary.cio_id}",
        comes_back=_comes_back(merge) if can_undo else "",
        undo=text("person.undo_merge_of", person=name_of(secondary)) if can_undo else "",
    )


def _how(merge: Merge) -> str:
    if merge.migration_number is not None:
        return text("person.merge.migration", number=merge.migration_number)
    return text("person.merge.automatic" if merge.automatic else "person.merge.requested")


def _comes_back(merge: Merge) -> str:
    secondary = merge.secondary
    values = ((text("person.id"), secondary.id), (text("person.email"), secondary.email))
    named = [f"{kind} {visible(value, limit=MAX_CELL)}" for kind, value in values if value is not None]
    said = [text("person.if_free", what=", ".join(named))] if named else []
    counts = {"attributes": secondary.attributes, "devices": merge.devices, "segments": merge.segments}
    said += [counted(f"person.comes_back.{name}", len(each)) for name, each in counts.items() if each]
    return text(
        "person.comes_back",
        person=name_of(secondary),
        what="; ".join(said) or text("person.none"),
        survivor=name_of(merge.survivor),
    )


def cleanup_line(numbered: NumberedDecision, workspace_root: str) -> CleanupLine:
    """A decision about this person."""
    number, stored = numbered
    outcome, reason = text(f"outcome.{stored.outcome or 'none'}"), f"reason.{stored.reason}"
    return CleanupLine(
        href=f"{workspace_root}/cleanup/{number}",
        title=text("person.cleanup", number=number),
        what=decision_line(stored, {}).what,
        outcome=f"{outcome}: {text(reason)}" if stored.reason is not None and reason in TEXTS else outcome,
    )


def delivery_line(record: DeliveryRecord) -> DeliveryLine:
    """A message to this person, with the address that it was diverted to and why it was not sent."""
    delivery, gate = record.delivery, record.delivery.gate
    state: list[str] = [delivery.state]
    if gate is not None and gate.diverted_to is not None:
        state.append(text("person.diverted", address=visible(gate.diverted_to)))
    if delivery.failure is not None:
        state.append(visible(delivery.failure))
    return DeliveryLine(
        at=time(delivery.accepted_at),
        subject=visible(delivery.subject),
        state=", ".join(state),
        recipient=visible(delivery.recipient),
    )
