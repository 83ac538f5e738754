"""One store of each kind per test; databases are created once and emptied in between."""

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from tests.postgres import Postgres
from tests.store.backends import Store, empty, memory_store, partitioned, sql_store, upgraded
from tests.store.bulk_data import add_sharers, cut_over_migration
from tests.store.citus import distributed
from tests.store.fixtures import WorkspaceEnv
from tests.store.pruning import PruningCheck
from workspace_operator.application.ports import Lease
from workspace_operator.identity.values.rules import Mode
from workspace_operator.store.engine.databases import Database

WHOLE = ("sqlite_database", pytest.param("postgres_database", marks=pytest.mark.postgres))
PARTITIONED = pytest.param("partitioned_database", marks=pytest.mark.postgres)
DISTRIBUTED = pytest.param("distributed_database", marks=pytest.mark.postgres)


@pytest.fixture(scope="session")
def sqlite_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with closing(upgraded(f"sqlite:///{tmp_path_factory.mktemp('store')}/store.db")) as database:
        yield database


@pytest.fixture(scope="session")
def postgres_database(postgres: Postgres) -> Iterator[Database]:
    yield from _postgres_database(postgres, upgraded)


@pytest.fixture(scope="session")
def partitioned_database(postgres: Postgres) -> Iterator[Database]:
    yield from _postgres_database(postgres, partitioned)


@pytest.fixture(scope="session")
def distributed_database(postgres: Postgres) -> Iterator[Database]:
    """Partitions that pass for the shards of Citus."""
    yield from _postgres_database(postgres, distributed)


def _postgres_database(postgres: Postgres, make: Callable[[str], Database]) -> Iterator[Database]:
    with postgres.database() as url, closing(make(url)) as database:
        yield database


@pytest.fixture(scope="session")
def pruning_checks() -> dict[str, PruningCheck]:
    """The statements that were planned on each database."""
    return {}


@pytest.fixture(params=("memory", *WHOLE, DISTRIBUTED))
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """Each kind of store, for contract tests."""
    if request.param == "memory":
        yield memory_store()
    else:
        yield from _empty_store(request)


@pytest.fixture(params=(*WHOLE, PARTITIONED))
def sql(request: pytest.FixtureRequest) -> Iterator[Store]:
    """Each kind of database, for behaviour that the ports do not show."""
    yield from _empty_store(request)


def _empty_store(request: pytest.FixtureRequest) -> Iterator[Store]:
    database: Database = request.getfixturevalue(request.param)
    empty(database)
    if request.param in ("partitioned_database", "distributed_database"):
        checks: dict[str, PruningCheck] = request.getfixturevalue("pruning_checks")
        with checks.setdefault(request.param, PruningCheck(database)).checked():
            yield sql_store(database)
    else:
        yield sql_store(database)


@pytest.fixture(
    params=(
        "memory",
        *WHOLE,
        pytest.param("partitioned_database", marks=(pytest.mark.postgres, pytest.mark.proof)),
    )
)
def store_to_interrupt(request: pytest.FixtureRequest) -> Iterator[Store]:
    """Unpartitioned databases, for tests of many rounds; other tests cover partitions."""
    if request.param == "memory":
        yield memory_store()
    else:
        yield from _empty_store(request)


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
