"""The cookie of a session.

Over TLS it has the prefix ``__Host-``, so that no other host and no plain HTTP can set it. On this machine over plain
HTTP, where some browsers refuse a Secure cookie, it has another name: the two are never confused.
"""

import re
from typing import Final

SECURE_NAME: Final = "__Host-console"
LOOPBACK_NAME: Final = "console"

_is_token: Final = re.compile("[A-Za-z0-9_-]{43}").fullmatch


def session_token(cookies: str, *, is_secure: bool) -> str:
    """The secret in a Cookie header; empty without one that could be ours."""
    prefix = f"{_name(is_secure=is_secure)}="
    found = (part.strip() for part in cookies.split(";"))
    token = next((part.removeprefix(prefix) for part in found if part.startswith(prefix)), "")
    return token if _is_token(token) else ""


def session_cookie(token: str, *, is_secure: bool) -> str:
    """The Set-Cookie header that signs a browser in; it ends with the browser."""
    return f"{_name(is_secure=is_secure)}={token}; {_attributes(is_secure=is_secure)}"


def ended_cookie(*, is_secure: bool) -> str:
    """The Set-Cookie header that signs a browser out."""
    return f"{_name(is_secure=is_secure)}=; Max-Age=0; {_attributes(is_secure=is_secure)}"


def _name(*, is_secure: bool) -> str:
    return SECURE_NAME if is_secure else LOOPBACK_NAME


def _attributes(*, is_secure: bool) -> str:
    return "Path=/; HttpOnly; SameSite=Lax" + ("; Secure" if is_secure else "")
