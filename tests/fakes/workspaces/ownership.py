"""Giving workspaces to other owners, in memory."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.fakes.database import InMemoryDatabase
from tests.fakes.workspaces.workspaces import FakeWorkspaces
from workspace_operator.errors import Conflict
from workspace_operator.reconcile.model.actions import ChangeOwner


@dataclass(frozen=True, slots=True)
class FakeOwnership:
    """Implements the port ``OwnedIdentifier``."""

    memory: InMemoryDatabase

    def is_empty(self, workspace_id: int) -> bool:
        state = self.memory.state(workspace_id)
        held = (state.exports, state.violations, state.activities, state.devices, state.segments, state.named_segments)
        return not (state.working_set.people or state.working_set.suppressed or state.merges or any(held))

    def reassign(self, changes: Sequence[ChangeOwner], *, replace_empty: bool) -> None:
        before = {number: state.workspace for number, state in self.memory.states.items()}
        rooms = dict(self.memory.states)
        try:
            for stored in changes:
                self._clear(stored, replace_empty=replace_empty)
            for stored in changes:
                FakeWorkspaces(self.memory).apply(stored, now=self.memory.clock())
        except Conflict:
            self.memory.states = rooms
            for number, workspace in before.items():
                rooms[number].workspace = workspace
            raise

    def _clear(self, stored: ChangeOwner, *, replace_empty: bool) -> None:
        theirs = self.memory.owned_by(stored.owner)
        if theirs is None or theirs.workspace.workspace_id == stored.workspace_id:
            return
        number = theirs.workspace.workspace_id
        if not replace_empty or not self.is_empty(number):
            raise Conflict(f"{stored.owner.name} already has workspace {number}")
        del self.memory.states[number]
