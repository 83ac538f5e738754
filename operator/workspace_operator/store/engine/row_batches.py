"""Many rows in constant memory: batches of a table in key order, and streams of query results."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa


def first_batch(
    connection: sa.Connection, condition: sa.ColumnElement[bool], key: Sequence[sa.Column[Any]], *, size: int
) -> sa.ColumnElement[bool]:
    """Narrow a condition to the first ``size`` rows in the order of a unique key, by a key range.

    ``IN (SELECT … LIMIT n)`` looks better, but PostgreSQL may evaluate it anew for every row. It does so where it
    expects few rows, and its statistics do not cover rows that a migration wrote a minute ago.
    """
    nth = sa.select(*key).where(condition).order_by(*key).offset(size - 1).limit(1)
    last = connection.execute(nth).one_or_none()
    if last is None:  # fewer rows than ``size``
        return condition
    if len(key) == 1:
        return sa.and_(condition, key[0] <= last[0])
    return sa.and_(condition, sa.tuple_(*key) <= sa.tuple_(*last))


@contextmanager
def stream_rows(
    connection: sa.Connection, query: sa.Select[Any], parameters: Mapping[str, Any] | None = None, *, size: int
) -> "Iterator[sa.Result[*tuple[Any, ...]]]":  # SQLAlchemy 2.0 knows no such subscript
    """Run a query with a server-side cursor, whose rows and ``partitions()`` are fetched ``size`` at a time.

    The end of the block closes the cursor, also after an error or when a generator is closed early. The option applies
    to this statement only: statements that run between two batches are short and are not streamed.
    """
    with connection.execute(query, parameters, execution_options={"yield_per": size}) as result:
        yield result
