"""A workspace in a database, blocked by people, and a client of its App API."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.api.cleanups.cleanup_client import CleanupClient
from tests.postgres import Postgres
from tests.store.backends import Store, empty, sql_store, upgraded
from workspace_operator.store.engine.databases import Database


@pytest.fixture(scope="session")
def cleanup_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with closing(upgraded(f"sqlite:///{tmp_path_factory.mktemp('cleanups')}/store.db")) as database:
        yield database


@pytest.fixture(scope="session")
def cleanup_postgres(postgres: Postgres) -> Iterator[Database]:
    with postgres.database() as url, closing(upgraded(url)) as database:
        yield database


@pytest.fixture(params=["cleanup_sqlite", pytest.param("cleanup_postgres", marks=pytest.mark.postgres)])
def sql(request: pytest.FixtureRequest) -> Store:
    """An empty store of each kind of database."""
    database: Database = request.getfixturevalue(request.param)
    empty(database)
    return sql_store(database)


@pytest.fixture
def shop(sql: Store) -> CleanupClient:
    """The client of a workspace whose change five people block; its key may clean up."""
    return CleanupClient.blocked(sql)


@pytest.fixture
def draft(shop: CleanupClient) -> CleanupClient:
    """The same with a draft."""
    assert shop.post("/v1/cleanups", {"migration": 1}).status_code == 201
    return shop
