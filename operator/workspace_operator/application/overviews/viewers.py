"""Which workspaces a signed-in person reaches. It is decided at each request, by the Accounts in the store."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from workspace_operator.access.decision import AccessDecision, decide_access
from workspace_operator.access.model import WorkspaceName
from workspace_operator.access.permissions import ROLES, Permission
from workspace_operator.application.accounts.access import AccessReader, WorkspaceAccess
from workspace_operator.application.ports import Accounts, ConsoleSession, Workspaces
from workspace_operator.reconcile.model.accounts import Account, AccountKey
from workspace_operator.workspaces.model import Workspace

OF_INSTALLATION: Final = AccessDecision(
    line=0, reason="an administrator of the installation reaches every workspace", is_admin=True
)
"""The access of whoever has the database; no line of accounts §4.1 decides about them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Who looks: an address, or an administrator of the installation, who has none."""

    address: str | None

    @classmethod
    def of(cls, session: ConsoleSession) -> Self:
        """The person of a session."""
        return cls(address=None if session.is_installation else session.actor)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenWorkspace:
    """A workspace, its account and the access of the viewer, which may be none.

    Attributes:
        account: None if no Account resource is in force.
    """

    workspace: Workspace
    account: Account | None
    decision: AccessDecision

    def people_with(self, permission: Permission) -> Sequence[str]:
        """Addresses of the members that have a permission in the workspace, or of the admins if none has."""
        if self.account is None:
            return ()
        settings, roles = self.account.settings, ROLES[permission]
        members = (member for member in settings.members if self.workspace.owner.name in member.workspaces)
        return tuple(member.email for member in members if member.role in roles) or settings.admins


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceReader:
    """Reads workspaces for viewers."""

    workspaces: Workspaces
    accounts: Accounts

    def visible(self, viewer: Viewer) -> Sequence[WorkspaceAccess]:
        """The workspaces that a viewer reaches, by number."""
        workspaces = self.workspaces.list()
        if viewer.address is None:
            return [WorkspaceAccess(workspace=workspace, decision=OF_INSTALLATION) for workspace in workspaces]
        access = AccessReader(accounts=self.accounts).access(viewer.address, workspaces)
        return [each for each in access if each.decision.is_granted]

    def see(self, viewer: Viewer, workspace_id: int) -> SeenWorkspace:
        """One workspace with the viewer's access to it. Raises NotFound."""
        workspace = self.workspaces.get(workspace_id)
        owner = workspace.owner
        account = self.accounts.get(AccountKey.of(owner, workspace.account))
        decision = OF_INSTALLATION
        if viewer.address is not None:
            name = WorkspaceName(
                cluster=owner.cluster, namespace=owner.namespace, account=workspace.account, name=owner.name
            )
            decision = decide_access(viewer.address, name, account.people if account else None)
        return SeenWorkspace(workspace=workspace, account=account, decision=decision)
