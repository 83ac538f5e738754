"""Batches of rows in key order, selected by a key range.

``IN (SELECT … LIMIT n)`` looks better, but PostgreSQL may evaluate it anew for every row. It does so where it expects
few rows, and its statistics do not cover rows that a migration wrote a minute ago.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa


def first_batch(
    connection: sa.Connection, condition: sa.ColumnElement[bool], key: Sequence[sa.Column[Any]], *, size: int
) -> sa.ColumnElement[bool]:
    """Narrow a condition to the first ``size`` rows in the order of a unique key."""
    nth = sa.select(*key).where(condition).order_by(*key).offset(size - 1).limit(1)
    last = connection.execute(nth).one_or_none()
    if last is None:  # fewer rows than ``size``
        return condition
    if len(key) == 1:
        return sa.and_(condition, key[0] <= last[0])
    return sa.and_(condition, sa.tuple_(*key) <= sa.tuple_(*last))
