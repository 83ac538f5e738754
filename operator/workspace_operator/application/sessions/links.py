"""Links that sign in an administrator of the installation, once.

Whoever can write to the database may do everything already, so making a link needs no other right.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from workspace_operator.application.ports import Actor, AuditAction, AuditLog, ConsoleSession, Sessions, SignInLink
from workspace_operator.application.sessions.entries import UNKNOWN, session_entry
from workspace_operator.application.sessions.lifetimes import MAX_LIFETIME
from workspace_operator.application.sessions.new_sessions import Person, begin_session
from workspace_operator.application.sessions.tokens import digest_of, new_token
from workspace_operator.errors import Conflict, InvalidInput

LINK_LIFETIME: Final = timedelta(minutes=5)
MAX_OPEN_LINKS: Final = 5
MIN_LIFETIME: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A session that has just begun.

    Attributes:
        token: the secret for the cookie.
        workspace_id: the workspace whose page opens; None: the list of workspaces.
    """

    token: str
    session: ConsoleSession
    workspace_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInLinks:
    """Makes links, and exchanges each for a session."""

    sessions: Sessions
    audit_log: AuditLog
    clock: Callable[[], datetime]
    new_token: Callable[[], str] = new_token

    def create(self, *, actor: Actor, workspace_id: int | None = None, lifetime: timedelta = MAX_LIFETIME) -> str:
        """Make a link; returns its secret.

        Args:
            actor: who makes it, and will be signed in.
            workspace_id: the workspace whose page opens.
            lifetime: longest duration of the session.

        Raises:
            InvalidInput: the session would be too short or too long.
            Conflict: as many links are open as may be.
        """
        if not MIN_LIFETIME <= lifetime <= MAX_LIFETIME:
            raise InvalidInput("a session lasts from 1 minute to 12 hours: choose a duration between them")
        now, token = self.clock(), self.new_token()
        link = SignInLink(
            token_digest=digest_of(token),
            actor=actor.name,
            workspace_id=workspace_id,
            expires_at=now + LINK_LIFETIME,
            session_lifetime=lifetime,
        )
        if not self.sessions.add_link(link, max_open=MAX_OPEN_LINKS, now=now):
            raise Conflict(
                f"{MAX_OPEN_LINKS} sign-in links are open already: use one of them, or wait 5 minutes until they expire"
            )
        return token

    def enter(self, token: str, *, agent: str) -> SignedIn | None:
        """Exchange the secret of a link for a new session; None if the link was used, or has expired."""
        now = self.clock()
        link = self.sessions.take_link(digest_of(token), now=now)
        if link is None:
            self.audit_log.record(session_entry(AuditAction.SIGN_IN_REFUSED, UNKNOWN, at=now))
            return None
        session_token = self.new_token()
        person = Person(key=link.actor, actor=link.actor, is_installation=True)
        session = begin_session(
            self.sessions, person, token=session_token, agent=agent, now=now, lifetime=link.session_lifetime
        )
        return SignedIn(token=session_token, session=session, workspace_id=link.workspace_id)
