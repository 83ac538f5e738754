"""Opening of a database for a plan, which reads it only."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from workspace_operator.application.manifests.planner import EmptyPreviews
from workspace_operator.application.ports import Previews
from workspace_operator.bootstrap.stores import BUSY_CACHE_MEGABYTES
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.repositories.previews import SQLPreviews
from workspace_operator.store.schema.upgrades import has_current_schema


@contextmanager
def open_readonly(url: str) -> Iterator[Previews]:
    """Open a database for previews: read-only, and empty if the database does not exist yet.

    Raises InvalidInput, also for the schema of another version, or StoreUnavailable.
    """
    with closing(Database(url, cache_megabytes=BUSY_CACHE_MEGABYTES, read_only=True)) as database:
        is_missing = database.is_sqlite and not Path(str(database.url.database)).exists()
        yield EmptyPreviews() if is_missing or not has_current_schema(database) else SQLPreviews(database)
