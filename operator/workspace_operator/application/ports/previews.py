"""Looking ahead: what changes would do, told without a write."""

from typing import Protocol

from workspace_operator.identity.values.rules import Mode
from workspace_operator.reconcile.plan.previews import Preview
from workspace_operator.reconcile.plan.simulation import WorkspacesSnapshot


class Previews(Protocol):
    """What plans are made of. Nothing here writes, and nobody waits for it."""

    def snapshot(self) -> WorkspacesSnapshot:
        """Every workspace of one moment, with its newest identifier change."""
        ...

    def preview(self, workspace_id: int, *, from_mode: Mode, to_mode: Mode, samples: int) -> Preview:
        """Tell of one moment what changing the identifiers would do to a workspace's people.

        At most so many ``samples`` are given per violation: of each address that is shared or suppressed the oldest
        who has it, by e-mail key; of the others the first by cio_id. Raises NotFound.
        """
        ...
