"""Rates of requests: of sign-ins by a range of addresses, of changes and costly pages by a session."""

from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Final

from workspace_operator.http_server.rates import Rates

SIGN_INS_PER_MINUTE: Final = 10
POSTS_PER_SECOND: Final = 20
COSTLY_PAGES_PER_SECOND: Final = 5
BURST: Final = 40

_PREFIXES: Final = {4: 24, 6: 56}
"""Bits of an address that one network has: a client can change the others at will."""


@dataclass(slots=True)
class RateLimits:
    """The rates of one process, for its event loop."""

    monotonic: Callable[[], float]
    _sign_ins: Rates = field(init=False)
    _posts: Rates = field(init=False)
    _pages: Rates = field(init=False)

    def __post_init__(self) -> None:
        """Create the buckets, all full."""
        self._sign_ins = Rates(
            per_second=SIGN_INS_PER_MINUTE / 60, at_once=SIGN_INS_PER_MINUTE, monotonic=self.monotonic
        )
        self._posts = Rates(per_second=POSTS_PER_SECOND, at_once=BURST, monotonic=self.monotonic)
        self._pages = Rates(per_second=COSTLY_PAGES_PER_SECOND, at_once=BURST, monotonic=self.monotonic)

    def seconds_until_sign_in(self, client: str) -> float:
        """Count an attempt to sign in from an address; 0 if it may be made now."""
        return self._sign_ins.seconds_until_free(address_range(client))

    def seconds_until_post(self, session: str) -> float:
        """Count a change by a session; 0 if it may be made now."""
        return self._posts.seconds_until_free(session)

    def seconds_until_page(self, session: str) -> float:
        """Count a costly page for a session; 0 if it may be read now."""
        return self._pages.seconds_until_free(session)


def address_range(client: str) -> str:
    """The network of an address; the text itself if it is none."""
    try:
        address = ip_address(client)
    except ValueError:
        return client
    return str(ip_network((address, _PREFIXES[address.version]), strict=False))
