"""Queries of deliveries with the identifiers that their people have now."""

import json
import zlib
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from workspace_operator.application.ports import DeliveryQuery, DeliveryRecord, WaitingCounts
from workspace_operator.sending.deliveries import ArchivedContent, Attempt, DeliveryState
from workspace_operator.sending.rules import SendMode
from workspace_operator.store.queries.sending_state import count_in_flight
from workspace_operator.store.schema.mappers import Row
from workspace_operator.store.schema.sending_tables import HAS_DUE_TIME, attempt, delivery, delivery_content
from workspace_operator.store.schema.tables import person
from workspace_operator.store.sending.delivery_rows import attempt_of, delivery_of, no_delivery
from workspace_operator.store.unit_of_work.id_generator import first_id_at
from workspace_operator.store.unit_of_work.workspace_lock import SettingsSnapshot

CLOCK_DIFFERENCE: Final = timedelta(minutes=1)
"""How much the time in an id may differ from that of the acceptance."""


def list_deliveries(
    connection: sa.Connection, settings: SettingsSnapshot, query: DeliveryQuery
) -> Sequence[DeliveryRecord]:
    """The newest deliveries that a query matches."""
    workspace_id = settings.row.workspace_id
    matching = sa.select(delivery).where(delivery.c.workspace_id == workspace_id, *_conditions(query))
    newest = matching.order_by(delivery.c.delivery_id.desc()).limit(query.limit)
    return [_record(row) for row in connection.execute(_with_people(workspace_id, newest))]


def one_delivery(connection: sa.Connection, settings: SettingsSnapshot, delivery_id: str) -> DeliveryRecord:
    """A delivery by its id. Raises NotFound."""
    workspace_id = settings.row.workspace_id
    query = sa.select(delivery).where(delivery.c.workspace_id == workspace_id, delivery.c.delivery_id == delivery_id)
    row = connection.execute(_with_people(workspace_id, query)).one_or_none()
    if row is None:
        raise no_delivery(workspace_id, delivery_id)
    return _record(row)


def require_delivery(connection: sa.Connection, workspace_id: int, delivery_id: str) -> None:
    """Raise NotFound if there is no such delivery."""
    query = sa.select(delivery.c.delivery_id).filter_by(workspace_id=workspace_id, delivery_id=delivery_id)
    if connection.execute(query).first() is None:
        raise no_delivery(workspace_id, delivery_id)


def _conditions(query: DeliveryQuery) -> Iterator[sa.ColumnElement[bool]]:
    for column, value in ((delivery.c.cio_id, query.cio_id), (delivery.c.template, query.template)):
        if value is not None:
            yield column == value
    if query.states:
        yield delivery.c.state.in_(sorted(query.states))
    if query.metric is not None:
        yield delivery.c.metrics[query.metric.value].as_string().is_not(None)
    if query.drafts is not None:
        is_draft = delivery.c.state == DeliveryState.DRAFTED.value
        yield is_draft if query.drafts else sa.not_(is_draft)
    yield from _in_period(query)


def _in_period(query: DeliveryQuery) -> Iterator[sa.ColumnElement[bool]]:
    """Ids sort by time, so that the first time limits the range of the key; clocks may differ by a minute."""
    if query.before is not None:
        yield delivery.c.delivery_id < query.before
    if query.since is not None:
        yield delivery.c.accepted_at >= query.since
        yield delivery.c.delivery_id >= first_id_at(query.since - CLOCK_DIFFERENCE)
    if query.until is not None:
        yield delivery.c.accepted_at < query.until
        yield delivery.c.delivery_id < first_id_at(query.until + CLOCK_DIFFERENCE)


def _with_people(workspace_id: int, deliveries: sa.Select[Any]) -> sa.Select[Any]:
    """Deliveries with the identifiers of their people, newest first: a look-up per delivery."""
    found = deliveries.subquery("found")
    is_owner = sa.and_(person.c.workspace_id == workspace_id, person.c.cio_id == found.c.cio_id)
    of_person = [
        sa.select(column).where(is_owner).scalar_subquery().label(f"person_{column.name}")
        for column in (person.c.id, person.c.email)
    ]
    return sa.select(found, *of_person).order_by(found.c.delivery_id.desc())


def _record(row: Row) -> DeliveryRecord:
    return DeliveryRecord(delivery=delivery_of(row), id=row.person_id, email=row.person_email)


def attempts_of_delivery(connection: sa.Connection, workspace_id: int, delivery_id: str) -> Sequence[Attempt]:
    """The attempts of a delivery, in order."""
    query = sa.select(attempt).where(attempt.c.workspace_id == workspace_id, attempt.c.delivery_id == delivery_id)
    return [attempt_of(row) for row in connection.execute(query.order_by(attempt.c.number))]


def archived_content(connection: sa.Connection, workspace_id: int, delivery_id: str) -> ArchivedContent:
    """The content of a delivery as it was handed over."""
    query = sa.select(delivery_content.c.rendered).where(
        delivery_content.c.workspace_id == workspace_id, delivery_content.c.delivery_id == delivery_id
    )
    rendered = connection.execute(query).scalar_one_or_none()
    if rendered is None:
        return ArchivedContent(forgotten=True)
    return ArchivedContent(forgotten=False, fields=json.loads(zlib.decompress(rendered)))


def waiting_counts(connection: sa.Connection, workspace_id: int, *, now: datetime) -> WaitingCounts:
    """Count what waits, from the index of due deliveries, and what is being handed over."""
    by_mode: dict[SendMode, int] = {}
    waiting, next_due_at = 0, None
    for mode, count, first in connection.execute(_WAITING, {"of_workspace": workspace_id}):
        waiting += count
        next_due_at = first if next_due_at is None else min(first, next_due_at)
        if (known := SendMode.known(mode)) is not None:
            by_mode[known] = count
    in_flight = count_in_flight(connection, workspace_id, now)
    return WaitingCounts(waiting=waiting, in_flight=in_flight, by_accepted_mode=by_mode, next_due_at=next_due_at)


_WAITING = (
    sa.select(delivery.c.accepted_mode, sa.func.count(), sa.func.min(delivery.c.due_at))
    .where(
        delivery.c.workspace_id == sa.bindparam("of_workspace"),
        HAS_DUE_TIME,
        delivery.c.state == sa.literal_column(f"'{DeliveryState.WAITING}'"),
    )
    .group_by(delivery.c.accepted_mode)
)
