"""The journal of merges, in memory."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from tests.fakes.memory import Journalled, Memory, Room
from tests.fakes.people import settle
from workspace_operator.application.ports import Merge, Undone
from workspace_operator.errors import Conflict, NotFound
from workspace_operator.identity.undoing import undo


@dataclass(frozen=True, slots=True)
class MemoryMerges:
    """Implements the port ``Merges``."""

    memory: Memory

    def merges(
        self, workspace_id: int, *, cio_id: str | None = None, before: str | None = None, limit: int
    ) -> Sequence[Merge]:
        room = self.memory.rooms.get(workspace_id)
        merges = [each.merge for _, each in sorted(room.merges.items(), reverse=True)] if room else []
        found = [
            each
            for each in merges
            if cio_id in {None, each.primary.cio_id, each.secondary.cio_id}
            and (before is None or each.merge_id < before)
        ]
        return found[:limit]

    def get(self, workspace_id: int, merge_id: str) -> Merge:
        room = self.memory.rooms.get(workspace_id)
        if room is None or merge_id not in room.merges:
            raise NotFound(f"there is no merge {merge_id}: `workspacectl merges list` lists them")
        return room.merges[merge_id].merge

    def undo(self, workspace_id: int, merge_id: str, *, now: int) -> Undone:
        room, merge = self.memory.room(workspace_id), self.get(workspace_id, merge_id)
        if merge.undone_at is not None:
            raise Conflict(f"merge {merge_id} is undone already")
        if merge.holder != merge.primary.cio_id:
            later = next(each.merge for each in room.merges.values() if _absorbed(each, merge.primary.cio_id))
            raise Conflict(f"undo merge {later.merge_id} first")
        parted = undo(room.population, merge.step, now=now)
        _return(room, room.merges[merge_id])
        settle(self.memory, room, datetime.fromtimestamp(now, UTC))
        ended = replace(merge, undone_at=datetime.fromtimestamp(now, UTC))
        room.merges[merge_id] = replace(room.merges[merge_id], merge=ended)
        return Undone(merge=ended, restored=parted.restored, survivor=parted.survivor, not_free=parted.not_free)


def _absorbed(journalled: Journalled, cio_id: str) -> bool:
    return journalled.merge.undone_at is None and journalled.merge.secondary.cio_id == cio_id


def _return(room: Room, journalled: Journalled) -> None:
    """Give back what hung on the secondary, as far as the survivor has not changed it since."""
    merge = journalled.merge
    own, its = merge.primary.cio_id, merge.secondary.cio_id
    devices, segments = room.devices.setdefault(own, {}), room.segments.setdefault(own, set())
    for device in merge.devices:
        if device.token not in journalled.doubled_tokens and devices.get(device.token) == device:
            del devices[device.token]
    segments -= set(merge.segments) - journalled.doubled_segments
    room.devices[its] = {device.token: device for device in merge.devices}
    room.segments[its] = set(merge.segments)
    theirs = _with_absorbed(room, its)
    for name, each in room.merges.items():
        if each.merge.undone_at is None and each.merge.primary.cio_id in theirs:
            room.merges[name] = replace(each, merge=replace(each.merge, holder=its))
    for activity in room.activities:
        if activity.cio_id == own and activity.origin in theirs:
            activity.cio_id = its


def _with_absorbed(room: Room, cio_id: str) -> Collection[str]:
    standing = [each.merge for each in room.merges.values() if each.merge.undone_at is None]
    theirs = [each.secondary.cio_id for each in standing if each.primary.cio_id == cio_id]
    return {cio_id, *(each for absorbed in theirs for each in _with_absorbed(room, absorbed))}
