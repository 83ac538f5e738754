"""Who shares an address while email is no identifier: found in the index, in the order of the key."""

from typing import Any

import sqlalchemy as sa

from workspace_operator.store.tables import person

_WORKSPACE = sa.bindparam("workspace_id", type_=sa.BigInteger)


def _sharing(*, newest_first: bool) -> sa.Select[Any]:
    ours, other = person.c.workspace_id == _WORKSPACE, person.alias("other")
    shared = (
        sa.select(other.c.email_key)
        .where(other.c.workspace_id == _WORKSPACE, other.c.email_key.is_not(None))
        .group_by(other.c.email_key)
        .having(sa.func.count() > 1)
    )
    age = [person.c.created_at, person.c.stored_at, person.c.cio_id]
    order = [each.desc() for each in age] if newest_first else age
    query = sa.select(person.c.email_key, person.c.cio_id).where(ours, person.c.email_key.in_(shared))
    return query.order_by(person.c.email_key, *order)


OLDEST_FIRST, NEWEST_FIRST = _sharing(newest_first=False), _sharing(newest_first=True)
"""E-mail key and cio_id of all who share one, by key and age."""
