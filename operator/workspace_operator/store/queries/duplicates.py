"""People who share an address while email is not an identifier, by e-mail key.

The index gives the addresses, and their people are read for a batch of addresses at a time: SQLite would keep one sort
of all people in memory.
"""

from collections.abc import Collection, Iterator
from typing import Any

import sqlalchemy as sa

from workspace_operator.store.engine.row_batches import stream_rows
from workspace_operator.store.engine.sql import any_of
from workspace_operator.store.schema.tables import person

KEY_BATCH_SIZE = 500
PEOPLE_BATCH_SIZE = 2000

_WORKSPACE = sa.bindparam("workspace_id", type_=sa.BigInteger)

SHARED_KEYS = (
    sa.select(person.c.email_key)
    .where(person.c.workspace_id == _WORKSPACE, person.c.email_key.is_not(None))
    .group_by(person.c.email_key)
    .having(sa.func.count() > 1)
    .order_by(person.c.email_key)
)


def duplicates_with_keys(workspace_id: int, keys: Collection[str], *, newest_first: bool) -> sa.Select[Any]:
    """E-mail key and cio_id of the people with one of these addresses, by key and age."""
    age = [person.c.created_at, person.c.inserted_at, person.c.cio_id]
    order = [column.desc() for column in age] if newest_first else age
    having_keys = sa.and_(person.c.workspace_id == workspace_id, any_of(person.c.email_key, keys))
    return sa.select(person.c.email_key, person.c.cio_id).where(having_keys).order_by(person.c.email_key, *order)


def iter_duplicates(connection: sa.Connection, workspace_id: int, *, newest_first: bool) -> Iterator[tuple[str, str]]:
    """Stream e-mail key and cio_id of all duplicates of a snapshot, by key and age."""
    with stream_rows(connection, SHARED_KEYS, {"workspace_id": workspace_id}, size=KEY_BATCH_SIZE) as shared:
        for keys in shared.scalars().partitions():
            query = duplicates_with_keys(workspace_id, keys, newest_first=newest_first)
            with stream_rows(connection, query, size=PEOPLE_BATCH_SIZE) as rows:
                yield from rows
