"""The account as stored, with the settings of its Account resource, and the actions on it (accounts §2)."""

from dataclasses import dataclass, field
from typing import Self

from workspace_operator.access.model import AccountMembers, Member
from workspace_operator.reconcile.model.sending import LiveSenders
from workspace_operator.workspaces.model import Owner, Workspace
from workspace_operator.workspaces.usage import AccountUsage


@dataclass(frozen=True, slots=True, kw_only=True)
class Notices:
    """How the admins get mail: by which transport, and from which address."""

    transport: str
    sender: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSettings:
    """The settings that an Account resource puts in force.

    Attributes:
        workspace_limit: the largest number of workspaces; None for no limit.
        admins: addresses as written, in the order of their e-mail keys.
        members: likewise; an address is the member of one entry only.
        notices: None if nobody gets mail.
    """

    display_name: str
    workspace_limit: int | None = None
    admins: tuple[str, ...] = ()
    members: tuple[Member, ...] = ()
    notices: Notices | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountKey:
    """What names an account: one of each name in each namespace of each cluster."""

    cluster: str
    namespace: str
    name: str

    @classmethod
    def of(cls, owner: Owner, name: str) -> Self:
        """The account of a name in the namespace of an owner."""
        return cls(cluster=owner.cluster, namespace=owner.namespace, name=name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account with an Account resource, as stored; ``uid`` is that of the resource."""

    account_id: int
    key: AccountKey
    uid: str
    settings: AccountSettings

    @property
    def people(self) -> AccountMembers:
        """Its admins and members, as `access.decision.decide_access` takes them."""
        key, settings = self.key, self.settings
        return AccountMembers(
            cluster=key.cluster,
            namespace=key.namespace,
            name=key.name,
            admins=settings.admins,
            members=settings.members,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedAccount:
    """The state of the store that concerns one account.

    Attributes:
        store_id: the identity of the database; empty in a plan.
        account: None if no Account resource is in force.
        row_version: grows with each change of the account; 0 before the first one.
        workspaces: all workspaces of the account, by number.
        senders: the senders of the installation that are alive.
        usage: of these workspaces, in the current month; None if it was not read.
    """

    store_id: str = ""
    account: Account | None = None
    row_version: int = 0
    workspaces: tuple[Workspace, ...] = ()
    senders: LiveSenders = field(default_factory=LiveSenders)
    usage: AccountUsage | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAccount:
    """Put the settings of an Account resource in force. Raises StaleRevision if the account changed since it was read.

    An action of the same settings lets the next write of another process, which read the account before, fail.
    """

    key: AccountKey
    row_version: int
    uid: str
    settings: AccountSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveAccount:
    """Remove limit, admins, members and notices; the workspaces stay. Raises StaleRevision as `SetAccount`."""

    key: AccountKey
    row_version: int


AccountAction = SetAccount | RemoveAccount
"""An action on an account in the store."""
