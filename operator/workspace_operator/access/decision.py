"""Which access an address has to a workspace: the table of accounts §4.1 as an ordered list of lines.

The rule reads nothing. Its callers are `workspacectl access explain` and whatever shows a workspace to a person or
mails about it. What `kubectl` may do is decided by the cluster's RBAC, and not here.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from workspace_operator.access.model import AccountMembers, Member, Role, WorkspaceName
from workspace_operator.access.permissions import ROLES, Permission
from workspace_operator.identity.values.email_keys import email_key


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessDecision:
    """The access of one address to one workspace.

    Attributes:
        line: the line of accounts §4.1 that decided.
        role: the role of a member; None for an admin, and without access.
        reason: why, as a sentence without a full stop.
    """

    line: int
    reason: str
    is_admin: bool = False
    role: Role | None = None

    @property
    def is_granted(self) -> bool:
        """Whether the address reaches the workspace at all."""
        return self.is_admin or self.role is not None

    def allows(self, permission: Permission) -> bool:
        """Whether the address has a permission in the workspace (accounts §4.2)."""
        return self.is_admin or self.role in ROLES[permission]

    def permissions(self) -> tuple[Permission, ...]:
        """All permissions of the address in the workspace, in the order of the table."""
        return tuple(permission for permission in Permission if self.allows(permission))


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRequest:
    """What is decided about.

    Attributes:
        key: the e-mail key of the address; None if the text is no address.
        account: of the workspace; None if there is no Account resource.
    """

    key: str | None
    workspace: WorkspaceName
    account: AccountMembers | None


def decide_access(address: str, workspace: WorkspaceName, account: AccountMembers | None) -> AccessDecision:
    """Decide about an address: the first line of accounts §4.1 that holds."""
    request = AccessRequest(key=email_key(address), workspace=workspace, account=account)
    return next(access for line in LINES if (access := line(request)) is not None)


def is_no_address(request: AccessRequest) -> AccessDecision | None:
    """Line 1: what is no address equals none of the Account, even if that has the same text."""
    return AccessDecision(line=1, reason="this is not a valid e-mail address") if request.key is None else None


def has_no_account(request: AccessRequest) -> AccessDecision | None:
    """Line 2: without an Account, only the administrators of the installation reach the workspace."""
    if request.account is not None:
        return None
    name = request.workspace.account
    return AccessDecision(line=2, reason=f'the namespace has no Account "{name}", which would name admins and members')


def is_of_another_account(request: AccessRequest) -> AccessDecision | None:
    """Line 3: an Account grants access to its own workspaces only, in its own cluster and namespace."""
    account, workspace = request.account, request.workspace
    own = (workspace.cluster, workspace.namespace, workspace.account)
    if account is None or (account.cluster, account.namespace, account.name) == own:
        return None
    return AccessDecision(line=3, reason=f'the workspace belongs to another account, "{workspace.account}"')


def is_admin(request: AccessRequest) -> AccessDecision | None:
    """Line 4: an admin reaches every workspace, whatever the entries of members say about the same address."""
    admins = request.account.admins if request.account else ()
    if not any(email_key(admin) == request.key for admin in admins):
        return None
    return AccessDecision(line=4, reason="an admin of the account reaches every workspace", is_admin=True)


def is_member_with_workspace(request: AccessRequest) -> AccessDecision | None:
    """Line 5: a member reaches the workspaces of the entry. Of several entries, the lowest role counts."""
    entries = [member for member in _entries(request) if request.workspace.name in member.workspaces]
    if not entries:
        return None
    role = min((member.role for member in entries), key=_ORDER.index)
    return AccessDecision(line=5, reason=f"a member of the account with the role {role} in this workspace", role=role)


def is_member_without_workspace(request: AccessRequest) -> AccessDecision | None:
    """Line 6: a member does not reach workspaces that the entry does not list."""
    if not any(_entries(request)):
        return None
    return AccessDecision(line=6, reason="a member of the account, but this workspace is not listed for the member")


def is_unknown(request: AccessRequest) -> AccessDecision:
    """Line 7: the Account does not name the address."""
    return AccessDecision(line=7, reason=f'neither an admin nor a member of the account "{request.workspace.account}"')


LINES: Final[tuple[Callable[[AccessRequest], AccessDecision | None], ...]] = (
    is_no_address,
    has_no_account,
    is_of_another_account,
    is_admin,
    is_member_with_workspace,
    is_member_without_workspace,
    is_unknown,
)
"""The lines of accounts §4.1. The last one always holds."""

_ORDER: Final = (Role.VIEWER, Role.AUTHOR, Role.MANAGER)


def _entries(request: AccessRequest) -> Iterator[Member]:
    members = request.account.members if request.account else ()
    return (member for member in members if email_key(member.email) == request.key)
