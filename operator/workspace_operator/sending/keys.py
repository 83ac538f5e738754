"""Keys derived from the installation's root key (sending §4.2): the store holds no secret and no key."""

import hmac
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256

from workspace_operator.errors import InvalidInput

ROOT_KEY_BYTES = 32
GENERATION = 1
"""The generation of derived keys. A token carries it, so that keys can be renewed while old links still work."""

_SALT = b"workspace-operator root key v1"


class Purpose(StrEnum):
    """What a derived key signs. A signature for one purpose is worthless for another."""

    DELIVERY = "delivery"
    OPEN = "open"
    CLICK = "click"
    UNSUBSCRIBE = "unsubscribe"


@dataclass(frozen=True, slots=True)
class RootKey:
    """The root key of an installation; its text never shows the secret."""

    secret: bytes = field(repr=False)

    @classmethod
    def from_text(cls, text: str, *, source: str) -> "RootKey":
        """Read a key from hexadecimal digits. Raises InvalidInput, which does not show the text."""
        try:
            secret = bytes.fromhex(text.strip())
        except ValueError:
            secret = b""
        if len(secret) != ROOT_KEY_BYTES:
            raise InvalidInput(
                f"{source} must contain {2 * ROOT_KEY_BYTES} hexadecimal digits: make one with `openssl rand -hex 32`"
            )
        return cls(secret)

    def fingerprint(self) -> str:
        """A text that tells this key from others and does not reveal it."""
        return _expand(self.secret, b"fingerprint").hex()[:32]

    def derived(self, workspace_id: int, purpose: Purpose, generation: int = GENERATION) -> bytes:
        """The key of a workspace for a purpose, 32 bytes (HKDF-SHA256)."""
        return _derived(self.secret, workspace_id, purpose, generation)


@lru_cache(4096)
def _derived(secret: bytes, workspace_id: int, purpose: Purpose, generation: int) -> bytes:
    return _expand(secret, f"{workspace_id} {purpose} {generation}".encode())


def _expand(secret: bytes, info: bytes) -> bytes:
    """HKDF (RFC 5869) for one block of output."""
    extracted = hmac.digest(_SALT, secret, sha256)
    return hmac.digest(extracted, info + b"\x01", sha256)
