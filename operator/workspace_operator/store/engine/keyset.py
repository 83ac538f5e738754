"""The first rows in the order of a key, so many at a time: as a range, which needs no plan.

``IN (SELECT … LIMIT n)`` looks better, but PostgreSQL may evaluate it anew for every row. It does so where it expects
few rows, and of what a change has written a minute ago it knows nothing yet.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa


def first_batch(
    connection: sa.Connection, ours: sa.ColumnElement[bool], key: Sequence[sa.Column[Any]], *, size: int
) -> sa.ColumnElement[bool]:
    """Narrow a condition down to the first ``size`` rows in the order of a key that no two of them share."""
    nth = sa.select(*key).where(ours).order_by(*key).offset(size - 1).limit(1)
    last = connection.execute(nth).one_or_none()
    if last is None:  # there are fewer
        return ours
    if len(key) == 1:
        return sa.and_(ours, key[0] <= last[0])
    return sa.and_(ours, sa.tuple_(*key) <= sa.tuple_(*last))
