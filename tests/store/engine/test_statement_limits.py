"""Reads with a time limit for each statement, on each database."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import pytest
import sqlalchemy as sa

from tests.store.backends import Store
from workspace_operator.errors import StatementTimeout
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.engine.sql import CompiledStatement

COUNTING = "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {}) "
SLOW = sa.text(COUNTING.format(2_000_000_000) + "SELECT count(*) FROM numbers")
SLOW_ROWS = sa.text(COUNTING.format(2_000_000_000) + "SELECT n FROM numbers")
QUICK = sa.text("SELECT 1")
LIMIT = 0.2

Reading = Callable[[Database], AbstractContextManager[sa.Connection]]
READINGS: dict[str, Reading] = {
    "reading": Database.reading,
    "one snapshot": Database.reading_one_snapshot,
    "sorted": lambda database: database.reading_one_snapshot(sorts=True),
}
readings = pytest.mark.parametrize("reading", READINGS.values(), ids=READINGS)


@readings
def test_slow_statement_is_ended(sql: Store, reading: Reading) -> None:
    database, started = sql.sql_database, time.monotonic()

    with (
        database.limiting_reads(LIMIT),
        pytest.raises(StatementTimeout, match=r"took longer than 0\.2 seconds"),
        reading(database) as connection,
    ):
        connection.execute(SLOW).all()

    assert time.monotonic() - started < 10


def test_statement_of_the_driver_is_ended(sql: Store) -> None:
    database = sql.sql_database
    statement = CompiledStatement(lambda _: SLOW)

    with database.limiting_reads(LIMIT), pytest.raises(StatementTimeout), database.reading() as connection:
        statement.run(connection, {})


def test_rows_that_come_slowly_are_ended(sql: Store) -> None:
    database = sql.sql_database

    with database.limiting_reads(LIMIT), pytest.raises(StatementTimeout), database.reading() as connection:
        connection.execute(SLOW_ROWS).all()


@readings
def test_each_statement_has_the_whole_time(sql: Store, reading: Reading) -> None:
    database = sql.sql_database

    with database.limiting_reads(LIMIT), reading(database) as connection:
        for _ in range(4):
            time.sleep(LIMIT / 2)
            assert connection.execute(QUICK).scalar_one() == 1


@readings
def test_connection_is_unlimited_again(sql: Store, reading: Reading) -> None:
    database = sql.sql_database
    with database.limiting_reads(0.001), reading(database) as connection:
        connection.execute(QUICK).all()

    with reading(database) as connection:
        rows = connection.execute(sa.text(COUNTING.format(200_000) + "SELECT count(*) FROM numbers")).scalar_one()

    assert rows == 200_000


@pytest.mark.parametrize("shares", [False, True], ids=["each for itself", "shared"])
def test_other_reads_go_on_after_one_was_ended(sql: Store, shares: bool) -> None:
    database = sql.sql_database

    with database.limiting_reads(LIMIT), database.sharing_reads() if shares else nullcontext():
        with pytest.raises(StatementTimeout), database.reading() as connection:
            connection.execute(SLOW).all()
        with database.reading() as connection:
            assert connection.execute(QUICK).scalar_one() == 1


def test_writes_are_not_limited(sql: Store) -> None:
    database = sql.sql_database
    statement = sa.text(COUNTING.format(200_000) + "SELECT count(*) FROM numbers")

    with database.limiting_reads(0.001):
        rows = database.writing(lambda connection: connection.execute(statement).scalar_one())

    assert rows == 200_000
