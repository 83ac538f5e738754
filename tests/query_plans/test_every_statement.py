"""The plan of every statement of the store: none depends on the statistics of the database.

The contract tests of the store are run once on each database, and all their statements are recorded; the store's source
is parsed, so that none is missed. Each statement is then planned in databases with different statistics.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.postgres import Postgres
from tests.query_plans.accesses import Access
from tests.query_plans.call_sites import call_sites
from tests.query_plans.contract_runner import run_contract_tests
from tests.query_plans.databases import analyze, fill, planning_connection, plans_of
from tests.query_plans.exceptions import ALLOWED, SMALL, SORTING, STEPPING
from tests.query_plans.recorder import StatementRecorder, recorded_statements
from tests.query_plans.scenarios import ON_CITUS
from tests.sqlite import MODULES, sqlite_file
from tests.store.backends import empty, partitioned, sql_store, upgraded
from tests.store.citus import distributed
from tests.store.fixtures import WorkspaceEnv
from tests.store.pruning import wide_tables
from workspace_operator.identity.values.rules import Mode
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.schema.tables import DIRECTORY_TABLES

Make = Callable[[str], Database]

# A finding: statement, table and access.
Found = set[tuple[str, Access, bool]]


def analyzed_when_full(database: Database) -> Iterator[None]:
    """Statistics before ANALYZE."""
    fill(database)
    yield
    analyze(database)
    yield


def analyzed_when_empty(database: Database) -> Iterator[None]:
    analyze(database)
    fill(database)
    yield


Life = Callable[[Database], Iterator[None]]
"""The states of a database in which statements are planned."""

lives = pytest.mark.parametrize("life", [analyzed_when_full, analyzed_when_empty])


@pytest.fixture(scope="module")
def recorded_on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> StatementRecorder:
    with (
        closing(sqlite_file(tmp_path_factory.mktemp("tour"), MODULES[0])) as database,
        recorded_statements() as recorder,
    ):
        run_contract_tests(database)
    return recorder


@pytest.fixture(scope="module")
def recorded_on_postgresql(postgres: Postgres) -> Iterator[StatementRecorder]:
    with (
        postgres.database() as url,
        closing(upgraded(url)) as database,
        postgres.database() as citus_url,
        closing(distributed(citus_url)) as citus,
    ):
        with recorded_statements() as recorder:
            run_contract_tests(database)
            for scenario in ON_CITUS:
                empty(citus)
                scenario(WorkspaceEnv.create(sql_store(citus), Mode.EMAIL_OR_ID))
        yield recorder


@lives
@pytest.mark.parametrize("module", MODULES)
def test_sqlite_finds_by_key_what_has_one(
    recorded_on_sqlite: StatementRecorder, tmp_path: Path, module: str, life: Life
) -> None:
    with closing(sqlite_file(tmp_path, module)) as database:
        for _ in life(database):
            assert_found_by_key(found(database, recorded_on_sqlite))


@lives
@pytest.mark.parametrize("make", [upgraded, partitioned])
def test_postgresql_finds_by_key_what_has_one(
    recorded_on_postgresql: StatementRecorder, postgres_url: str, make: Make, life: Life
) -> None:
    with closing(make(postgres_url)) as database:
        for _ in life(database):
            # Statements may read the whole small directory.
            of_people = {each for each in found(database, recorded_on_postgresql) if each[1].table not in _DIRECTORY}
            assert_found_by_key(of_people)


def test_every_statement_concerns_one_workspace(recorded_on_postgresql: StatementRecorder, postgres_url: str) -> None:
    """On a distributed PostgreSQL, each goes to one machine."""
    with closing(partitioned(postgres_url)) as database, planning_connection(database) as connection:
        driver = connection.connection.dbapi_connection
        wide = {
            (sent.origin, tuple(wide_tables(driver, sent.text, sent.parameters)))
            for sent in recorded_on_postgresql.statements
        }

    assert {(origin, tables) for origin, tables in wide if tables} == set()


_DIRECTORY = {table.name for table in DIRECTORY_TABLES}


def assert_found_by_key(accesses: Found) -> None:
    scans = {access for access in accesses if not access[1].is_by_key and access[1].table not in SMALL}
    assert {(origin, access.table) for origin, access, _ in scans} - ALLOWED == set()
    assert {(origin, access.table) for origin, access, _ in scans if access.repeated} - STEPPING == set()
    assert {origin for origin, _, sorts in scans if sorts} - SORTING.keys() == set()


def found(database: Database, recorder: StatementRecorder) -> Found:
    """All accesses of all statements."""
    with planning_connection(database) as connection:
        return {
            (sent.origin, access, sorts)
            for sent in recorder.statements
            for accesses, sorts in plans_of(connection, sent)
            for access in accesses
        }


def test_whole_workspaces_are_read_only_where_an_exception_says_so(
    recorded_on_sqlite: StatementRecorder, tmp_path: Path
) -> None:
    """An unused exception would hide a later regression."""
    with closing(sqlite_file(tmp_path, MODULES[0])) as database:
        accesses = found(database, recorded_on_sqlite)

    scans = {(origin, access.table) for origin, access, _ in accesses if not access.is_by_key}
    assert ALLOWED - scans == set()
    assert SORTING.keys() - {origin for origin, access, sorts in accesses if sorts and not access.is_by_key} == set()


def test_without_fixed_statistics_sqlite_reads_whole_workspaces(
    recorded_on_sqlite: StatementRecorder, tmp_path: Path
) -> None:
    """The statements that the other tests check were recorded."""
    with closing(sqlite_file(tmp_path, MODULES[0])) as database:
        database.writing(lambda connection: connection.execute(sa.text("DELETE FROM sqlite_stat1")))
        database.writing(lambda connection: connection.execute(sa.text("ANALYZE sqlite_schema")))
        accesses = found(database, recorded_on_sqlite)

    repeated = {(origin, access.table) for origin, access, _ in accesses if access.repeated and not access.is_by_key}
    assert ("backfill._assign_to_oldest", "person") in repeated


def test_every_statement_of_the_store_was_recorded(
    recorded_on_sqlite: StatementRecorder, recorded_on_postgresql: StatementRecorder
) -> None:
    """A new statement needs a contract test that sends it, so that its plan is checked."""
    places = recorded_on_sqlite.places | recorded_on_postgresql.places

    assert [str(call) for call in call_sites() if not call.was_recorded(places)] == []
