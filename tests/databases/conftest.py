"""Databases as they stand in the field: behind a pooler, or with limits of their owner's."""

import os
from collections.abc import Iterator

import pytest

from tests.cli.conftest import Run, run
from tests.conftest import NO_SKIPS
from tests.databases.pgbouncer import NoPgBouncer, PgBouncer, pgbouncer, program
from tests.postgres import Postgres

__all__ = ["Run", "run"]


@pytest.fixture(scope="session")
def bouncer(postgres: Postgres) -> Iterator[PgBouncer]:
    """A PgBouncer in transaction mode in front of this run's server."""
    try:
        program()
    except NoPgBouncer as missing:
        if os.environ.get(NO_SKIPS):
            raise
        pytest.skip(str(missing))
    with pgbouncer(postgres.admin_url) as running:
        yield running


@pytest.fixture
def pooled_url(bouncer: PgBouncer, postgres_url: str) -> str:
    """An empty database of this test's own, behind the pooler."""
    return bouncer.url(postgres_url)
