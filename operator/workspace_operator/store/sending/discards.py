"""Discards of all waiting messages, before another installation adopts a database."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from workspace_operator.application.ports.sending.notices import NoticeState
from workspace_operator.errors import NotFound
from workspace_operator.sending.deliveries import DeliveryState
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.schema.sending_tables import HAS_DUE_TIME, delivery, mailroom, notice
from workspace_operator.store.sending.delivery_updates import SETTLE
from workspace_operator.store.sending.settlements import MAY_HAVE_BEEN_TAKEN, forget_finals, settled_row
from workspace_operator.store.unit_of_work.workspace_lock import lock_and_read_settings

BATCH: Final = 1000
DISCARDED: Final = "discarded, since another installation adopted the database"

_GIVE_UP_NOTICES: Final = (
    sa.update(notice)
    .where(notice.c.due_at.is_not(None))
    .values(due_at=None, state=NoticeState.FAILED.value, failure=DISCARDED)
)


def discard_waiting_messages(database: Database, *, now: datetime) -> int:
    """Cancel all waiting messages, and give up those that are being handed over; how many were cancelled.

    Notices that wait are given up as well.
    """
    database.writing(lambda connection: connection.execute(_GIVE_UP_NOTICES))
    with database.reading() as connection:
        rooms = connection.execute(sa.select(mailroom.c.workspace_id)).scalars().all()
    return sum(_discard_all(database, room, now) for room in rooms)


def _discard_all(database: Database, workspace_id: int, now: datetime) -> int:
    cancelled = 0
    while states := database.writing(lambda connection: _discard(connection, workspace_id, now)):
        cancelled += sum(state == DeliveryState.WAITING for state in states)
    return cancelled


def _discard(connection: sa.Connection, workspace_id: int, now: datetime) -> Sequence[str]:
    """Discard a batch; the states that its deliveries had."""
    try:
        lock_and_read_settings(connection, workspace_id)
    except NotFound:
        return ()
    first = sa.select(delivery.c.delivery_id, delivery.c.state).where(
        delivery.c.workspace_id == workspace_id, HAS_DUE_TIME
    )
    locked = first.order_by(delivery.c.due_at, delivery.c.delivery_id).limit(BATCH).with_for_update()
    found = connection.execute(locked).all()
    SETTLE.run(connection, workspace_id, [_settled(row.delivery_id, row.state, now) for row in found])
    forget_finals(connection, workspace_id, [row.delivery_id for row in found])
    return [row.state for row in found]


def _settled(delivery_id: str, state: str, now: datetime) -> dict[str, object]:
    if state == DeliveryState.HANDING_OVER:
        return settled_row(delivery_id, DeliveryState.FAILED, now, failure=MAY_HAVE_BEEN_TAKEN)
    return settled_row(delivery_id, DeliveryState.CANCELLED, now, failure=DISCARDED)
