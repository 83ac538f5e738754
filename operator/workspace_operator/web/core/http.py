"""What a handler is given and what it gives back; the rest of HTTP is the server's business."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from workspace_operator.application.ports import CredentialDigests, StoredCredentials

UNAUTHENTICATED: Final = StoredCredentials(
    workspace_id=0,
    number=0,
    digests=CredentialDigests(site_id="", api_key="", app_key=""),
    created_at=datetime.fromtimestamp(0, UTC),
    valid_until=None,
    request="",
)
"""Who calls a route that asks for no credentials; workspaces count from 1."""


CREDENTIALS_STATE_KEY: Final = "has_valid_credentials"
"""The key in the ASGI state of a request by which the application tells the server of valid credentials."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request whose caller is known and whose size is within the limits.

    Attributes:
        parts: the variable segments of the path, each decoded once.
        query: the parameters, decoded; none comes twice.
        body: as it came.
        caller: whose key it is; ``caller.workspace_id`` is the only workspace it reaches.
        base_url: what links begin with, without a slash at the end; empty if that is not known.
    """

    path_params: tuple[str, ...]
    query: Mapping[str, str]
    body: bytes
    caller: StoredCredentials
    base_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What goes back.

    ``document`` goes as JSON. ``bytes`` go as they are, and an iterator of bytes is streamed, each piece made in a
    worker thread; both need a ``content-type`` among the headers. Names of headers are lower case.
    """

    status: int = 200
    document: Any | bytes | Iterator[bytes] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


Handler: TypeAlias = Callable[[Request], Awaitable[Response]]
"""Raises only the errors of ``workspace_operator.errors``; the server turns them into replies of the route's form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRecord:
    """One request as metrics and the access log see it; nothing in it is secret or somebody's address.

    Attributes:
        request_id: names it in the log of errors and in the reply to a fault of ours.
        method: as sent if it is one of HTTP's, else ``OTHER``.
        route: the pattern of the route, such as ``/api/v1/customers/{ref}``; empty if there was none.
        status: of the reply; 499 if the client went away before there was one.
        seconds: from the headers to the last byte of the reply.
        workspace_id: whose key it was, 0 if nobody's.
        received: bytes of the body that came.
        sent: bytes of the body that went.
    """

    request_id: str
    method: str
    route: str
    status: int
    seconds: float
    workspace_id: int
    received: int
    sent: int
