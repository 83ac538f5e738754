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

BODY_LIMIT: Final = 64_000
"""Largest form, in bytes."""

_is_variable: Final = re.compile(r"\{([a-z_]+)\}").fullmatch
_NUMBER: Final = r"(?P<{}>[1-9][0-9]{{0,17}})"


class Audience(Enum):
    """Who may use a page that belongs to no workspace."""

    PUBLIC = "public"
    SIGNED_IN = "signed in"


Access: TypeAlias = Audience | Permission
"""A permission is one in the workspace of the path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A page, or what a form does.

    Attributes:
        method: GET or POST; a handler of GET also has HEAD.
        pattern: the path; variable segments are numbers, as in ``/w/{workspace}``.
        access: who may use it.
        is_costly: whether a session may read it only so often.
        takes_file: whether the form has a file, which the handler reads as a stream.
        is_sign_in: whether a range of addresses may try it only so often.

    Raises:
        ValueError: a permission is declared, but the path has no workspace, or the reverse.
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
        has_workspace = f"{{{WORKSPACE}}}" in self.pattern.split("/")
        if has_workspace != isinstance(self.access, Permission):
            raise ValueError(f"{self.pattern}: declare a permission for a page of a workspace, and only for it")
        object.__setattr__(self, "path", re.compile("/".join(map(_segment, self.pattern.split("/")))))


class RouteMatch(NamedTuple):
    """The routes of a path by method, and the numbers in the path."""

    routes: Mapping[str, Route]
    numbers: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class RouteTable:
    """All routes of the console."""

    routes: Sequence[Route]

    def find(self, path: str) -> RouteMatch | None:
        """The routes of a path; None if there is none."""
        found = [(route, match) for route in self.routes if (match := route.path.fullmatch(path))]
        if not found:
            return None
        numbers = {name: int(value) for name, value in found[0][1].groupdict().items()}
        return RouteMatch(routes={route.method: route for route, _ in found}, numbers=numbers)


def _segment(segment: str) -> str:
    variable = _is_variable(segment)
    return _NUMBER.format(variable[1]) if variable else re.escape(segment)
