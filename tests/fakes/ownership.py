"""Giving workspaces to other owners, in memory."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.fakes.memory import Memory
from tests.fakes.workspaces import MemoryWorkspaces
from workspace_operator.errors import Conflict
from workspace_operator.reconcile.plan import TakeOver


@dataclass(frozen=True, slots=True)
class MemoryOwnership:
    """Implements the port ``Ownership``."""

    memory: Memory

    def is_empty(self, workspace_id: int) -> bool:
        room = self.memory.room(workspace_id)
        held = (room.exports, room.violations, room.activities, room.devices, room.segments, room.named_segments)
        return not (room.population.people or room.population.blocked or room.merges or any(held))

    def reassign(self, changes: Sequence[TakeOver], *, replace_empty: bool) -> None:
        before = {number: room.workspace for number, room in self.memory.rooms.items()}
        rooms = dict(self.memory.rooms)
        try:
            for change in changes:
                self._clear(change, replace_empty=replace_empty)
            for change in changes:
                MemoryWorkspaces(self.memory).carry_out(change, now=self.memory.clock())
        except Conflict:
            self.memory.rooms = rooms
            for number, workspace in before.items():
                rooms[number].workspace = workspace
            raise

    def _clear(self, change: TakeOver, *, replace_empty: bool) -> None:
        theirs = self.memory.owned_by(change.owner)
        if theirs is None or theirs.workspace.workspace_id == change.workspace_id:
            return
        number = theirs.workspace.workspace_id
        if not replace_empty or not self.is_empty(number):
            raise Conflict(f"{change.owner.name} has workspace {number} already")
        del self.memory.rooms[number]
