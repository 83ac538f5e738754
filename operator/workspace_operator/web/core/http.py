"""Requests, responses and handlers."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from workspace_operator.application.ports import CredentialDigests, StoredCredentials
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.rules import ID, IdentifierKind
from workspace_operator.identity.values.text_limits import quoted

UNAUTHENTICATED: Final = StoredCredentials(
    workspace_id=0,
    number=0,
    digests=CredentialDigests(site_id="", api_key="", app_key=""),
    created_at=datetime.fromtimestamp(0, UTC),
    valid_until=None,
    request="",
)
"""The caller of a route that needs no credentials; numbers of workspaces start at 1."""


CREDENTIALS_STATE_KEY: Final = "has_valid_credentials"
"""Key in the ASGI state of a request; set by the dispatcher if the credentials are valid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request that is authenticated and within the size limits.

    Attributes:
        path_params: the variable segments of the path, each decoded once.
        query: the decoded parameters; none is repeated.
        caller: the credentials; they give access to workspace ``caller.workspace_id`` only.
        base_url: base URL of links, without a trailing slash; empty if unknown.
        method: as sent; a handler of GET also has HEAD.
        headers: names in lower case, values as sent.
    """

    path_params: tuple[str, ...]
    query: Mapping[str, str]
    body: bytes
    caller: StoredCredentials
    base_url: str
    method: str = "GET"
    headers: Mapping[bytes, bytes] = field(default_factory=dict)

    def header(self, name: str) -> str:
        """The value of a header, by its name in lower case; empty without one."""
        return self.headers.get(name.encode(), b"").decode("latin-1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A response.

    ``document`` is sent as JSON. ``bytes`` are sent unchanged. An iterator of bytes is streamed, its chunks made in
    a worker thread. Both need a ``content-type`` header. Header names are in lower case.
    """

    status: int = 200
    document: Any | bytes | Iterator[bytes] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


def id_type_of(query: Mapping[str, str]) -> IdentifierKind:
    """The kind of the identifiers in a request: the parameter ``id_type``, or id. Raises InvalidInput."""
    text = query.get("id_type", ID.value)
    try:
        return IdentifierKind(text)
    except ValueError:
        message = f"id_type {quoted(text)} is unknown: use one of {', '.join(IdentifierKind)}"
        raise InvalidInput(message, field="id_type") from None


Handler: TypeAlias = Callable[[Request], Awaitable[Response]]
"""Raises only ``workspace_operator.errors``; they become responses in the route's format."""
