"""The beginning of a session, however somebody signed in."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from workspace_operator.application.ports import AuditAction, ConsoleSession, Sessions
from workspace_operator.application.sessions.entries import session_entry
from workspace_operator.application.sessions.lifetimes import FORGET_AFTER, MAX_SESSIONS
from workspace_operator.application.sessions.tokens import digest_of

MAX_AGENT_LENGTH: Final = 200
"""Characters kept of what a browser says about itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Whose session begins.

    Attributes:
        key: whose sessions are limited together: the e-mail key of a member, or the actor.
        actor: as in the audit log.
    """

    key: str
    actor: str
    is_installation: bool


def begin_session(
    sessions: Sessions, person: Person, *, token: str, agent: str, now: datetime, lifetime: timedelta
) -> ConsoleSession:
    """Store a session with its entry of the audit log.

    ``token`` is the secret for the cookie: a new one, so that one planted in a browser is worth nothing. ``agent`` is
    the browser, as it names itself.
    """
    session = ConsoleSession(
        token_digest=digest_of(token),
        person=person.key,
        actor=person.actor,
        is_installation=person.is_installation,
        agent="".join(filter(str.isprintable, agent))[:MAX_AGENT_LENGTH],
        created_at=now,
        seen_at=now,
        expires_at=now + lifetime,
    )
    entry = session_entry(AuditAction.SIGNED_IN, session.actor, at=now)
    sessions.add_session(session, max_sessions=MAX_SESSIONS, forget_before=now - FORGET_AFTER, entry=entry)
    return session
