"""The cookies: of a session, and of an attempt to sign in at the identity provider.

Over TLS their names have the prefix ``__Host-``, so that no other host and no plain HTTP can set them. On this machine
over plain HTTP, where some browsers refuse a Secure cookie, they have other names: the two are never confused.
"""

import re
from typing import Final

SECURE_PREFIX: Final = "__Host-"
SESSION: Final = "console"
ATTEMPT: Final = "signin"

_is_token: Final = re.compile("[A-Za-z0-9_-]{43}").fullmatch
_is_attempt: Final = re.compile("[A-Za-z0-9_.=-]{1,3000}").fullmatch


def session_token(cookies: str, *, is_secure: bool) -> str:
    """The secret of a session in a Cookie header; empty without one that could be ours."""
    token = _value(cookies, _name(SESSION, is_secure=is_secure))
    return token if _is_token(token) else ""


def attempt_token(cookies: str, *, is_secure: bool) -> str:
    """The attempt to sign in in a Cookie header; empty without one that could be ours."""
    token = _value(cookies, _name(ATTEMPT, is_secure=is_secure))
    return token if _is_attempt(token) else ""


def session_cookie(token: str, *, is_secure: bool) -> str:
    """The Set-Cookie header that signs a browser in, or out without a token; it ends with the browser."""
    return _cookie(SESSION, token, is_secure=is_secure)


def attempt_cookie(token: str, *, is_secure: bool) -> str:
    """The Set-Cookie header that begins an attempt to sign in, or ends it without a token."""
    return _cookie(ATTEMPT, token, is_secure=is_secure)


def _value(cookies: str, name: str) -> str:
    found = (part.strip() for part in cookies.split(";"))
    return next((part.removeprefix(f"{name}=") for part in found if part.startswith(f"{name}=")), "")


def _cookie(name: str, value: str, *, is_secure: bool) -> str:
    ended, secure = "" if value else " Max-Age=0;", "; Secure" if is_secure else ""
    # Lax: the way back from the identity provider is a link of another site.
    return f"{_name(name, is_secure=is_secure)}={value};{ended} Path=/; HttpOnly; SameSite=Lax{secure}"


def _name(name: str, *, is_secure: bool) -> str:
    return f"{SECURE_PREFIX}{name}" if is_secure else name
