"""What calls leave behind, carried out in memory: one step after the other."""

from dataclasses import replace
from datetime import UTC, datetime

from tests.fakes.memory import Journalled, Memory, Recorded, Room
from workspace_operator.application.ports import Merge
from workspace_operator.identity.trail import (
    Absorbed,
    DeviceRemoved,
    DeviceSet,
    Gone,
    Membership,
    Noted,
    Recognized,
    Step,
)


def carry_out(memory: Memory, room: Room, step: Step) -> None:  # noqa: C901 - one line a kind of step
    match step:
        case Noted():
            _note(memory, room, step)
        case DeviceSet():
            room.devices.setdefault(step.cio_id, {})[step.device.token] = step.device
        case DeviceRemoved():
            room.devices.get(step.cio_id, {}).pop(step.token, None)
        case Membership(member=True):
            room.segments.setdefault(step.cio_id, set()).add(step.segment)
        case Membership():
            room.segments.get(step.cio_id, set()).discard(step.segment)
        case Recognized():
            for each in room.activities:
                if each.cio_id is None and each.noted.anonymous_id == step.anonymous_id:
                    each.cio_id = each.origin = step.cio_id
        case Absorbed():
            _absorb(memory, room, step)
        case Gone():
            _remove(room, step.cio_id)


def _note(memory: Memory, room: Room, step: Noted) -> None:
    if step.event_id is None or all(each.noted.event_id != step.event_id for each in room.activities):
        room.activities.append(
            Recorded(activity_id=memory.new_id(), noted=step, cio_id=step.cio_id, origin=step.cio_id)
        )


def _absorb(memory: Memory, room: Room, step: Absorbed) -> None:
    own, its = step.primary.cio_id, step.secondary.cio_id
    devices, segments = room.devices.pop(its, {}), room.segments.pop(its, set())
    known = room.devices.setdefault(own, {}), room.segments.setdefault(own, set())
    for name, journalled in room.merges.items():
        if journalled.merge.holder == its and journalled.merge.undone_at is None:
            room.merges[name] = replace(journalled, merge=replace(journalled.merge, holder=own))
    merge = Merge(
        merge_id=memory.new_id(),
        workspace_id=room.workspace.workspace_id,
        at=datetime.fromtimestamp(step.at, UTC),
        automatic=step.automatic,
        primary=step.primary,
        secondary=step.secondary,
        survivor=step.survivor,
        holder=own,
        devices=tuple(devices[token] for token in sorted(devices)),
        segments=tuple(sorted(segments)),
        undone_at=None,
    )
    room.merges[merge.merge_id] = Journalled(
        merge=merge,
        doubled_tokens=frozenset(devices.keys() & known[0].keys()),
        doubled_segments=frozenset(segments & known[1]),
    )
    room.devices[own] = devices | known[0]
    known[1].update(segments)
    for each in room.activities:
        each.cio_id = own if each.cio_id == its else each.cio_id


def _remove(room: Room, cio_id: str) -> None:
    room.activities = [each for each in room.activities if each.cio_id != cio_id]
    room.devices.pop(cio_id, None)
    room.segments.pop(cio_id, None)
    merges = [each.merge for each in room.merges.values()]
    gone = {cio_id, *(each.secondary.cio_id for each in merges if each.undone_at is None and each.holder == cio_id)}
    for each in merges:
        if gone & {each.primary.cio_id, each.secondary.cio_id}:
            del room.merges[each.merge_id]
    for number, rows in room.violations.items():
        room.violations[number] = [row for row in rows if row.cio_id != cio_id]
