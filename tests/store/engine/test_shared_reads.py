"""Reads of a thread that share one transaction, on each database."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from tests.store.backends import Store
from tests.store.engine.test_statement_limits import QUICK
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.engine.sql import force_custom_plan
from workspace_operator.store.schema.tables import account

ROWS = sa.select(sa.func.count()).select_from(account)
NOTHING = sa.text("SELECT 1 FROM no_such_table")


def number_of_accounts(database: Database) -> int:
    with database.reading() as connection:
        return connection.execute(ROWS).scalar_one()


def insert_account(database: Database, name: str) -> None:
    row = {"cluster": "c", "namespace": "n", "name": name}
    database.writing(lambda connection: connection.execute(sa.insert(account).values(row)))


def reading_pool(database: Database) -> sa.QueuePool:
    pool = database.engine.pool
    assert isinstance(pool, sa.QueuePool)
    return pool


def in_another_thread(work: Callable[[], object]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


@contextmanager
def begun(database: Database) -> Iterator[list[bool]]:
    """The transactions of reads that begin in the block: whether each has one snapshot."""
    seen: list[bool] = []

    def note(connection: sa.Connection) -> None:
        options = connection.get_execution_options()
        if not options.get("writing"):
            seen.append(bool(options.get("one_snapshot")))

    sa.event.listen(database.engine, "begin", note)
    try:
        yield seen
    finally:
        sa.event.remove(database.engine, "begin", note)


def test_reads_have_one_transaction_with_one_snapshot(sql: Store) -> None:
    database = sql.sql_database

    with begun(database) as transactions, database.sharing_reads():
        assert transactions == []
        before = number_of_accounts(database)
        in_another_thread(lambda: insert_account(database, "later"))
        with database.reading_one_snapshot() as connection:
            assert connection.execute(ROWS).scalar_one() == before
        assert number_of_accounts(database) == before

    assert transactions == [True]
    assert number_of_accounts(database) == before + 1


def test_write_of_the_thread_ends_the_transaction(sql: Store) -> None:
    """A pooler may have no connection for a write while the read has one."""
    database, used = sql.sql_database, []

    def insert(connection: sa.Connection) -> None:
        used.append(reading_pool(database).checkedout())
        connection.execute(sa.insert(account).values({"cluster": "c", "namespace": "n", "name": "own"}))

    with begun(database) as transactions, database.sharing_reads():
        before = number_of_accounts(database)
        database.writing(insert)
        assert number_of_accounts(database) == before + 1

    assert transactions == [True, True]
    assert used == [1 if database.is_sqlite else 0]  # on SQLite, one pool has all connections


def test_read_that_changes_settings_has_its_own_transaction(sql: Store) -> None:
    database = sql.sql_database

    with begun(database) as transactions, database.sharing_reads():
        number_of_accounts(database)
        with database.reading_one_snapshot(sets=True) as connection:
            force_custom_plan(connection)
            assert reading_pool(database).checkedout() == 1
        with database.reading() as connection:
            if not database.is_sqlite:
                assert connection.exec_driver_sql("SHOW enable_bitmapscan").scalar_one() == "on"

    assert transactions == [True, True, True]


def test_lost_connection_is_the_error_that_it_would_be_alone(sql: Store) -> None:
    database = sql.sql_database

    def lose_the_connection() -> None:
        with database.reading() as connection:
            connection.invalidate()
            raise LookupError

    with database.sharing_reads():
        number_of_accounts(database)
        with pytest.raises(LookupError):
            lose_the_connection()
        assert number_of_accounts(database) == number_of_accounts(database)


def test_connection_that_is_lost_after_the_last_read_is_no_error(sql: Store) -> None:
    database = sql.sql_database

    with database.sharing_reads():
        before = number_of_accounts(database)
        with database.reading() as connection:
            connection.invalidate()

    assert number_of_accounts(database) == before


def test_read_that_fails_does_not_spoil_the_next(sql: Store) -> None:
    database = sql.sql_database

    with begun(database) as transactions, database.sharing_reads():
        with pytest.raises(DBAPIError), database.reading() as connection:
            connection.execute(NOTHING)
        assert number_of_accounts(database) == number_of_accounts(database)

    assert transactions == [True, True]


def test_read_after_an_error_sees_what_was_written_meanwhile(sql: Store) -> None:
    """A read that finds people who are yet to be merged is repeated after their merge."""
    database = sql.sql_database

    with database.sharing_reads():
        before = number_of_accounts(database)
        with pytest.raises(LookupError), database.reading():
            raise LookupError
        in_another_thread(lambda: insert_account(database, "merged"))
        assert number_of_accounts(database) == before + 1


def test_read_that_sorts_on_disk_has_its_own_transaction(sql: Store) -> None:
    database = sql.sql_database

    with begun(database) as transactions, database.sharing_reads():
        number_of_accounts(database)
        with database.reading_one_snapshot(sorts=True) as connection:
            connection.execute(QUICK).all()

    assert len(transactions) == (2 if database.is_sqlite else 1)


def test_other_threads_read_on_their_own(sql: Store) -> None:
    database, counted = sql.sql_database, []

    with database.sharing_reads():
        before = number_of_accounts(database)
        in_another_thread(lambda: insert_account(database, "seen by others"))
        in_another_thread(lambda: counted.append(number_of_accounts(database)))
        assert number_of_accounts(database) == before

    assert counted == [before + 1]


def test_connection_is_returned(sql: Store) -> None:
    database = sql.sql_database
    pool = reading_pool(database)

    def read_and_fail() -> None:
        with database.sharing_reads():
            number_of_accounts(database)
            assert pool.checkedout() == 1
            raise LookupError

    with pytest.raises(LookupError):
        read_and_fail()

    assert pool.checkedout() == 0
