"""Retention of deliveries: expired content and deliveries are deleted in batches, by the time in their ids."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from workspace_operator.sending.deliveries import FINAL_STATES
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.engine.sql import delete_any_of
from workspace_operator.store.schema.sending_tables import attachment, attempt, delivery, delivery_content
from workspace_operator.store.schema.tables import workspace
from workspace_operator.store.schema.types import UTCTime, to_microseconds
from workspace_operator.store.unit_of_work.delivery_owners import delete_ended_attempts
from workspace_operator.store.unit_of_work.id_generator import first_id_at

_IS_EXPIRED = sa.and_(
    delivery.c.workspace_id == sa.bindparam("of_workspace"), delivery.c.delivery_id < sa.bindparam("before")
)
_EXPIRED = (
    sa.select(delivery.c.delivery_id).where(_IS_EXPIRED).order_by(delivery.c.delivery_id).limit(sa.bindparam("size"))
)

# Content of a delivery that is still to be sent is kept; a delivery can be sent 90 days after it was accepted.
# A scalar subquery: PostgreSQL may turn a join with a limit into a scan of all deliveries for each content.
_IS_OVER = (
    sa.select(
        sa.and_(
            delivery.c.state.in_([sa.literal_column(f"'{state}'") for state in sorted(FINAL_STATES)]),
            delivery.c.send_at < sa.bindparam("sent_before", type_=sa.BigInteger),
        )
    )
    .where(
        delivery.c.workspace_id == sa.bindparam("of_workspace"),
        delivery.c.delivery_id == delivery_content.c.delivery_id,
    )
    .correlate(delivery_content)
    .scalar_subquery()
)
_EXPIRED_CONTENT = (
    sa.select(delivery_content.c.delivery_id)
    .where(
        delivery_content.c.workspace_id == sa.bindparam("of_workspace"),
        delivery_content.c.delivery_id < sa.bindparam("before"),
        _IS_OVER,
    )
    .order_by(delivery_content.c.delivery_id)
    .limit(sa.bindparam("size"))
)


_DELIVERY_OF_ATTEMPT = (
    sa.select(sa.literal_column("1"))
    .where(delivery.c.workspace_id == sa.bindparam("of_workspace"), delivery.c.delivery_id == attempt.c.delivery_id)
    .correlate(attempt)
    .scalar_subquery()
)
# Left by a sender that died while it handed over a message that was deleted meanwhile, alone or with its person.
_OWNERLESS = (
    sa.select(attempt.c.delivery_id)
    .where(
        attempt.c.workspace_id == sa.bindparam("of_workspace"),
        attempt.c.ended_at.is_(None),
        attempt.c.deadline < sa.bindparam("now", type_=UTCTime),
        _DELIVERY_OF_ATTEMPT.is_(None),
    )
    .limit(sa.bindparam("size"))
)


def purge(
    database: Database, *, content_before: datetime, deliveries_before: datetime, now: datetime, limit: int
) -> bool:
    """Delete up to ``limit`` contents and as many deliveries of all workspaces; whether more may be left.

    Attempts without a delivery are deleted when their deadline has passed.
    """
    with database.reading() as connection:
        numbers = connection.execute(sa.select(workspace.c.workspace_id)).scalars().all()
        contents = _expired(connection, numbers, _EXPIRED_CONTENT, content_before, limit)
        deliveries = _expired(connection, numbers, _EXPIRED, deliveries_before, limit)
        ownerless = _expired(connection, numbers, _OWNERLESS, now, limit)
    for number, ids in ownerless:
        database.writing(lambda connection, number=number, ids=ids: _delete_attempts(connection, number, ids))  # type: ignore[misc]
    for number, ids in contents:
        database.writing(lambda connection, number=number, ids=ids: _delete_contents(connection, number, ids))  # type: ignore[misc]
    for number, ids in deliveries:
        database.writing(lambda connection, number=number, ids=ids: _delete_deliveries(connection, number, ids))  # type: ignore[misc]
    return any(sum(len(ids) for _, ids in found) == limit for found in (contents, deliveries))


def _expired(
    connection: sa.Connection, numbers: Sequence[int], query: sa.Select[tuple[str]], before: datetime, limit: int
) -> Sequence[tuple[int, Sequence[str]]]:
    """The ids of up to ``limit`` expired rows by workspace; workspaces without any are left out."""
    found: list[tuple[int, Sequence[str]]] = []
    left = limit
    parameters = {"before": first_id_at(before), "sent_before": to_microseconds(before), "now": before}
    for number in numbers:
        if left > 0:
            values = {"of_workspace": number, "size": left, **parameters}
            ids = [row.delivery_id for row in connection.execute(query, values)]
            found += [(number, ids)] if ids else []
            left -= len(ids)
    return found


def _delete_attempts(connection: sa.Connection, workspace_id: int, ids: Sequence[str]) -> None:
    delete_any_of(connection, workspace_id, attempt.c.delivery_id, ids)


def _delete_contents(connection: sa.Connection, workspace_id: int, ids: Sequence[str]) -> None:
    delete_any_of(connection, workspace_id, delivery_content.c.delivery_id, ids)


def _delete_deliveries(connection: sa.Connection, workspace_id: int, ids: Sequence[str]) -> None:
    locked = sa.select(delivery.c.delivery_id).where(
        delivery.c.workspace_id == workspace_id, delivery.c.delivery_id.in_(ids)
    )
    connection.execute(locked.order_by(delivery.c.delivery_id).with_for_update()).all()
    delete_ended_attempts(connection, workspace_id, ids)  # the barrier counts the others until their deadline
    for table in (attachment, delivery_content, delivery):
        delete_any_of(connection, workspace_id, table.c.delivery_id, ids)
