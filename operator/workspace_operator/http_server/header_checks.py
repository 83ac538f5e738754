"""Header checks that HTTP/1.1 requires and the parser omits (RFC 9110, RFC 9112).

A request that a proxy in front of this server could interpret differently is refused.
"""

import re
from collections.abc import Sequence
from typing import Final

SUPPORTED_VERSIONS: Final = frozenset({"1.0", "1.1"})

_SINGLETON_HEADERS: Final = (b"host", b"authorization")
_FRAMING_HEADERS: Final = frozenset({b"content-length", b"transfer-encoding"})
_is_host: Final = re.compile(rb"(?:[A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?").fullmatch

Headers = Sequence[tuple[bytes, bytes]]
"""Names in lower case, with their values."""


def header_error(version: str, method: bytes, headers: Headers) -> str:
    """Why a request must be refused; empty if it is valid. A version is such as ``1.1``."""
    if version not in SUPPORTED_VERSIONS:
        return f"this is HTTP/{version}: use HTTP/1.1"
    if method == b"CONNECT":
        return "this server is not a proxy: CONNECT is not supported"
    names = [name for name, _ in headers]
    for name in _SINGLETON_HEADERS:
        if names.count(name) > 1:
            return f"the request has {names.count(name)} {name.decode().title()} headers: send one"
    return _host_error(version, dict(headers)) or _transfer_encoding_error(version, headers)


def framing_head(headers: Headers) -> bytes:
    """A request head that declares the same body as these headers; empty if they declare none."""
    framing = [name + b": " + value for name, value in headers if name in _FRAMING_HEADERS]
    return b"\r\n".join((b"POST / HTTP/1.1", *framing, b"", b"")) if framing else b""


def _host_error(version: str, headers: dict[bytes, bytes]) -> str:
    host = headers.get(b"host")
    if host is None:
        return "" if version == "1.0" else "the request has no Host header: HTTP/1.1 needs one"
    return "" if _is_host(host) else "the Host header is not a host name or address with an optional port"


def _transfer_encoding_error(version: str, headers: Headers) -> str:
    codings = [value.strip().lower() for name, value in headers if name == b"transfer-encoding"]
    if not codings:
        return ""
    if version == "1.0":
        return "HTTP/1.0 has no Transfer-Encoding: send a Content-Length"
    return "" if codings == [b"chunked"] else "the only Transfer-Encoding that is supported is chunked"
