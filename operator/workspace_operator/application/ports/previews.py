"""Port of the previews: what a reconcile or a migration would do, without a write."""

from datetime import datetime
from typing import Protocol

from workspace_operator.identity.values.rules import Mode
from workspace_operator.reconcile.plan.previews import Preview
from workspace_operator.reconcile.plan.sending import SendingPreview
from workspace_operator.reconcile.plan.simulation import WorkspacesSnapshot


class Previews(Protocol):
    """The inputs of a plan. No method writes, and none blocks writers."""

    def snapshot(self, *, now: datetime) -> WorkspacesSnapshot:
        """All workspaces with their newest migrations, and the live senders, in one snapshot."""
        ...

    def preview_sending(self, workspace_id: int, *, now: datetime) -> SendingPreview:
        """Count the messages of a workspace that a change of its sending rules concerns. Raises NotFound."""
        ...

    def preview(self, workspace_id: int, *, from_mode: Mode, to_mode: Mode, samples: int) -> Preview:
        """Preview what a migration would do to the people of a workspace, in one snapshot.

        It has at most ``samples`` people per violation: for shared and suppressed addresses the oldest person of each
        address, by e-mail key; for the other violations the first people by cio_id. Raises NotFound.
        """
        ...
