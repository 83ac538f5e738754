"""Responses, and what the server and an application tell each other about a request."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

CREDENTIALS_STATE_KEY: Final = "has_valid_credentials"
"""Key in the ASGI state of a request; set by the dispatcher if the credentials are valid."""

BODY_STATE_KEY: Final = "body"
"""Key in the ASGI state of a request; set by the server to the whole body if it arrived together with the head."""

WRITE_STATE_KEY: Final = "write"
"""Key in the ASGI state of a request; set by the server to a `WriteOK`."""

WriteOK: TypeAlias = Callable[[bytes], bool]
"""Writes a whole response with status 200, given from its first header on, at once and not as ASGI messages.

Returns False if that is not possible, so that nothing was written.
"""


CHUNK_CHARACTERS: Final = 32_000
"""Size of a chunk of CSV; each chunk is made in one call to a worker thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A response.

    ``document`` is sent as JSON. ``bytes`` are sent unchanged. An iterator of bytes is streamed, its chunks made in
    a worker thread. Both need a ``content-type`` header. Header names are in lower case. Each of ``cookies`` is a
    Set-Cookie header, the only one that a response can have several times.
    """

    status: int = 200
    document: Any | bytes | Iterator[bytes] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: Sequence[str] = ()


def chunks(lines: Iterable[str]) -> Iterator[bytes]:
    """Join lines to chunks that are worth a call to a worker thread."""
    pending: list[str] = []
    size = 0
    for line in lines:
        pending.append(line)
        size += len(line)
        if size >= CHUNK_CHARACTERS:
            yield "".join(pending).encode()
            pending.clear()
            size = 0
    if pending:
        yield "".join(pending).encode()
