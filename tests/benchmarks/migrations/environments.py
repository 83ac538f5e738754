"""A workspace with many people in a database of its own, and the statements that migrations are compared with."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from tests.benchmarks.bulk_data import CLEAN, ViolationShares, fill_ready, vacuum
from tests.postgres import DURABLE, own_postgres
from tests.store.backends import sql_store, upgraded
from tests.store.fixtures import create, owner
from workspace_operator.identity.values.rules import Mode
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.schema.tables import (
    KIND_EMAIL,
    export,
    export_person,
    identifier,
    migration,
    migration_change_log,
    shared_email,
    violation,
    workspace,
    workspace_lock,
)

NAME = "large"
ALL_WORKSPACES = sa.text(
    "INSERT INTO identifier (workspace_id, kind, value_key, cio_id)"
    f" SELECT workspace_id, {KIND_EMAIL}, email_key, cio_id FROM person"
    " WHERE workspace_id = :workspace_id AND email_key IS NOT NULL"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One workspace of mode IDOnly, and its database; ``newest``: programs are to use the newest SQLite."""

    url: str
    database: Database
    workspace_id: int
    newest: bool = False

    def insert_all(self) -> None:
        """Insert all e-mail identifiers by one statement, the baseline of a migration."""
        self.database.writing(
            lambda connection: connection.execute(ALL_WORKSPACES, {"workspace_id": self.workspace_id})
        )

    def plan_of_insert(self) -> str:
        """In which order the database takes people for that, in its own words."""
        explain = "EXPLAIN QUERY PLAN " if self.database.is_sqlite else "EXPLAIN (COSTS OFF) "
        with self.database.reading() as connection:
            rows = connection.execute(sa.text(explain + ALL_WORKSPACES.text), {"workspace_id": self.workspace_id}).all()
        return "; ".join(str(row[-1]).strip(" ->") for row in rows)

    def start_over(self) -> None:
        """Return to mode IDOnly without any migration, then checkpoint the database."""

        def work(connection: sa.Connection) -> None:
            for table in (migration_change_log, shared_email, violation, export_person, export, migration):
                connection.execute(sa.delete(table))
            connection.execute(sa.delete(identifier).where(identifier.c.kind == KIND_EMAIL))
            connection.execute(
                sa.update(workspace).values(
                    mode=Mode.ID_ONLY.value, change_log_enabled=False, blocked_export=None, merges_pending=False
                )
            )
            connection.execute(sa.update(workspace_lock).values(version=workspace_lock.c.version + 1))

        self.database.writing(work)
        self.rest()

    def rest(self) -> None:
        """Do the pending maintenance of the database, so that it does not disturb a measurement."""
        vacuum(self.database)
        with self.database.engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert driver is not None
            driver.execute("PRAGMA wal_checkpoint(TRUNCATE)" if self.database.is_sqlite else "CHECKPOINT")

    def emails_owned(self) -> int:
        """How many e-mail identifiers there are."""
        return self._count("identifier WHERE kind = 2 AND workspace_id = :workspace_id")

    def emails(self) -> int:
        """How many addresses people have."""
        return self._count(
            "(SELECT DISTINCT email_key FROM person WHERE workspace_id = :workspace_id AND email_key IS NOT NULL) e"
        )

    def people(self) -> int:
        """How many rows of people there are."""
        return self._count("person WHERE workspace_id = :workspace_id")

    def mode(self) -> Mode:
        """The mode in force."""
        with self.database.reading() as connection:
            return Mode(connection.execute(sa.select(workspace.c.mode)).scalar_one())

    def _count(self, what: str) -> int:
        with self.database.reading() as connection:
            query = sa.text(f"SELECT count(*) FROM {what}")
            return int(connection.execute(query, {"workspace_id": self.workspace_id}).scalar_one())


@contextmanager
def environment(
    title: str, folder: Path, people: int, violation_shares: ViolationShares = CLEAN
) -> Iterator[Environment]:
    """So many people in a database of their own; the server, where there is one, is gone at the end."""
    with new_database(title, folder) as url, filled(url, people, violation_shares) as made:
        yield made


@contextmanager
def new_database(title: str, folder: Path) -> Iterator[str]:
    """The URL of an empty database that keeps what it commits."""
    if title == "SQLite":
        yield f"sqlite:///{folder}/large.db"
        return
    with own_postgres(settings=DURABLE) as server:
        yield server.create_database()


@contextmanager
def filled(url: str, people: int, violation_shares: ViolationShares = CLEAN) -> Iterator[Environment]:
    """The same in a database that is there."""
    with closing(upgraded(url)) as database:
        store = sql_store(database)
        workspace_id = create(store, owner(NAME), mode=Mode.ID_ONLY, display_name=NAME).workspace_id
        fill_ready(database, workspace_id, people, violation_shares)
        made = Environment(url=url, database=database, workspace_id=workspace_id)
        made.rest()
        yield made
