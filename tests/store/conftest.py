"""One store of each kind per test; databases are created once and emptied in between."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.postgres import Postgres
from tests.store.backends import Store, empty, memory_store, partitioned, sql_store, upgraded
from tests.store.bulk_data import add_sharers, cut_over_migration
from tests.store.fixtures import WorkspaceEnv
from workspace_operator.application.ports import Lease
from workspace_operator.identity.values.rules import Mode
from workspace_operator.store.engine.databases import Database

DATABASES = (
    "sqlite_database",
    pytest.param("postgres_database", marks=pytest.mark.postgres),
    pytest.param("partitioned_database", marks=pytest.mark.postgres),
)


@pytest.fixture(scope="session")
def sqlite_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with closing(upgraded(f"sqlite:///{tmp_path_factory.mktemp('store')}/store.db")) as database:
        yield database


@pytest.fixture(scope="session")
def postgres_database(postgres: Postgres) -> Iterator[Database]:
    with postgres.database() as url:
        database = upgraded(url)
        yield database
        database.close()


@pytest.fixture(scope="session")
def partitioned_database(postgres: Postgres) -> Iterator[Database]:
    with postgres.database() as url:
        database = partitioned(url)
        yield database
        database.close()


@pytest.fixture(params=("memory", *DATABASES))
def store(request: pytest.FixtureRequest) -> Store:
    """Each kind of store, for contract tests."""
    if request.param == "memory":
        return memory_store()
    return _empty_store(request)


@pytest.fixture(params=DATABASES)
def sql(request: pytest.FixtureRequest) -> Store:
    """Each kind of database, for behaviour that the ports do not show."""
    return _empty_store(request)


def _empty_store(request: pytest.FixtureRequest) -> Store:
    database: Database = request.getfixturevalue(request.param)
    empty(database)
    return sql_store(database)


@pytest.fixture(
    params=(
        "memory",
        *DATABASES[:2],
        pytest.param("partitioned_database", marks=(pytest.mark.postgres, pytest.mark.proof)),
    )
)
def store_to_interrupt(request: pytest.FixtureRequest) -> Store:
    """Unpartitioned databases, for tests of many rounds; other tests cover partitions."""
    return memory_store() if request.param == "memory" else _empty_store(request)


@pytest.fixture
def env(store: Store) -> WorkspaceEnv:
    """A workspace of mode IDOnly."""
    return WorkspaceEnv.create(store, Mode.ID_ONLY)


@pytest.fixture
def sql_env(sql: Store) -> WorkspaceEnv:
    """A workspace of mode IDOnly, on databases only."""
    return WorkspaceEnv.create(sql, Mode.ID_ONLY)


@pytest.fixture
def people(env: WorkspaceEnv) -> dict[str, str]:
    """People in the workspace, by id, some with shared addresses."""
    return add_sharers(env)


@pytest.fixture
def lease(env: WorkspaceEnv, people: dict[str, str]) -> Lease:
    """The lease of a migration of these people, right after the cut-over."""
    assert people
    return cut_over_migration(env)


@pytest.fixture
def both(store: Store) -> WorkspaceEnv:
    """A workspace of mode EmailOrID."""
    return WorkspaceEnv.create(store, Mode.EMAIL_OR_ID)
