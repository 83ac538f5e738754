"""A mark in each SQLite file by which it is told from others: somebody may copy another file over one that is in use.

It is SQLite's ``application_id``, four bytes of the header (https://www.sqlite.org/fileformat2.html#application_id).
"""

import secrets
from contextlib import suppress
from typing import Any

import sqlalchemy as sa

from workspace_operator.errors import StoreUnavailable
from workspace_operator.store.engine.databases import Database

MAX_MARK = 2**31 - 1


def ensure_marked(database: Database) -> None:
    """Mark the file, unless it is marked; one that cannot be written just now stays as it is."""
    with database.reading() as connection:
        if _mark_of(connection):
            return
    with suppress(StoreUnavailable):
        database.writing(_mark)
        with database.engine.connect() as connection:
            driver: Any = connection.connection.dbapi_connection
            driver.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()  # from the log into the file itself


def _mark(connection: sa.Connection) -> None:
    if not _mark_of(connection):  # another process may have been first
        connection.exec_driver_sql(f"PRAGMA application_id = {1 + secrets.randbelow(MAX_MARK)}")


def _mark_of(connection: sa.Connection) -> int:
    return int(connection.exec_driver_sql("PRAGMA application_id").scalar_one())
