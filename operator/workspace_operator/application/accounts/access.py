"""Which workspaces an address reaches, by the admins and members that the operator wrote to the store (accounts §4)."""

from collections.abc import Sequence
from dataclasses import dataclass

from workspace_operator.access.decision import AccessDecision, decide_access
from workspace_operator.access.model import WorkspaceName
from workspace_operator.application.ports import Accounts
from workspace_operator.reconcile.model.accounts import AccountKey
from workspace_operator.workspaces.model import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceAccess:
    """A workspace, and the access of one address to it."""

    workspace: Workspace
    decision: AccessDecision


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessReader:
    """Decides about addresses by the Accounts that are stored."""

    accounts: Accounts

    def access(self, address: str, workspaces: Sequence[Workspace]) -> Sequence[WorkspaceAccess]:
        """The access of an address to workspaces, in their order."""
        people = {account.key: account.people for account in self.accounts.list()}
        return [
            WorkspaceAccess(
                workspace=workspace,
                decision=decide_access(address, _name_of(workspace), people.get(_account_of(workspace))),
            )
            for workspace in workspaces
        ]


def _account_of(workspace: Workspace) -> AccountKey:
    owner = workspace.owner
    return AccountKey(cluster=owner.cluster, namespace=owner.namespace, name=workspace.account)


def _name_of(workspace: Workspace) -> WorkspaceName:
    owner = workspace.owner
    return WorkspaceName(cluster=owner.cluster, namespace=owner.namespace, account=workspace.account, name=owner.name)
