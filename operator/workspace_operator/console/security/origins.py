"""From where a request comes, and whether it was meant for this console.

Three attacks end here: a page of another origin that sends a form, a name that a stranger points at this machine (DNS
rebinding), and somebody who reads plain HTTP on the way.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

LOOPBACK_NAME: Final = "localhost"
_DEFAULT_PORTS: Final[Mapping[str, int]] = {"http": 80, "https": 443}

Headers = Mapping[bytes, bytes]
Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """The way of a request.

    Attributes:
        is_secure: TLS, up to this server or to a trusted proxy.
        is_loopback: both ends are on this machine, and no proxy is between them.
        client: address of the client; empty if unknown.
        host: the Host header, in lower case.
    """

    is_secure: bool
    is_loopback: bool
    client: str
    host: str

    @property
    def origin(self) -> str:
        """The own origin, as a browser names it."""
        return f"{'https' if self.is_secure else 'http'}://{self.host}"


def connection_of(scope: Mapping[str, Any], headers: Headers, *, trusted_proxies: Collection[Network]) -> Connection:
    """The connection of a request; only a trusted proxy is believed what it forwards."""
    peer, _ = scope.get("client") or ("", 0)
    server, _ = scope.get("server") or ("", 0)
    host = _header(headers, b"host").lower()
    if _is_in(peer, trusted_proxies):
        forwarded = _header(headers, b"x-forwarded-for").rpartition(",")[2].strip()
        is_secure = _header(headers, b"x-forwarded-proto").lower() == "https"
        client = peer if _address(forwarded) is None else forwarded
        return Connection(is_secure=is_secure, is_loopback=False, client=client, host=host)
    return Connection(
        is_secure=scope["scheme"] == "https",
        is_loopback=_is_loopback(peer) and _is_loopback(server),
        client=peer,
        host=host,
    )


def refusal_of(connection: Connection, *, console_url: str) -> HTTPStatus | None:
    """Why a request is not served: plain HTTP from elsewhere, or a Host that is not ours; None if it is served."""
    if not (connection.is_secure or connection.is_loopback):
        return HTTPStatus.FORBIDDEN
    asked = _split(connection.origin)
    if asked is None:
        return HTTPStatus.MISDIRECTED_REQUEST
    if connection.is_loopback and (asked.hostname == LOOPBACK_NAME or _is_loopback(asked.hostname or "")):
        return None
    own = _split(console_url)
    is_own = own is not None and (own.hostname, _port(own)) == (asked.hostname, _port(asked))
    return None if is_own else HTTPStatus.MISDIRECTED_REQUEST


def is_same_origin(headers: Headers, connection: Connection) -> bool:
    """Whether a page of the console itself sent a request that may change something."""
    site = _header(headers, b"sec-fetch-site")
    return site == "same-origin" if site else _header(headers, b"origin") == connection.origin


def _header(headers: Headers, name: bytes) -> str:
    return headers.get(name, b"").decode("latin-1")


def _split(url: str) -> SplitResult | None:
    """The parts of a URL; None if it has no host, or a port that is none."""
    try:
        parts = urlsplit(url)
        return parts if parts.hostname and _port(parts) else None
    except ValueError:
        return None


def _port(parts: SplitResult) -> int | None:
    return parts.port or _DEFAULT_PORTS.get(parts.scheme)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """The address, in version 4 if version 6 only carries it; None for another text."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _is_in(text: str, networks: Collection[Network]) -> bool:
    address = _address(text)
    return address is not None and any(address in network for network in networks)


def _is_loopback(text: str) -> bool:
    address = _address(text)
    return address is not None and address.is_loopback
