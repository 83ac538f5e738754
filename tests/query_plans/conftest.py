"""A database of each kind, filled by the module's function ``fill``; a fixture is what that returns, if anything."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.postgres import Postgres
from tests.store.backends import upgraded


@pytest.fixture(scope="module")
def large_sqlite(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    yield from _filled(request, f"sqlite:///{tmp_path_factory.mktemp('plans')}/plans.db")


@pytest.fixture(scope="module")
def large_postgres(request: pytest.FixtureRequest, postgres: Postgres) -> Iterator[Any]:
    with postgres.database() as url:
        yield from _filled(request, url)


@pytest.fixture(params=["large_sqlite", pytest.param("large_postgres", marks=pytest.mark.postgres)])
def large(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


def _filled(request: pytest.FixtureRequest, url: str) -> Iterator[Any]:
    with closing(upgraded(url)) as database:
        yield request.module.fill(database) or database
