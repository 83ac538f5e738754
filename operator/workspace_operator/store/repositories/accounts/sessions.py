"""Sessions of the console, and the links that start one."""

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from workspace_operator.application.ports import AuditEntry, ConsoleSession, SignInLink
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.engine.sql import any_of
from workspace_operator.store.schema.console_tables import console_session, sign_in_link
from workspace_operator.store.unit_of_work.audit_rows import write_audit_entry
from workspace_operator.store.unit_of_work.id_generator import CioIDGenerator

_IS_LINK = sign_in_link.c.token_digest == sa.bindparam("digest")
_IS_SESSION = console_session.c.token_digest == sa.bindparam("digest")
_LINKS = sa.select(sa.func.count()).select_from(sign_in_link)
_TAKE = sa.delete(sign_in_link).where(_IS_LINK).returning(sign_in_link)
_SESSION = sa.select(console_session).where(_IS_SESSION)
_NEWEST_FIRST = (console_session.c.created_at.desc(), console_session.c.token_digest)
_OF_PEOPLE = (
    sa.select(console_session)
    .where(any_of(console_session.c.person, sa.bindparam("session_people", type_=sa.Text)))
    .order_by(*_NEWEST_FIRST)
)
_OF_INSTALLATION = sa.select(console_session).where(console_session.c.is_installation).order_by(*_NEWEST_FIRST)
_OF_PERSON = (
    sa.select(console_session.c.token_digest)
    .where(console_session.c.person == sa.bindparam("person"))
    .order_by(console_session.c.seen_at.desc(), console_session.c.token_digest)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SQLSessions:
    """Implements the port ``Sessions``."""

    database: Database
    new_id: CioIDGenerator

    def add_link(self, link: SignInLink, *, max_open: int, now: datetime) -> bool:
        """Store a link unless too many are open."""

        def work(connection: sa.Connection) -> bool:
            connection.execute(sa.delete(sign_in_link).where(sign_in_link.c.expires_at <= now))
            if connection.execute(_LINKS).scalar_one() >= max_open:
                return False
            connection.execute(sa.insert(sign_in_link).values(_link_values(link)))
            return True

        return self.database.writing(work)

    def take_link(self, token_digest: str, *, now: datetime) -> SignInLink | None:
        """Delete and return a link that is open."""

        def work(connection: sa.Connection) -> SignInLink | None:
            row = connection.execute(_TAKE, {"digest": token_digest}).one_or_none()
            return _link_of(row) if row is not None and row.expires_at > now else None

        return self.database.writing(work)

    def add_session(
        self, session: ConsoleSession, *, max_sessions: int, forget_before: datetime, entry: AuditEntry
    ) -> None:
        """Store a session with its entry, and delete those beyond the limits."""

        def work(connection: sa.Connection) -> None:
            connection.execute(sa.delete(console_session).where(console_session.c.expires_at < forget_before))
            digests = connection.execute(_OF_PERSON, {"person": session.person}).scalars().all()
            for digest in digests[max_sessions - 1 :]:
                connection.execute(sa.delete(console_session).where(_IS_SESSION), {"digest": digest})
            connection.execute(sa.insert(console_session).values(asdict(session)))
            write_audit_entry(connection, entry, new_id=self.new_id)

        self.database.writing(work)

    def find_session(self, token_digest: str) -> ConsoleSession | None:
        """Find a session."""
        with self.database.reading() as connection:
            row = connection.execute(_SESSION, {"digest": token_digest}).one_or_none()
            return None if row is None else _session_of(row)

    def sessions_of(self, people: Collection[str]) -> Sequence[ConsoleSession]:
        """List the sessions of people."""
        with self.database.reading() as connection:
            rows = connection.execute(_OF_PEOPLE, {"session_people": json.dumps(list(people))})
            return [_session_of(row) for row in rows]

    def installation_sessions(self) -> Sequence[ConsoleSession]:
        """List the sessions of the administrators of the installation."""
        with self.database.reading() as connection:
            return [_session_of(row) for row in connection.execute(_OF_INSTALLATION)]

    def record_activity(self, token_digest: str, *, now: datetime) -> None:
        """Set the last activity of a session."""
        update = sa.update(console_session).where(_IS_SESSION).values(seen_at=now)
        self.database.writing(lambda connection: connection.execute(update, {"digest": token_digest}))

    def end_session(self, token_digest: str, *, entry: AuditEntry) -> None:
        """Delete a session, with an entry if there was one."""

        def work(connection: sa.Connection) -> None:
            if connection.execute(sa.delete(console_session).where(_IS_SESSION), {"digest": token_digest}).rowcount:
                write_audit_entry(connection, entry, new_id=self.new_id)

        self.database.writing(work)


def _session_of(row: sa.Row[Any]) -> ConsoleSession:
    return ConsoleSession(**row._mapping)  # noqa: SLF001 - public by SQLAlchemy's rules


def _link_values(link: SignInLink) -> dict[str, Any]:
    return {
        "token_digest": link.token_digest,
        "actor": link.actor,
        "workspace_id": link.workspace_id,
        "expires_at": link.expires_at,
        "session_seconds": int(link.session_lifetime.total_seconds()),
    }


def _link_of(row: sa.Row[Any]) -> SignInLink:
    return SignInLink(
        token_digest=row.token_digest,
        actor=row.actor,
        workspace_id=row.workspace_id,
        expires_at=row.expires_at,
        session_lifetime=timedelta(seconds=row.session_seconds),
    )
