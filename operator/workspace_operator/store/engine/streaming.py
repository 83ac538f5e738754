"""Rows of a query that are fetched a few thousand at a time, so that memory does not grow with their number."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa


@contextmanager
def stream_rows(
    connection: sa.Connection, query: sa.Select[Any], parameters: Mapping[str, Any] | None = None, *, size: int
) -> "Iterator[sa.Result[*tuple[Any, ...]]]":  # SQLAlchemy 2.0 knows no such subscript
    """Run a query, whose rows and ``partitions()`` come ``size`` at a time, until the block ends.

    The cursor ends with it, also where a reader wants no more: a generator that is closed, an error. The option is the
    statement's: those that run between two parts are short, and are no streams.
    """
    with connection.execute(query, parameters, execution_options={"yield_per": size}) as found:
        yield found
