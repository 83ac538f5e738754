"""A workspace in a database, and a client of its App API that may import."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.api.imports.import_client import ImportClient
from tests.store.backends import Store, empty, sql_store, upgraded
from workspace_operator.store.engine.databases import Database


@pytest.fixture(scope="session")
def import_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with closing(upgraded(f"sqlite:///{tmp_path_factory.mktemp('imports')}/store.db")) as database:
        yield database


@pytest.fixture
def import_store(import_database: Database) -> Store:
    empty(import_database)
    return sql_store(import_database)


@pytest.fixture
def shop(import_store: Store) -> ImportClient:
    client = ImportClient.of(import_store)
    client.env.add("m-1", "ada@old.example")
    client.env.store.clock.advance(60)
    return client
