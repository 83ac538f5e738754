"""Routes: which handler answers which path. Paths are matched raw and decoded once, segment by segment.

Ids arrive as ``1%2F``, ``a%20b``, ``x%40y.z`` or ``x@y.z``; a plus is a plus (track-api.md §1). A path that was decoded
as a whole cannot be taken apart any more.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final
from urllib.parse import unquote_to_bytes

from workspace_operator.errors import InvalidInput
from workspace_operator.web.exchanges import Handler

LARGE_BODY: Final = 1_048_576
"""Holds 300 attributes of the greatest length, however they are escaped, and an event's 100 000 bytes."""


MOST_SEGMENTS: Final = 20
"""Longer than any route: a path of more leads nowhere, and is not looked at further."""


class Authentication(Enum):
    """Whose credentials a route asks for."""

    NONE = "none"
    TRACK = "track"
    """HTTP Basic: site id and API key."""
    APP = "app"
    """Bearer: the app key."""


class ErrorForm(Enum):
    """How errors are written (`error_forms`)."""

    V1 = "v1"
    V1_MERGE = "v1 merge"
    """As V1, but a 400 has one message."""
    V2 = "v2"
    APP = "app"


@dataclass(frozen=True, slots=True)
class Route:
    """What answers a method on a path.

    Attributes:
        method: GET answers HEAD, too.
        pattern: such as ``/api/v1/customers/{ref}/devices/{token}``; a variable segment may be empty.
        handler: what answers.
        authentication: whose credentials it takes.
        error_form: how its errors are written.
        body_limit: bytes of the body; more is a 413.
    """

    method: str
    pattern: str
    handler: Handler
    authentication: Authentication = field(kw_only=True)
    error_form: ErrorForm = field(kw_only=True)
    body_limit: int = field(default=LARGE_BODY, kw_only=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a path leads to: routes by method, and the decoded variable segments."""

    routes: Mapping[str, Route]
    parts: tuple[str, ...]

    @property
    def allowed(self) -> str:
        """The header Allow."""
        methods = {*self.routes, "OPTIONS"} | ({"HEAD"} if "GET" in self.routes else set())
        return ", ".join(sorted(methods))


@dataclass(slots=True)
class _Branch:
    """A place in the tree of paths."""

    literals: "dict[str, _Branch]" = field(default_factory=dict)
    variable: "_Branch | None" = None
    routes: dict[str, Route] = field(default_factory=dict)


class Routes:
    """All routes, found by raw paths.

    Raises:
        ValueError: two routes have the same method and path: a mistake of ours.
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Branch()
        for route in routes:
            branch = self._grown(route.pattern)
            if route.method in branch.routes:
                raise ValueError(f"two handlers for {route.method} {route.pattern}")
            branch.routes[route.method] = route

    def find(self, raw_path: bytes, method: str = "GET") -> Found | None:
        """What is there at a path, or without the slash at its end if the method is only there; None if nothing.

        Raises:
            InvalidInput: a segment is no UTF-8, or contains NUL.
        """
        raw = raw_path.split(b"/", MOST_SEGMENTS + 1)[1:]
        if len(raw) > MOST_SEGMENTS:
            return None
        segments = [decoded(each) for each in raw]
        found = self._at(segments)
        if segments[-1:] == [""] and (found is None or method not in found.routes):
            return self._at(segments[:-1]) or found
        return found

    def _at(self, segments: Sequence[str]) -> Found | None:
        found = _descend(self._root, segments, ())
        return None if found is None or not found.routes else found

    def _grown(self, pattern: str) -> _Branch:
        branch = self._root
        for segment in pattern.split("/")[1:]:
            if segment.startswith("{"):
                branch.variable = branch.variable or _Branch()
                branch = branch.variable
            else:
                branch = branch.literals.setdefault(segment, _Branch())
        return branch


def decoded(segment: bytes) -> str:
    """A segment of a path as it was meant: percent-decoded once. Raises InvalidInput."""
    try:
        text = (unquote_to_bytes(segment) if b"%" in segment else segment).decode()
    except UnicodeDecodeError:
        raise InvalidInput("the path is no valid UTF-8: encode it as UTF-8, then with percent signs") from None
    if "\0" in text:
        raise InvalidInput("the path contains NUL: leave that character out")
    return text


def _descend(branch: _Branch, segments: Sequence[str], parts: tuple[str, ...]) -> Found | None:
    if not segments:
        return Found(routes=branch.routes, parts=parts)
    first, rest = segments[0], segments[1:]
    if first in branch.literals:
        found = _descend(branch.literals[first], rest, parts)
        if found is not None and found.routes:
            return found
    return None if branch.variable is None else _descend(branch.variable, rest, (*parts, first))
