"""Port of the previews: what a reconcile or a migration would do, without a write."""

from typing import Protocol

from workspace_operator.identity.values.rules import Mode
from workspace_operator.reconcile.plan.previews import Preview
from workspace_operator.reconcile.plan.simulation import WorkspacesSnapshot


class Previews(Protocol):
    """The inputs of a plan. No method writes, and none blocks writers."""

    def snapshot(self) -> WorkspacesSnapshot:
        """All workspaces with their newest migrations, in one snapshot."""
        ...

    def preview(self, workspace_id: int, *, from_mode: Mode, to_mode: Mode, samples: int) -> Preview:
        """Preview what a migration would do to the people of a workspace, in one snapshot.

        It has at most ``samples`` people per violation: for shared and suppressed addresses the oldest person of each
        address, by e-mail key; for the other violations the first people by cio_id. Raises NotFound.
        """
        ...
