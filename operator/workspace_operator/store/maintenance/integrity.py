"""Checks of a whole database: the file of SQLite first, then the invariants, in one snapshot.

A check needs little memory, however large the database is: rows are counted by the database, which sorts on disk, and
only a few samples are read.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from workspace_operator.application.ports import Finding
from workspace_operator.errors import InvalidInput, StoreUnavailable
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.engine.error_translation import error_code
from workspace_operator.store.maintenance.descriptions import distribution_state
from workspace_operator.store.maintenance.invariants import INVARIANTS, Invariant
from workspace_operator.store.schema.upgrades import has_current_schema

SAMPLES: Final = 5
MAX_FAULTS: Final = 100
"""Faults of a file after which SQLite stops to look for others."""

_FILE_MEANING: Final = "The file is damaged: SQLite finds faults in its structure."
_FILE_REMEDY: Final = (
    "Stop all processes and restore a backup (docs/disasters.md). Then check the disk: a file is damaged by a disk, by "
    "a network file system, or by a program that writes it besides SQLite."
)
_DISTRIBUTION_MEANING: Final = "Not all tables are distributed over the machines of Citus as this version needs it."
_DAMAGE: Final = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_IOERR")


def check(database: Database) -> Iterator[Finding]:
    """Yield what is wrong. Raises InvalidInput if the rows cannot be checked by this version, and StoreUnavailable."""
    if database.is_sqlite and (faults := file_faults(database)):
        samples = tuple(faults[:SAMPLES])
        yield Finding(check="file", meaning=_FILE_MEANING, remedy=_FILE_REMEDY, count=len(faults), samples=samples)
        return  # rows of a damaged file say nothing
    if problem := _distribution_problem(database):
        yield Finding(check="distribution", meaning=_DISTRIBUTION_MEANING, remedy=problem, count=1)
        return  # rows on the coordinator and in shards are not compared
    if not has_current_schema(database):
        raise InvalidInput(f"the database {database.name} has no workspaces to check", field="database")
    yield from check_rows(database)


def _distribution_problem(database: Database) -> str | None:
    with database.reading() as connection:
        state = distribution_state(connection)
    return f"It is {state.problem}." if state is not None and state.problem is not None else None


def check_rows(database: Database) -> Iterator[Finding]:
    """Yield the invariants that do not hold, in one snapshot, of a database with this version's schema."""
    with database.reading_one_snapshot(sorts=True) as connection:
        for invariant in INVARIANTS:
            if finding := _violations(connection, invariant):
                yield finding


def file_faults(database: Database) -> Sequence[str]:
    """What SQLite's own check of a file finds; nothing in a sound one. Raises StoreUnavailable."""
    return list(_file_faults(database))


def _file_faults(database: Database) -> Iterator[str]:
    """The lines of SQLite's own check; an error that says that the file is damaged is a line, too."""
    try:
        with database.engine.connect() as connection, connection.begin():
            for (line,) in connection.exec_driver_sql(f"PRAGMA integrity_check({MAX_FAULTS})"):
                if line != "ok":
                    yield str(line)
    except DBAPIError as error:
        if not error_code(error).startswith(_DAMAGE):
            raise StoreUnavailable(f"the database {database.name} cannot be checked: {error.orig}") from error
        yield str(error.orig)


def _violations(connection: sa.Connection, invariant: Invariant) -> Finding | None:
    rows = connection.exec_driver_sql(f"{invariant.violations} LIMIT {SAMPLES}").mappings().all()
    if not rows:
        return None
    counted = f"SELECT count(*) FROM ({invariant.violations}) AS violations"  # noqa: S608 - a constant of this package
    return Finding(
        check=invariant.check,
        meaning=invariant.meaning,
        remedy=invariant.remedy,
        count=int(connection.exec_driver_sql(counted).scalar_one()),
        samples=tuple(_sample(dict(row)) for row in rows),
    )


def _sample(row: Mapping[str, object]) -> str:
    return " ".join(f"{name}={value}" for name, value in row.items())
