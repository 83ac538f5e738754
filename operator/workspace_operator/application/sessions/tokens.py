"""The secrets of links and sessions: random, and stored as digests only."""

import secrets
from hashlib import sha256
from typing import Final

TOKEN_BYTES: Final = 32
"""Size of a secret: 256 random bits cannot be guessed, so their digest needs no salt."""


def new_token() -> str:
    """A new secret, in characters that URLs and cookies allow."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def digest_of(token: str) -> str:
    """The digest by which a secret is stored, in hexadecimal digits."""
    return sha256(token.encode()).hexdigest()
