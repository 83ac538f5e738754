"""Sessions: looked up at every request, and ended by their person."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from workspace_operator.application.ports import AuditAction, ConsoleSession, Sessions
from workspace_operator.application.sessions.entries import session_entry
from workspace_operator.application.sessions.lifetimes import SessionEnd, end_of
from workspace_operator.application.sessions.tokens import digest_of

ACTIVITY_INTERVAL: Final = timedelta(minutes=1)
"""A session is written at most this often: most requests only read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionReader:
    """Finds the sessions of browsers, and ends them."""

    sessions: Sessions
    clock: Callable[[], datetime]

    def find(self, token: str, *, is_activity: bool) -> ConsoleSession | SessionEnd | None:
        """Find the session of a cookie.

        Args:
            token: the secret in the cookie.
            is_activity: whether somebody acts; a page that refreshes itself must not keep a session alive.

        Returns:
            The session, or why it has ended, or None if there is none.
        """
        session, now = self.sessions.find_session(digest_of(token)), self.clock()
        if session is None:
            return None
        if end := end_of(session, now):
            return end
        if is_activity and now - session.seen_at >= ACTIVITY_INTERVAL:
            self.sessions.record_activity(session.token_digest, now=now)
        return session

    def sign_out(self, session: ConsoleSession) -> None:
        """End a session."""
        entry = session_entry(AuditAction.SIGNED_OUT, session.actor, at=self.clock())
        self.sessions.end_session(session.token_digest, entry=entry)
