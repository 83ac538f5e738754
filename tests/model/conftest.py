"""Each store there is, and assertions of the machine told in full, as if it stood in a test."""

from collections.abc import Iterator

import pytest

from tests.postgres import Postgres
from tests.store.backends import Store, memory_store, partitioned, sql_store, upgraded

pytest.register_assert_rewrite("tests.model.harness.comparison")


@pytest.fixture(
    params=(
        "memory",
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.postgres),
        pytest.param("partitioned", marks=pytest.mark.postgres),
    )
)
def any_store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    if request.param == "memory":
        yield memory_store()
        return
    if request.param == "sqlite":
        database = upgraded(f"sqlite:///{tmp_path_factory.mktemp('model')}/store.db")
        yield sql_store(database)
        database.close()
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    with postgres.database() as url:
        database = partitioned(url) if request.param == "partitioned" else upgraded(url)
        yield sql_store(database)
        database.close()
