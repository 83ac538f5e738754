"""The journal of merges, in memory."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from tests.fakes.database import InMemoryDatabase, StoredMerge, WorkspaceState
from tests.fakes.people.audit_log import record
from tests.fakes.people.people import commit
from workspace_operator.application.ports import Actor, Merge, UndoResult
from workspace_operator.errors import Conflict, NotFound
from workspace_operator.identity.merges.unmerge import unmerge


@dataclass(frozen=True, slots=True)
class FakeMerges:
    """Implements the port ``Merges``."""

    memory: InMemoryDatabase

    def merges(
        self, workspace_id: int, *, cio_id: str | None = None, before: str | None = None, limit: int
    ) -> Sequence[Merge]:
        state = self.memory.states.get(workspace_id)
        merges = [each.merge for _, each in sorted(state.merges.items(), reverse=True)] if state else []
        found = [
            each
            for each in merges
            if cio_id in {None, each.primary.cio_id, each.secondary.cio_id}
            and (before is None or each.merge_id < before)
        ]
        return found[:limit]

    def get(self, workspace_id: int, merge_id: str) -> Merge:
        state = self.memory.states.get(workspace_id)
        if state is None or merge_id not in state.merges:
            raise NotFound(f"there is no merge {merge_id}: `workspacectl merges list` lists them")
        return state.merges[merge_id].merge

    def undo(self, workspace_id: int, merge_id: str, *, now: int, actor: Actor | None = None) -> UndoResult:
        state, merge = self.memory.state(workspace_id), self.get(workspace_id, merge_id)
        if merge.undone_at is not None:
            raise Conflict(f"merge {merge_id} is already undone")
        if merge.holder != merge.primary.cio_id:
            later = next(each.merge for each in state.merges.values() if _absorbed(each, merge.primary.cio_id))
            raise Conflict(f"undo merge {later.merge_id} first")
        unmerged = unmerge(state.working_set, merge.event, now=now)
        _return(state, state.merges[merge_id])
        commit(self.memory, state, datetime.fromtimestamp(now, UTC))
        ended = replace(merge, undone_at=datetime.fromtimestamp(now, UTC))
        state.merges[merge_id] = replace(state.merges[merge_id], merge=ended)
        result = UndoResult(
            merge=ended, restored=unmerged.restored, survivor=unmerged.survivor, unavailable=unmerged.unavailable
        )
        if actor is not None:
            record(self.memory, result.audit_entry(actor))
        return result


def _absorbed(stored_merge: StoredMerge, cio_id: str) -> bool:
    return stored_merge.merge.undone_at is None and stored_merge.merge.secondary.cio_id == cio_id


def _return(state: WorkspaceState, stored_merge: StoredMerge) -> None:
    """Give back what hung on the secondary, as far as the survivor has not changed it since."""
    merge = stored_merge.merge
    own, its = merge.primary.cio_id, merge.secondary.cio_id
    devices, segments = state.devices.setdefault(own, {}), state.segments.setdefault(own, set())
    for device in merge.devices:
        if device.token not in stored_merge.duplicate_tokens and devices.get(device.token) == device:
            del devices[device.token]
    segments -= set(merge.segments) - stored_merge.duplicate_segments
    state.devices[its] = {device.token: device for device in merge.devices}
    state.segments[its] = set(merge.segments)
    theirs = _with_absorbed(state, its)
    for name, each in state.merges.items():
        if each.merge.undone_at is None and each.merge.primary.cio_id in theirs:
            state.merges[name] = replace(each, merge=replace(each.merge, holder=its))
    for activity in state.activities:
        if activity.cio_id == own and activity.origin in theirs:
            activity.cio_id = its
    state.sending.restore(own, theirs, its)


def _with_absorbed(state: WorkspaceState, cio_id: str) -> Collection[str]:
    standing = [each.merge for each in state.merges.values() if each.merge.undone_at is None]
    theirs = [each.secondary.cio_id for each in standing if each.primary.cio_id == cio_id]
    return {cio_id, *(each for absorbed in theirs for each in _with_absorbed(state, absorbed))}
