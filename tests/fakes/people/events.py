"""What calls leave behind, carried out in memory: one step after the other."""

from dataclasses import replace
from datetime import UTC, datetime

from tests.fakes.database import InMemoryDatabase, StoredActivity, StoredMerge, WorkspaceState
from workspace_operator.application.ports import Merge
from workspace_operator.identity.model.person_events import (
    ActivityLogged,
    AnonymousLinked,
    DeviceRemoved,
    DeviceUpserted,
    MembershipSet,
    PeopleMerged,
    PersonDeleted,
    PersonEvent,
)


def apply_event(memory: InMemoryDatabase, state: WorkspaceState, step: PersonEvent) -> None:  # noqa: C901 - one line a kind of step
    match step:
        case ActivityLogged():
            _note(memory, state, step)
        case DeviceUpserted():
            state.devices.setdefault(step.cio_id, {})[step.device.token] = step.device
        case DeviceRemoved():
            state.devices.get(step.cio_id, {}).pop(step.token, None)
        case MembershipSet(member=True):
            state.segments.setdefault(step.cio_id, set()).add(step.segment)
        case MembershipSet():
            state.segments.get(step.cio_id, set()).discard(step.segment)
        case AnonymousLinked():
            for each in state.activities:
                if each.cio_id is None and each.activity.anonymous_id == step.anonymous_id:
                    each.cio_id = each.origin = step.cio_id
        case PeopleMerged():
            _absorb(memory, state, step)
        case PersonDeleted():
            _remove(state, step.cio_id)


def _note(memory: InMemoryDatabase, state: WorkspaceState, step: ActivityLogged) -> None:
    if step.event_id is None or all(each.activity.event_id != step.event_id for each in state.activities):
        state.activities.append(
            StoredActivity(activity_id=memory.new_id(), activity=step, cio_id=step.cio_id, origin=step.cio_id)
        )


def _absorb(memory: InMemoryDatabase, state: WorkspaceState, step: PeopleMerged) -> None:
    own, its = step.primary.cio_id, step.secondary.cio_id
    devices, segments = state.devices.pop(its, {}), state.segments.pop(its, set())
    known = state.devices.setdefault(own, {}), state.segments.setdefault(own, set())
    for name, stored_merge in state.merges.items():
        if stored_merge.merge.holder == its and stored_merge.merge.undone_at is None:
            state.merges[name] = replace(stored_merge, merge=replace(stored_merge.merge, holder=own))
    merge = Merge(
        merge_id=memory.new_id(),
        workspace_id=state.workspace_id,
        at=datetime.fromtimestamp(step.at, UTC),
        automatic=step.automatic,
        primary=step.primary,
        secondary=step.secondary,
        survivor=step.survivor,
        holder=own,
        devices=tuple(devices[token] for token in sorted(devices)),
        segments=tuple(sorted(segments)),
        undone_at=None,
        migration_number=step.migration_number,
    )
    state.merges[merge.merge_id] = StoredMerge(
        merge=merge,
        duplicate_tokens=frozenset(devices.keys() & known[0].keys()),
        duplicate_segments=frozenset(segments & known[1]),
    )
    state.devices[own] = devices | known[0]
    known[1].update(segments)
    for each in state.activities:
        each.cio_id = own if each.cio_id == its else each.cio_id
    state.sending.move(its, own)


def _remove(state: WorkspaceState, cio_id: str) -> None:
    state.activities = [each for each in state.activities if each.cio_id != cio_id]
    state.sending.remove_of(cio_id)
    state.devices.pop(cio_id, None)
    state.segments.pop(cio_id, None)
    merges = [each.merge for each in state.merges.values()]
    gone = {cio_id, *(each.secondary.cio_id for each in merges if each.undone_at is None and each.holder == cio_id)}
    for each in merges:
        if gone & {each.primary.cio_id, each.secondary.cio_id}:
            del state.merges[each.merge_id]
    for number, rows in state.violations.items():
        state.violations[number] = [row for row in rows if row.cio_id != cio_id]
