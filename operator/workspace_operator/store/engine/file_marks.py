"""A random mark in each SQLite file, to detect that another file was copied over it.

The mark is SQLite's ``application_id``, four header bytes (https://www.sqlite.org/fileformat2.html#application_id).
"""

import secrets
from contextlib import suppress
from typing import Any

import sqlalchemy as sa

from workspace_operator.errors import StoreUnavailable
from workspace_operator.store.engine.databases import Database

MAX_MARK = 2**31 - 1


def ensure_marked(database: Database) -> None:
    """Mark the file unless it has a mark; do nothing if it cannot be written now."""
    with database.reading() as connection:
        if _mark_of(connection):
            return
    with suppress(StoreUnavailable):
        database.writing(_mark)
        with database.engine.connect() as connection:
            driver: Any = connection.connection.dbapi_connection
            driver.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()  # copy it from the WAL into the file


def _mark(connection: sa.Connection) -> None:
    if not _mark_of(connection):  # another process may have been first
        connection.exec_driver_sql(f"PRAGMA application_id = {1 + secrets.randbelow(MAX_MARK)}")


def _mark_of(connection: sa.Connection) -> int:
    return int(connection.exec_driver_sql("PRAGMA application_id").scalar_one())
