"""What a handler is given and what it gives back; the rest of HTTP is the server's business."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from workspace_operator.application.ports import StoredCredentials


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """A request whose caller is known and whose size is within the limits.

    Attributes:
        parts: the variable segments of the path, each decoded once.
        query: the last value of each parameter, decoded.
        body: as it came.
        caller: whose key it is; ``caller.workspace_id`` is the only workspace it reaches.
        base_url: scheme, host and port that the client used, without a slash at the end.
    """

    parts: tuple[str, ...]
    query: Mapping[str, str]
    body: bytes
    caller: StoredCredentials
    base_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What goes back: ``document`` as JSON; ``bytes`` go as they are, with a content type among the headers."""

    status: int = 200
    document: Any = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


Handler: TypeAlias = Callable[[Inquiry], Awaitable[Reply]]
"""Raises only the errors of ``workspace_operator.errors``; the server turns them into replies of the route's form."""
