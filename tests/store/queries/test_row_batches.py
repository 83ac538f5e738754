"""Batches of rows in the order of a key."""

import pytest
import sqlalchemy as sa

from tests.store.backends import Store
from workspace_operator.store.engine.row_batches import first_batch
from workspace_operator.store.engine.sql import insert_rows
from workspace_operator.store.schema.tables import membership, migration_change_log

OURS, OTHERS = 1, 2


@pytest.mark.parametrize(("size", "taken"), [(1, ["a"]), (2, ["a", "b"]), (3, ["a", "b", "c"]), (9, ["a", "b", "c"])])
def test_first_rows_of_one_workspace(sql: Store, size: int, taken: list[str]) -> None:
    rows = [(workspace, entry, None, None) for workspace in (OURS, OTHERS) for entry in "cab"]
    sql.sql_database.writing(lambda connection: insert_rows(connection, migration_change_log, rows))

    def take(connection: sa.Connection) -> list[str]:
        first = first_batch(
            connection, migration_change_log.c.workspace_id == OURS, [migration_change_log.c.entry_id], size=size
        )
        return sorted(
            connection.execute(
                sa.delete(migration_change_log).where(first).returning(migration_change_log.c.entry_id)
            ).scalars()
        )

    assert sql.sql_database.writing(take) == taken


@pytest.mark.parametrize(("size", "taken"), [(2, [(1, "x"), (1, "y")]), (3, [(1, "x"), (1, "y"), (2, "a")])])
def test_first_rows_by_two_columns(sql: Store, size: int, taken: list[tuple[int, str]]) -> None:
    rows = [(OURS, segment, cio_id) for segment, cio_id in ((2, "a"), (1, "y"), (2, "b"), (1, "x"))]
    sql.sql_database.writing(lambda connection: insert_rows(connection, membership, rows))
    key = [membership.c.segment, membership.c.cio_id]

    def read(connection: sa.Connection) -> list[tuple[int, str]]:
        first = first_batch(connection, membership.c.workspace_id == OURS, key, size=size)
        return [tuple(row) for row in connection.execute(sa.select(*key).where(first).order_by(*key))]

    assert sql.sql_database.writing(read) == taken


def test_no_rows_are_first_of_none(sql: Store) -> None:
    def take(connection: sa.Connection) -> int:
        first = first_batch(
            connection, migration_change_log.c.workspace_id == OURS, [migration_change_log.c.entry_id], size=1
        )
        return connection.execute(sa.delete(migration_change_log).where(first)).rowcount

    assert sql.sql_database.writing(take) == 0
