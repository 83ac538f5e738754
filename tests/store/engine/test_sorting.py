"""Reads that sort on disk."""

from contextlib import closing
from pathlib import Path

from tests.store.backends import upgraded
from workspace_operator.store.engine.databases import Database

FILE, MEMORY = 1, 2
"""SQLite's numbers of the settings."""


def temporary_store(database: Database, *, sorts: bool) -> int:
    with database.reading_one_snapshot(sorts=sorts) as connection:
        number: int = connection.exec_driver_sql("PRAGMA temp_store").scalar_one()
        return number


def test_sqlite_sorts_in_files_only_while_it_is_asked_to(tmp_path: Path) -> None:
    with closing(upgraded(f"sqlite:///{tmp_path}/some.db")) as database:
        stores = [temporary_store(database, sorts=sorts) for sorts in (False, True, False)]

        assert stores == [MEMORY, FILE, MEMORY]
