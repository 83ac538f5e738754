"""Requests and their handlers."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple, TypeAlias

from starlette.types import Scope

from workspace_operator.application.ports import CredentialDigests, StoredCredentials
from workspace_operator.errors import InvalidInput
from workspace_operator.http_server.responses import Response
from workspace_operator.http_server.uploads import UploadBody
from workspace_operator.identity.values.rules import ID, IdentifierKind
from workspace_operator.identity.values.text_limits import quoted
from workspace_operator.web.core.base_urls import base_url

UNAUTHENTICATED: Final = StoredCredentials(
    workspace_id=0,
    number=0,
    digests=CredentialDigests(site_id="", api_key="", app_key=""),
    created_at=datetime.fromtimestamp(0, UTC),
    valid_until=None,
    request="",
)
"""The caller of a route that needs no credentials; numbers of workspaces start at 1."""


class Request(NamedTuple):
    """A request that is authenticated and within the size limits.

    Attributes:
        path_params: the variable segments of the path, each decoded once.
        query: the decoded parameters; none is repeated.
        caller: the credentials; they give access to workspace ``caller.workspace_id`` only.
        scope: of ASGI.
        headers: names in lower case, values as sent.
        public_url: base URL of links; empty for that of the request.
        upload: the body of a route that takes a file, which is read as a stream; ``body`` is empty then.
    """

    path_params: tuple[str, ...]
    query: Mapping[str, str]
    body: bytes
    caller: StoredCredentials
    scope: Scope
    headers: Mapping[bytes, bytes]
    public_url: str
    upload: UploadBody | None = None

    @property
    def method(self) -> str:
        """The method as sent; a handler of GET also has HEAD."""
        return str(self.scope["method"])

    @property
    def base_url(self) -> str:
        """Base URL of links, without a trailing slash; empty if unknown."""
        return self.public_url or base_url(self.scope, self.headers.get(b"host", b""))

    def header(self, name: str) -> str:
        """The value of a header, by its name in lower case; empty without one."""
        return self.headers.get(name.encode(), b"").decode("latin-1")


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
