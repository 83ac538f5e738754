"""Sign-in with a company account: the identity provider says who it is, the Accounts say whether they are let in."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from workspace_operator.application.accounts.access import AccessReader
from workspace_operator.application.ports import (
    AuditAction,
    AuditLog,
    ConsoleSession,
    Identity,
    IdentityProvider,
    Sessions,
    SignInPin,
    SignInPins,
)
from workspace_operator.application.sessions.attempts import SignInAttempt, local_path
from workspace_operator.application.sessions.entries import UNKNOWN, session_entry
from workspace_operator.application.sessions.lifetimes import MAX_LIFETIME
from workspace_operator.application.sessions.new_sessions import Person, begin_session
from workspace_operator.application.sessions.tokens import new_token
from workspace_operator.errors import IdentityProviderUnavailable, UntrustedIdentity
from workspace_operator.identity.values.email_keys import email_key

logger = logging.getLogger(__name__)

MAX_CODE: Final = 4_096
"""Characters of a code."""


class Refusal(StrEnum):
    """Why somebody was not signed in."""

    FOREIGN = "foreign"
    """The browser did not begin this attempt, or too long ago."""
    CANCELLED = "cancelled"
    """The provider says no."""
    UNAVAILABLE = "unavailable"
    UNTRUSTED = "untrusted"
    NO_ADDRESS = "no_address"
    UNVERIFIED = "unverified"
    UNKNOWN = "unknown"
    OTHER_SUBJECT = "other_subject"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Nobody was signed in.

    Attributes:
        address: the verified address that was refused; empty if there is none.
    """

    reason: Refusal
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """An attempt that has begun: the cookie of the browser, and the page of the provider."""

    token: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A session that has just begun, the secret of its cookie, and the page that opens."""

    token: str
    session: ConsoleSession
    next_path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """What the provider sent a browser back with.

    Attributes:
        token: the cookie of the attempt.
        error: the provider's code of an error; empty for none.
        issuer: who answers; None if the provider does not say.
    """

    token: str
    state: str
    code: str
    error: str
    issuer: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanySignIn:
    """Signs in members and admins of accounts.

    Attributes:
        console_url: the address of the console, to which ``callback_path`` is added.
    """

    provider: IdentityProvider
    access: AccessReader
    sessions: Sessions
    pins: SignInPins
    audit_log: AuditLog
    clock: Callable[[], datetime]
    console_url: str
    callback_path: str
    new_token: Callable[[], str] = new_token

    @property
    def redirect_uri(self) -> str:
        """The address to which the provider sends browsers back; it is registered there."""
        return self.console_url + self.callback_path

    def start(self, next_path: str) -> Started | Refused:
        """Begin an attempt; ``next_path`` may come from anybody."""
        attempt = SignInAttempt(
            secret=self.new_token(), started_at=self.clock().replace(microsecond=0), next_path=local_path(next_path)
        )
        try:
            url = self.provider.authorization_url(attempt.secrets, redirect_uri=self.redirect_uri)
        except IdentityProviderUnavailable as error:
            logger.warning("the company sign-in is not available: %s", error)
            return Refused(reason=Refusal.UNAVAILABLE)
        return Started(token=attempt.token, url=url)

    def finish(self, callback: Callback, *, agent: str) -> Finished | Refused:
        """Sign in whoever comes back from the provider. ``agent`` is the browser, as it names itself."""
        attempt = SignInAttempt.read(callback.token, now=self.clock())
        if attempt is None or not attempt.is_answered_by(callback.state):
            return Refused(reason=Refusal.FOREIGN)  # nothing is written: any page can send browsers here
        if callback.error or not 0 < len(callback.code) <= MAX_CODE:
            return self._refuse(Refusal.CANCELLED)
        try:
            identity = self.provider.identify(
                callback.code, attempt.secrets, redirect_uri=self.redirect_uri, issuer=callback.issuer
            )
        except IdentityProviderUnavailable as error:
            logger.warning("the company sign-in is not available: %s", error)
            return Refused(reason=Refusal.UNAVAILABLE)
        except UntrustedIdentity as error:
            logger.warning("a company sign-in was refused: %s", error)
            return self._refuse(Refusal.UNTRUSTED)
        return self._admit(identity, attempt, agent=agent)

    def _admit(self, identity: Identity, attempt: SignInAttempt, *, agent: str) -> Finished | Refused:
        """Begin the session of a proven identity, if an Account names its address."""
        key, now = email_key(identity.email), self.clock()
        if key is None:
            return self._refuse(Refusal.NO_ADDRESS)
        if not identity.is_email_verified:
            return self._refuse(Refusal.UNVERIFIED)
        if not self.access.is_named(identity.email):
            return self._refuse(Refusal.UNKNOWN, identity.email)
        pin = SignInPin(
            email_key=key, issuer=identity.issuer, subject=identity.subject, pinned_at=now, signed_in_at=now
        )
        if not self.pins.confirm(pin):
            return self._refuse(Refusal.OTHER_SUBJECT, identity.email)
        person, token = Person(key=key, actor=identity.email, is_installation=False), self.new_token()
        session = begin_session(self.sessions, person, token=token, agent=agent, now=now, lifetime=MAX_LIFETIME)
        return Finished(token=token, session=session, next_path=attempt.next_path)

    def _refuse(self, reason: Refusal, address: str = "") -> Refused:
        entry = session_entry(
            AuditAction.SIGN_IN_REFUSED, address or UNKNOWN, at=self.clock(), detail={"reason": reason.value}
        )
        self.audit_log.record(entry)
        return Refused(reason=reason, address=address)
