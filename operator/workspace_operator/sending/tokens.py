"""Signed tokens in links and delivery ids: they name a delivery, and no person or address (sending §5.4).

A token is base64url of version, key generation, flags, the workspace's number as a varint, 12 bytes of the delivery,
and 8 bytes of a MAC over all of that, the purpose and what else the link must not change.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from workspace_operator.sending.keys import GENERATION, Purpose, RootKey

VERSION = 1
MAC_BYTES = 8
DELIVERY_BYTES = 12
MAX_TOKEN_CHARACTERS = 64

_TEST_FLAG = 1
_MAX_VARINT_BYTES = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """The content of a token; ``is_test``: it was made for a test message, and counts for nobody."""

    workspace_id: int
    delivery_id: str
    is_test: bool = False


def sign(token: Token, purpose: Purpose, key: RootKey, *, bound: bytes = b"") -> str:
    """Sign a token; ``bound`` is what else the signature covers, such as the target of a link."""
    return signer(token, purpose, key)(bound)


def signer(token: Token, purpose: Purpose, key: RootKey) -> Callable[[bytes], str]:
    """A function that signs a token together with what else the signature covers, for many links of one message."""
    payload = bytes((VERSION, GENERATION, _TEST_FLAG if token.is_test else 0)) + _varint(token.workspace_id)
    payload += bytes.fromhex(token.delivery_id)
    started = hmac.new(key.derived(token.workspace_id, purpose), _framed(payload), sha256)

    def signed(bound: bytes) -> str:
        mac = started.copy()
        mac.update(bound)
        return urlsafe_b64encode(payload + mac.digest()[:MAC_BYTES]).rstrip(b"=").decode()

    return signed


def read_unsigned(text: str) -> Token | None:
    """Read a token without checking its signature; None for other text.

    For administrators, who have the database anyway and perhaps no root key. Never for a request.
    """
    raw = _decoded(text)
    return None if raw is None else _read(raw[:-MAC_BYTES])


def verify(text: str, purpose: Purpose, key: RootKey, *, bound: bytes = b"") -> Token | None:
    """Read a token; None if it was not signed with this key for this purpose."""
    raw = _decoded(text)
    if raw is None:
        return None
    payload, mac = raw[:-MAC_BYTES], raw[-MAC_BYTES:]
    parsed = _read(payload)
    if parsed is None:
        return None
    expected = _mac(key.derived(parsed.workspace_id, purpose), payload, bound)
    return parsed if hmac.compare_digest(mac, expected) else None


def _decoded(text: str) -> bytes | None:
    """The bytes of a token in its only spelling; None for other text."""
    if len(text) > MAX_TOKEN_CHARACTERS or not text.isascii():
        return None
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None
    return raw if urlsafe_b64encode(raw).rstrip(b"=").decode() == text else None


def _read(payload: bytes) -> Token | None:
    """Parse a payload whose signature is not checked yet."""
    if payload[:2] != bytes((VERSION, GENERATION)) or len(payload) <= 3 + DELIVERY_BYTES or payload[2] > _TEST_FLAG:
        return None
    number = _number(payload[3:-DELIVERY_BYTES])
    if number is None:
        return None
    return Token(
        workspace_id=number, delivery_id=payload[-DELIVERY_BYTES:].hex(), is_test=bool(payload[2] & _TEST_FLAG)
    )


def _mac(key: bytes, payload: bytes, bound: bytes) -> bytes:
    return hmac.digest(key, _framed(payload) + bound, sha256)[:MAC_BYTES]


def _framed(payload: bytes) -> bytes:
    """A payload after its length, so that no part of it can become a part of what is bound."""
    return len(payload).to_bytes(2) + payload


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*encoded, number))


def _number(encoded: bytes) -> int | None:
    """Read a varint; None unless it is the shortest form of a number of 63 bits."""
    number = sum((byte & 0x7F) << (7 * position) for position, byte in enumerate(encoded[:_MAX_VARINT_BYTES]))
    return number if _varint(number) == encoded else None
