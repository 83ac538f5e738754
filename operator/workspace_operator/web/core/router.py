"""Routing of raw paths, which are split first and then decoded once, segment by segment.

Ids arrive as ``1%2F``, ``a%20b``, ``x%40y.z`` or ``x@y.z``; a plus is a literal plus (track-api.md §1). A path that is
decoded as a whole can no longer be split correctly.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, NamedTuple
from urllib.parse import unquote_to_bytes

from workspace_operator.errors import InvalidInput
from workspace_operator.web.core.http import Handler

DEFAULT_BODY_LIMIT: Final = 1_048_576
"""Fits 300 attributes of maximum length, however escaped, and an event of 100 000 bytes."""


MAX_SEGMENTS: Final = 20
"""More than any route has; a path with more segments is rejected before it is decoded."""


class Authentication(Enum):
    """The credentials that a route requires."""

    NONE = "none"
    TRACK = "track"
    """HTTP Basic: site id and API key."""
    APP = "app"
    """Bearer: the app key."""


class ErrorFormat(Enum):
    """Format of error responses (`error_responses`)."""

    V1 = "v1"
    V1_MERGE = "v1 merge"
    """Like V1, but a 400 has one message instead of a list."""
    V2 = "v2"
    APP = "app"


@dataclass(frozen=True, slots=True)
class Route:
    """A handler for a method on a path.

    Attributes:
        method: GET also handles HEAD.
        pattern: such as ``/api/v1/customers/{ref}/devices/{token}``; a variable segment may be empty.
        body_limit: maximum size of the body in bytes; a larger one is a 413.
        any_media_type: take a body of any coding, because the handler does not need it.
        takes_file: whether the body is a form with a file, which the handler reads as a stream.
        needs_clean: whether the App key must be allowed to clean up people (`AppKeyMay`); else a 403.
    """

    method: str
    pattern: str
    handler: Handler
    authentication: Authentication = field(kw_only=True)
    error_format: ErrorFormat = field(kw_only=True)
    body_limit: int = field(default=DEFAULT_BODY_LIMIT, kw_only=True)
    any_media_type: bool = field(default=False, kw_only=True)
    takes_file: bool = field(default=False, kw_only=True)
    needs_clean: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        """Refuse a declaration about the App key of a route that takes none."""
        if self.needs_clean and self.authentication is not Authentication.APP:
            raise ValueError(f"{self.method} {self.pattern} takes no App key, so it cannot need one that may clean up")


class RouteMatch(NamedTuple):
    """The routes of a path by method, and the decoded variable segments."""

    routes: Mapping[str, Route]
    path_params: tuple[str, ...]

    @property
    def allow_header(self) -> str:
        """The value of the Allow header."""
        methods = {*self.routes, "OPTIONS"} | ({"HEAD"} if "GET" in self.routes else set())
        return ", ".join(sorted(methods))


@dataclass(slots=True)
class _Node:
    """A node in the tree of path segments."""

    literals: "dict[str, _Node]" = field(default_factory=dict)
    variable: "_Node | None" = None
    routes: dict[str, Route] = field(default_factory=dict)


class RouteTable:
    """All routes; finds them by raw path. Raises ValueError if two have one method and pattern."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for route in routes:
            node = self._insert(route.pattern)
            if route.method in node.routes:
                raise ValueError(f"two handlers for {route.method} {route.pattern}")
            node.routes[route.method] = route

    def find(self, raw_path: bytes, method: str = "GET") -> RouteMatch | None:
        """Find the routes of a path; None if there are none.

        A trailing slash is ignored if only the path without it has the method. Raises InvalidInput if a segment is not
        UTF-8, or contains NUL.
        """
        if raw_path.count(b"/") > MAX_SEGMENTS:
            return None
        segments = _decoded_segments(raw_path)
        route_match = self._match(segments)
        if segments[-1:] == [""] and (route_match is None or method not in route_match.routes):
            return self._match(segments[:-1]) or route_match
        return route_match

    def _match(self, segments: Sequence[str]) -> RouteMatch | None:
        route_match = _descend(self._root, segments, 0, ())
        return None if route_match is None or not route_match.routes else route_match

    def _insert(self, pattern: str) -> _Node:
        node = self._root
        for segment in pattern.split("/")[1:]:
            if segment.startswith("{"):
                node.variable = node.variable or _Node()
                node = node.variable
            else:
                node = node.literals.setdefault(segment, _Node())
        return node


def _decoded_segments(raw_path: bytes) -> list[str]:
    if b"%" not in raw_path and b"\0" not in raw_path and raw_path.isascii():  # nothing to decode, as in most paths
        return raw_path.decode("ascii").split("/")[1:]
    return [decode_segment(segment) for segment in raw_path.split(b"/")[1:]]


def decode_segment(segment: bytes) -> str:
    """Percent-decode a path segment once. Raises InvalidInput."""
    try:
        text = (unquote_to_bytes(segment) if b"%" in segment else segment).decode()
    except UnicodeDecodeError:
        raise InvalidInput("the path is not valid UTF-8: encode it as UTF-8, then with percent signs") from None
    if "\0" in text:
        raise InvalidInput("the path contains NUL: remove that character")
    return text


def _descend(node: _Node, segments: Sequence[str], depth: int, path_params: tuple[str, ...]) -> RouteMatch | None:
    """Match the segments from ``depth`` on below a node; a literal segment comes before a variable one."""
    if depth == len(segments):
        return RouteMatch(routes=node.routes, path_params=path_params)
    segment = segments[depth]
    if segment in node.literals:
        route_match = _descend(node.literals[segment], segments, depth + 1, path_params)
        if route_match is not None and route_match.routes:
            return route_match
    return None if node.variable is None else _descend(node.variable, segments, depth + 1, (*path_params, segment))
