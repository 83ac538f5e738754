"""Routes: each declares who may use it, and cannot be made without that."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, NamedTuple, TypeAlias

from workspace_operator.access.permissions import Permission
from workspace_operator.console.core.http import Handler

WORKSPACE: Final = "workspace"
"""Name of the variable segment that is the number of a workspace."""

ACCOUNT: Final = "account"
"""Name of the variable segment that is the number of an account."""
PERSON: Final = "person"
"""Name of the variable segment that is the cio_id of a person; all other variable segments are numbers."""

BODY_LIMIT: Final = 64_000
"""Largest form, in bytes."""

_is_variable: Final = re.compile(r"\{([a-z_]+)\}").fullmatch
_NUMBER: Final = r"(?P<{}>[1-9][0-9]{{0,17}})"
_CIO_ID: Final = rf"(?P<{PERSON}>[0-9a-f]{{1,64}})"


class Audience(Enum):
    """Who may use a page that belongs to no workspace."""

    PUBLIC = "public"
    SIGNED_IN = "signed in"
    ACCOUNT_ADMIN = "admin of the account of the path"
    INSTALLATION = "administrator of the installation"


Access: TypeAlias = Audience | Permission
"""A permission is one in the workspace of the path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A page, or what a form does.

    Attributes:
        method: GET or POST; a handler of GET also has HEAD.
        pattern: the path; variable segments are numbers, as in ``/w/{workspace}``, or the cio_id of a person.
        access: who may use it.
        is_costly: whether a session may read it only so often.
        takes_file: whether the form has a file, which the handler reads as a stream.
        is_sign_in: whether a range of addresses may try it only so often.

    Raises:
        ValueError: a permission is declared, but the path has no workspace, or the reverse; likewise of accounts.
    """

    method: str
    pattern: str
    access: Access
    handler: Handler
    is_costly: bool = False
    takes_file: bool = False
    is_sign_in: bool = False
    path: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the declaration, and compile the pattern."""
        has_workspace, has_account = (f"{{{name}}}" in self.pattern.split("/") for name in (WORKSPACE, ACCOUNT))
        if has_workspace != isinstance(self.access, Permission):
            raise ValueError(f"{self.pattern}: declare a permission for a page of a workspace, and only for it")
        if has_account != (self.access is Audience.ACCOUNT_ADMIN):
            raise ValueError(f"{self.pattern}: declare ACCOUNT_ADMIN for a page of an account, and only for it")
        object.__setattr__(self, "path", re.compile("/".join(map(_segment, self.pattern.split("/")))))

    @property
    def only_reads(self) -> bool:
        """Whether it only shows data to somebody who is signed in. Public pages do not count: some of them sign in."""
        return self.method == "GET" and self.access is not Audience.PUBLIC


class RouteMatch(NamedTuple):
    """The routes of a path by method, and the numbers and the cio_id in the path, which is empty without one."""

    routes: Mapping[str, Route]
    numbers: Mapping[str, int]
    cio_id: str = ""


@dataclass(frozen=True, slots=True)
class RouteTable:
    """All routes of the console."""

    routes: Sequence[Route]

    def find(self, path: str) -> RouteMatch | None:
        """The routes of a path; None if there is none."""
        found = [(route, match) for route in self.routes if (match := route.path.fullmatch(path))]
        if not found:
            return None
        values = found[0][1].groupdict()
        cio_id = values.pop(PERSON, "")
        numbers = {name: int(value) for name, value in values.items()}
        return RouteMatch(routes={route.method: route for route, _ in found}, numbers=numbers, cio_id=cio_id)


def _segment(segment: str) -> str:
    variable = _is_variable(segment)
    if variable is None:
        return re.escape(segment)
    return _CIO_ID if variable[1] == PERSON else _NUMBER.format(variable[1])
