"""Send behavior by hand: put in force without a resource, and awaited like a reconcile (sending §3.4)."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from workspace_operator.application.ports import Workspaces
from workspace_operator.errors import InvalidInput, StaleRevision
from workspace_operator.reconcile.model.actions import UpdateSettings
from workspace_operator.reconcile.model.observed import WorkspaceQuery
from workspace_operator.reconcile.model.sending import ObservedSending
from workspace_operator.reconcile.policies.spec_validation import new_value_problems
from workspace_operator.sending.rules import SendMode
from workspace_operator.workspaces.model import Workspace

POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class SendBehaviorSwitch:
    """Changes the send behavior of a workspace, as an administrator does.

    Attributes:
        clock: the time by the database.
    """

    workspaces: Workspaces
    clock: Callable[[], datetime]
    sleep: Callable[[float], None] = time.sleep

    def put_in_force(self, workspace_id: int, mode: SendMode, test_address: str | None = None) -> Workspace:
        """Put a send behavior in force; the workspace as it is afterwards.

        Raises:
            NotFound: there is no such workspace.
            InvalidInput: the test address is missing, not allowed, or no address.
            StaleRevision: the workspace was changed meanwhile.
        """
        workspace = self.workspaces.get(workspace_id)
        if (test_address is not None) != (mode is SendMode.TEST):
            raise InvalidInput(
                f"send behavior {mode} takes {'a' if mode is SendMode.TEST else 'no'} test address: give the address "
                "after Test, and only there",
                field="ADDRESS",
            )
        wanted = replace(workspace.settings, send_mode=mode, test_address=test_address)
        if problems := new_value_problems(wanted, workspace.settings):
            raise InvalidInput(f"{test_address!r} {problems[0].message}", field="ADDRESS")
        if wanted == workspace.settings and workspace.knows_send_mode:
            return workspace
        action = UpdateSettings(workspace_id=workspace_id, row_version=workspace.row_version, settings=wanted)
        self.workspaces.apply(action, now=self.clock())
        return self.workspaces.get(workspace_id)

    def wait(self, workspace: Workspace, on_wait: Callable[[ObservedSending], None]) -> None:
        """Wait until no hand-over under earlier rules is under way: at most the 30 seconds of their deadlines.

        ``on_wait`` is called once, if there are any. Raises StaleRevision if other rules were put in force meanwhile.
        """
        is_reported = False
        while (sending := self._draining(workspace)) is not None:
            if not is_reported:
                on_wait(sending)
            is_reported = True
            self.sleep(POLL_SECONDS)

    def _draining(self, workspace: Workspace) -> ObservedSending | None:
        """What is handed over under earlier rules; None if nothing is."""
        observed = self.workspaces.observe(WorkspaceQuery(owner=workspace.owner, now=self.clock()))
        if observed.workspace is None or observed.workspace.send_version != workspace.send_version:
            raise StaleRevision(
                f"the sending rules of workspace number {workspace.workspace_id} were changed by another program "
                "meanwhile: `workspacectl workspaces list` shows its resource, which may have put them back"
            )
        return observed.sending if observed.is_draining else None
