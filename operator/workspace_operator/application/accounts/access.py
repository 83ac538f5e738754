"""Which workspaces an address reaches, by the admins and members that the operator wrote to the store (accounts §4)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from workspace_operator.access.decision import AccessDecision, decide_access
from workspace_operator.access.model import WorkspaceName
from workspace_operator.application.ports import Accounts
from workspace_operator.identity.values.email_keys import email_key
from workspace_operator.reconcile.model.accounts import Account, AccountKey
from workspace_operator.workspaces.model import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceAccess:
    """A workspace, and the access of one address to it."""

    workspace: Workspace
    decision: AccessDecision


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedName:
    """A name that the entry of a member lists, by which the member reaches nothing.

    Attributes:
        account: of the entry.
        other_account: the account of the workspace that has the name; None if there is no such workspace.
    """

    account: AccountKey
    name: str
    other_account: str | None


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

    def is_named(self, address: str) -> bool:
        """Whether any Account names an address, as an admin or as a member."""
        key = email_key(address)
        return key is not None and any(key in people_keys(account) for account in self.accounts.list())

    def names_without_access(
        self, address: str, workspaces: Iterable[Workspace], *, cluster: str | None
    ) -> Sequence[ListedName]:
        """The names that entries of an address list in vain; ``workspaces`` are all of the cluster, or of all."""
        key, accounts = email_key(address), _accounts_by_owner(workspaces)
        return [
            ListedName(account=account.key, name=name, other_account=named)
            for account in self.accounts.list()
            if cluster in (None, account.key.cluster)
            for member in account.settings.members
            if email_key(member.email) == key
            for name in sorted(member.workspaces)
            if (named := accounts.get((account.key.cluster, account.key.namespace, name))) != account.key.name
        ]


def people_keys(account: Account) -> frozenset[str]:
    """The e-mail keys of the admins and members of an account."""
    settings = account.settings
    keys = map(email_key, (*settings.admins, *(member.email for member in settings.members)))
    return frozenset(key for key in keys if key is not None)


def _accounts_by_owner(workspaces: Iterable[Workspace]) -> Mapping[tuple[str, str, str], str]:
    """The account of each workspace, by cluster, namespace and name of its resource."""
    owners = ((workspace.owner, workspace.account) for workspace in workspaces)
    return {(owner.cluster, owner.namespace, owner.name): account for owner, account in owners}


def _account_of(workspace: Workspace) -> AccountKey:
    return AccountKey.of(workspace.owner, workspace.account)


def _name_of(workspace: Workspace) -> WorkspaceName:
    owner = workspace.owner
    return WorkspaceName(cluster=owner.cluster, namespace=owner.namespace, account=workspace.account, name=owner.name)
