"""Giving workspaces to other owners, in memory."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass

from tests.fakes.database import InMemoryDatabase
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
        directory = deepcopy(self.memory.directory)
        for change in changes:
            theirs = directory.owned_by(change.owner)
            if theirs is None or theirs.workspace_id == change.workspace_id:
                continue
            if not replace_empty or not self.is_empty(theirs.workspace_id):
                raise Conflict(f"{change.owner.name} already has workspace {theirs.workspace_id}")
            directory.remove(theirs.workspace_id)
        for change in changes:
            directory.apply(change, now=self.memory.clock())
        self.memory.follow(directory)
