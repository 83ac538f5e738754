"""Opening of a database to distribute it over the machines of a Citus cluster."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from workspace_operator.application.ports import DatabaseDistribution
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.maintenance.distribution import SQLDistribution


@contextmanager
def open_distribution(url: str) -> Iterator[DatabaseDistribution]:
    """Open a database to distribute it. Raises InvalidInput."""
    with closing(Database(url)) as database:
        yield SQLDistribution(database)
