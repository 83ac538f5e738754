"""Attempts to sign in at the identity provider: what a browser keeps meanwhile, as a pure value.

An attempt is kept in a cookie, so that any process can go on with it, and strangers cannot fill the store. State, nonce
and code verifier are derived from one secret, from the time of the start and from the page that opens afterwards. So a
callback that somebody else began (login CSRF), one that is old, and one whose page was exchanged all have a state that
does not fit. The cookie needs no signature: who could write it could begin an attempt as well.
"""

import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self

from workspace_operator.application.ports import ClientSecrets

LIFETIME: Final = timedelta(minutes=10)
"""Time to sign in at the provider."""

MAX_PATH: Final = 1_500
"""Characters of a page that opens afterwards; a longer one is replaced by the start page."""

START_PAGE: Final = "/"

_is_token: Final = re.compile(r"([A-Za-z0-9_-]{43})\.([0-9]{1,11})\.([A-Za-z0-9_-]*={0,2})").fullmatch
_is_local: Final = re.compile(r"/(?!/)[!-\[\]-~]*").fullmatch
_NOT_AFTERWARDS: Final = ("/signin", "/signout", "/enter")


def local_path(path: str) -> str:
    """A path and query of the console itself to go to after sign-in; the start page for anything else.

    Browsers read two slashes as the beginning of another host, and a backslash as a slash. So no path begins with two,
    and none has a backslash, a space or a control character.
    """
    is_safe = len(path) <= MAX_PATH and _is_local(path) and not path.startswith(_NOT_AFTERWARDS)
    return path if is_safe else START_PAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInAttempt:
    """An attempt.

    Attributes:
        secret: 256 random bits, in URL characters.
        next_path: the page that opens afterwards.
    """

    secret: str
    started_at: datetime
    next_path: str

    @classmethod
    def read(cls, token: str, *, now: datetime) -> Self | None:
        """The attempt of a cookie; None if there is none, or if it is too old."""
        parts = _is_token(token)
        if parts is None:
            return None
        secret, seconds, path = parts.groups()
        try:
            started_at = datetime.fromtimestamp(int(seconds), UTC)
            next_path = local_path(urlsafe_b64decode(path).decode("ascii"))
        except (ValueError, OverflowError, OSError):
            return None
        is_open = timedelta(0) <= now - started_at < LIFETIME
        return cls(secret=secret, started_at=started_at, next_path=next_path) if is_open else None

    @property
    def token(self) -> str:
        """The value of the cookie."""
        return f"{self.secret}.{self._seconds}.{urlsafe_b64encode(self.next_path.encode('ascii')).decode()}"

    @property
    def secrets(self) -> ClientSecrets:
        """What the provider gets, and what it must return."""
        return ClientSecrets(
            state=self._derive("state"), nonce=self._derive("nonce"), code_verifier=self._derive("code verifier")
        )

    def is_answered_by(self, state: str) -> bool:
        """Whether a callback belongs to this attempt."""
        return hmac.compare_digest(state.encode(), self.secrets.state.encode())

    @property
    def _seconds(self) -> int:
        return int(self.started_at.timestamp())

    def _derive(self, purpose: str) -> str:
        message = f"{purpose} {self._seconds} {self.next_path}".encode()
        return urlsafe_b64encode(hmac.digest(self.secret.encode(), message, "sha256")).rstrip(b"=").decode()
