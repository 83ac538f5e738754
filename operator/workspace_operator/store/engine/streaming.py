"""Streams of query results with a server-side cursor, in constant memory."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa


@contextmanager
def stream_rows(
    connection: sa.Connection, query: sa.Select[Any], parameters: Mapping[str, Any] | None = None, *, size: int
) -> "Iterator[sa.Result[*tuple[Any, ...]]]":  # SQLAlchemy 2.0 knows no such subscript
    """Run a query whose rows and ``partitions()`` are fetched ``size`` at a time.

    The end of the block closes the cursor, also after an error or when a generator is closed early. The option applies
    to this statement only: statements that run between two batches are short and are not streamed.
    """
    with connection.execute(query, parameters, execution_options={"yield_per": size}) as result:
        yield result
