"""URLs that a message carries: the open pixel, signed click links, and the page to unsubscribe (sending §5.4).

A click link carries its target, and its signature covers it: there is no open redirect and no table of links.
"""

import re
from collections.abc import Callable
from urllib.parse import quote

from workspace_operator.sending.keys import Purpose, RootKey
from workspace_operator.sending.tokens import Token, sign, signer, verify

OPEN_PATH = "/e/o/"
OPEN_SUFFIX = ".gif"
CLICK_PATH = "/e/c/"
UNSUBSCRIBE_PATH = "/u/"
TARGET_PARAMETER = "u"

MAX_TARGET_CHARACTERS = 2048
"""A longer link is not counted: mail programs and proxies cut or refuse longer URLs."""

_MAX_NUMBER_DIGITS = 6
_ENCODED = {code: quote(chr(code), safe="") for code in range(128)}
_has_host = re.compile(r"(?i:https?)://[^/?#\\:@\s]").match


def open_url(public_url: str, token: Token, key: RootKey) -> str:
    """The URL of the open pixel."""
    return f"{public_url.rstrip('/')}{OPEN_PATH}{sign(token, Purpose.OPEN, key)}{OPEN_SUFFIX}"


def verify_open(file_name: str, key: RootKey) -> Token | None:
    """Read the last segment of a pixel's path; None if it is not genuine."""
    text, suffix = file_name[: -len(OPEN_SUFFIX)], file_name[-len(OPEN_SUFFIX) :]
    return verify(text, Purpose.OPEN, key) if suffix == OPEN_SUFFIX else None


def is_trackable(target: str) -> bool:
    """Whether clicks on a link are counted: http or https with a host, and not too long."""
    return len(target) <= MAX_TARGET_CHARACTERS and target.isprintable() and _has_host(target) is not None


def click_url(public_url: str, token: Token, number: int, target: str, key: RootKey) -> str:
    """The URL that counts a click and leads on to ``target``; ``number`` is the link's within its message, from 1."""
    return click_urls(public_url, token, key)(number, target)


def click_urls(public_url: str, token: Token, key: RootKey) -> Callable[[int, str], str]:
    """A function that makes the `click_url` of each link of one message."""
    path, signed = public_url.rstrip("/") + CLICK_PATH, signer(token, Purpose.CLICK, key)

    def url(number: int, target: str) -> str:
        encoded = target.translate(_ENCODED) if target.isascii() else quote(target, safe="")
        return f"{path}{signed(_bound(str(number), target))}/{number}?{TARGET_PARAMETER}={encoded}"

    return url


def verify_click(text: str, number: str, target: str, key: RootKey) -> Token | None:
    """Read the token of a click, with the number and the decoded target of its URL; None if one is not genuine."""
    if not number.isascii() or not number.isdigit() or len(number) > _MAX_NUMBER_DIGITS or not is_trackable(target):
        return None
    return verify(text, Purpose.CLICK, key, bound=_bound(number, target))


def unsubscribe_url(public_url: str, token: Token, key: RootKey) -> str:
    """The URL of the page to unsubscribe, which is also the target of the one-click request of RFC 8058."""
    return f"{public_url.rstrip('/')}{UNSUBSCRIBE_PATH}{sign(token, Purpose.UNSUBSCRIBE, key)}"


def verify_unsubscribe(text: str, key: RootKey) -> Token | None:
    """Read the last segment of the path to unsubscribe; None if it is not genuine."""
    return verify(text, Purpose.UNSUBSCRIBE, key)


def _bound(number: str, target: str) -> bytes:
    """What the signature covers: the number has digits only, so that the first space ends it."""
    return f"{number} {target}".encode()
