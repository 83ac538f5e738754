"""Actions on single deliveries: cancel one, send a draft, and record what its recipient does."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from workspace_operator.errors import Conflict, NotFound
from workspace_operator.identity.model.person_events import ActivityLogged, ActivityType
from workspace_operator.sending.deliveries import Delivery, DeliveryState, Metric
from workspace_operator.store.schema.mappers import Row
from workspace_operator.store.schema.sending_tables import delivery
from workspace_operator.store.schema.types import to_microseconds
from workspace_operator.store.sending.delivery_rows import delivery_of, no_delivery
from workspace_operator.store.sending.delivery_updates import SETTLE
from workspace_operator.store.sending.mailrooms import lock_room_shared, wake_room
from workspace_operator.store.sending.settlements import forget_finals, settled_row
from workspace_operator.store.unit_of_work.event_writer import write_events
from workspace_operator.store.unit_of_work.id_generator import CioIDGenerator
from workspace_operator.store.unit_of_work.workspace_lock import lock_and_read_settings

CANCELLABLE = frozenset({DeliveryState.WAITING, DeliveryState.DRAFTED})


def cancel(connection: sa.Connection, workspace_id: int, delivery_id: str, *, now: datetime) -> Delivery:
    """Cancel a delivery that is waiting or drafted. Raises NotFound or Conflict."""
    row = _locked(connection, workspace_id, delivery_id)
    if row.state not in CANCELLABLE:
        raise Conflict(f"delivery {delivery_id} is {row.state}: only one that is waiting or drafted can be cancelled")
    settled = settled_row(delivery_id, DeliveryState.CANCELLED, now, failure="it was cancelled")
    SETTLE.run(connection, workspace_id, [settled])
    forget_finals(connection, workspace_id, [delivery_id])
    return delivery_of(_locked(connection, workspace_id, delivery_id))


def send_draft(connection: sa.Connection, workspace_id: int, delivery_id: str, *, now: datetime) -> Delivery:
    """Accept a draft now, under the mode in force now. Raises NotFound or Conflict."""
    settings = lock_and_read_settings(connection, workspace_id)
    row = _locked(connection, workspace_id, delivery_id)
    if row.state != DeliveryState.DRAFTED:
        raise Conflict(f"delivery {delivery_id} is {row.state}: it is no draft")
    send_at = max(row.send_at, now)
    values = {"state": DeliveryState.WAITING.value, "accepted_mode": settings.row.send_mode}
    update = sa.update(delivery).filter_by(workspace_id=workspace_id, delivery_id=delivery_id)
    connection.execute(update.values(**values, send_at=send_at, due_at=send_at))
    lock_room_shared(connection, workspace_id)
    wake_room(connection, workspace_id, send_at)
    return delivery_of(_locked(connection, workspace_id, delivery_id))


def record_open(
    connection: sa.Connection,
    workspace_id: int,
    delivery_id: str,
    *,
    by_machine: bool,
    is_test: bool,
    now: datetime,
    new_id: CioIDGenerator,
) -> None:
    """Count an open while open tracking is on, and log it as the activity of a person. Raises NotFound."""
    if not lock_and_read_settings(connection, workspace_id).row.open_tracking:
        return
    if by_machine:
        _count(connection, workspace_id, delivery_id, delivery.c.machine_opens)
        return
    owner = _count(connection, workspace_id, delivery_id, delivery.c.opens, metric=Metric.OPENED, now=now)
    if owner is not None and not is_test:
        _log(connection, workspace_id, owner, ActivityType.OPENED_EMAIL, {"delivery_id": delivery_id}, now, new_id)


def record_click(
    connection: sa.Connection,
    workspace_id: int,
    delivery_id: str,
    *,
    url: str,
    is_test: bool,
    now: datetime,
    new_id: CioIDGenerator,
) -> None:
    """Count a click, and log it as the activity of a person. Raises NotFound."""
    lock_and_read_settings(connection, workspace_id)
    owner = _count(connection, workspace_id, delivery_id, delivery.c.clicks, metric=Metric.CLICKED, now=now)
    if owner is not None and not is_test:
        data = {"delivery_id": delivery_id, "href": url}
        _log(connection, workspace_id, owner, ActivityType.CLICKED_EMAIL, data, now, new_id)


def unsubscribe(connection: sa.Connection, workspace_id: int, delivery_id: str, *, now: datetime) -> str | None:
    """Record that the person of a delivery unsubscribes; their cio_id, None if there is none."""
    return _count(connection, workspace_id, delivery_id, None, metric=Metric.UNSUBSCRIBED, now=now)


def _locked(connection: sa.Connection, workspace_id: int, delivery_id: str) -> Row:
    query = sa.select(delivery).where(delivery.c.workspace_id == workspace_id, delivery.c.delivery_id == delivery_id)
    row = connection.execute(query.with_for_update()).one_or_none()
    if row is None:
        raise no_delivery(workspace_id, delivery_id)
    return row


def _count(
    connection: sa.Connection,
    workspace_id: int,
    delivery_id: str,
    counter: sa.Column[Any] | None,
    *,
    metric: Metric | None = None,
    now: datetime | None = None,
) -> str | None:
    """Add one to a counter, and set the time of a metric that has none; the cio_id of the delivery's person.

    The lock on the delivery makes a deletion or a merge of the person wait, which then takes the activity along.
    """
    try:
        row = _locked(connection, workspace_id, delivery_id)
    except NotFound:
        return None
    values: dict[str, Any] = {} if counter is None else {counter.name: counter + 1}
    if metric is not None and now is not None and metric not in row.metrics:
        values["metrics"] = {**row.metrics, metric.value: to_microseconds(now)}
    if values:
        update = sa.update(delivery).filter_by(workspace_id=workspace_id, delivery_id=delivery_id)
        connection.execute(update.values(values))
    owner: str | None = row.cio_id
    return owner


def _log(
    connection: sa.Connection,
    workspace_id: int,
    owner: str,
    type_: ActivityType,
    data: Mapping[str, object],
    now: datetime,
    new_id: CioIDGenerator,
) -> None:
    logged = ActivityLogged(type=type_, cio_id=owner, at=int(now.timestamp()), data=data)
    write_events(connection, workspace_id, [logged], new_id=new_id)
