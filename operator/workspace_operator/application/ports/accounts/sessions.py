"""Port of the sessions of the console, and of the links that start one. Secrets are known by their digests only."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from workspace_operator.application.ports.accounts.audit import AuditEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInLink:
    """A link that signs in an administrator of the installation, once.

    Attributes:
        token_digest: digest of the secret in the link.
        actor: who made it, as in the audit log.
        workspace_id: the workspace whose page opens; None: the list of workspaces.
        session_lifetime: longest duration of the session that it starts.
    """

    token_digest: str
    actor: str
    workspace_id: int | None
    expires_at: datetime
    session_lifetime: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleSession:
    """A browser that is signed in. What it may do is decided at each request, and is no part of it.

    Attributes:
        token_digest: digest of the secret in the cookie.
        person: whose sessions are limited together: the e-mail key of a member, or the actor.
        actor: as in the audit log: an address, or ``installation (NAME)``.
        is_installation: an administrator of the installation, who reaches every workspace.
        agent: the browser, as it names itself.
        seen_at: the last activity, to within a minute.
        expires_at: the end at the latest.
    """

    token_digest: str
    person: str
    actor: str
    is_installation: bool
    agent: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


class Sessions(Protocol):
    """The sessions of all browsers, and the open links."""

    def add_link(self, link: SignInLink, *, max_open: int, now: datetime) -> bool:
        """Store a link; False if ``max_open`` others are open. Deletes those that have expired."""
        ...

    def take_link(self, token_digest: str, *, now: datetime) -> SignInLink | None:
        """Delete and return a link, so that one caller gets it; None if there is none, or it has expired."""
        ...

    def add_session(
        self, session: ConsoleSession, *, max_sessions: int, forget_before: datetime, entry: AuditEntry
    ) -> None:
        """Store a session, and the entry about it.

        Deletes the person's sessions that were unused for longest, beyond ``max_sessions``, and all sessions that
        expired before ``forget_before``.
        """
        ...

    def find_session(self, token_digest: str) -> ConsoleSession | None:
        """Find a session, which may have expired; None if there is none."""
        ...

    def sessions_of(self, people: Collection[str]) -> Sequence[ConsoleSession]:
        """List the sessions of people, newest first; some may have ended by time."""
        ...

    def installation_sessions(self) -> Sequence[ConsoleSession]:
        """List the sessions of the administrators of the installation, likewise."""
        ...

    def record_activity(self, token_digest: str, *, now: datetime) -> None:
        """Set the last activity of a session, if there still is one."""
        ...

    def end_session(self, token_digest: str, *, entry: AuditEntry) -> None:
        """Delete a session, and store the entry about it; neither if there is no such session."""
        ...
