"""The people whom an Account names, and the workspaces that they ask for."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a member may do in the workspaces of the member; an admin needs none."""

    VIEWER = "Viewer"
    AUTHOR = "Author"
    MANAGER = "Manager"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An entry of ``spec.members`` of an Account.

    Attributes:
        email: as written; two spellings of one address are the same member.
        workspaces: names of Workspace resources in the namespace of the Account.
    """

    email: str
    workspaces: frozenset[str]
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountMembers:
    """Admins and members of an Account that exists, as its resource named them last."""

    cluster: str
    namespace: str
    name: str
    admins: tuple[str, ...]
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceName:
    """The names by which access to a workspace is decided: those of its resource and of its account."""

    cluster: str
    namespace: str
    account: str
    name: str
