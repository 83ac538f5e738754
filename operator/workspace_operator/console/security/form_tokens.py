"""Tokens of forms against forged requests: derived from the secret of the session, so that none is stored.

A page is compressed, and its length tells about its content. So the token is masked anew in each page (BREACH).
"""

import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

FIELD: Final = "form_token"
_SIZE: Final = 32


def form_token(session_token: str) -> str:
    """A token for the forms of a page."""
    mask = secrets.token_bytes(_SIZE)
    return urlsafe_b64encode(mask + _xor(mask, _code(session_token))).decode()


def is_form_token(token: str, session_token: str) -> bool:
    """Whether a token is of this session."""
    try:
        raw = urlsafe_b64decode(token.encode("ascii"))
    except ValueError:
        return False
    return len(raw) == 2 * _SIZE and hmac.compare_digest(_xor(raw[:_SIZE], raw[_SIZE:]), _code(session_token))


def _code(session_token: str) -> bytes:
    return hmac.digest(session_token.encode(), b"forms of the console", "sha256")


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(one ^ other for one, other in zip(left, right, strict=True))
