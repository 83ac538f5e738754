"""What a role allows (accounts §4.2): the table of permissions."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from workspace_operator.access.model import Role


class Permission(StrEnum):
    """A group of actions that are allowed together. The value is a name for scripts."""

    VIEW = "view"
    DOWNLOAD = "download"
    PREPARE = "prepare"
    EDIT = "edit"
    APPLY = "apply"
    RETRY = "retry"
    ADMINISTER = "administer"


DESCRIPTIONS: Final[Mapping[Permission, str]] = {
    Permission.VIEW: "see the workspace, its migrations, usage, settings, people, deliveries and history",
    Permission.DOWNLOAD: "download people: exports and lists",
    Permission.PREPARE: "decide in a cleanup, add a rule, try an import without writing, make a segment",
    Permission.EDIT: "correct one person, import people",
    Permission.APPLY: "apply or undo a cleanup, undo an import or a merge, merge, delete and suppress people",
    Permission.RETRY: "try a blocked identifier change again",
    Permission.ADMINISTER: "see the members and sessions of the account, sign others out, reset sign-ins",
}

_AUTHORS = frozenset({Role.AUTHOR, Role.MANAGER})
_MANAGERS = frozenset({Role.MANAGER})

ROLES: Final[Mapping[Permission, frozenset[Role]]] = {
    Permission.VIEW: frozenset(Role),
    Permission.DOWNLOAD: _AUTHORS,
    Permission.PREPARE: _AUTHORS,
    Permission.EDIT: _AUTHORS,
    Permission.APPLY: _MANAGERS,
    Permission.RETRY: _MANAGERS,
    Permission.ADMINISTER: frozenset(),
}
"""The roles of members that have a permission (accounts §4.2). An admin has all of them."""
