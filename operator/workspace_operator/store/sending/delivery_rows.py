"""Mapping between deliveries and their rows."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from workspace_operator.application.ports import NewDelivery
from workspace_operator.errors import NotFound
from workspace_operator.sending.deliveries import (
    Attempt,
    AttemptOutcome,
    Channel,
    Delivery,
    DeliveryState,
    GateRecord,
    Metric,
)
from workspace_operator.sending.rules import SendMode
from workspace_operator.store.engine.sql import decode_json, encode_json
from workspace_operator.store.schema.mappers import Row
from workspace_operator.store.schema.sending_tables import delivery
from workspace_operator.store.schema.types import from_microseconds, to_microseconds

METRIC_OF_STATE: Mapping[DeliveryState, Metric] = {
    DeliveryState.DRAFTED: Metric.DRAFTED,
    DeliveryState.SENT: Metric.SENT,
    DeliveryState.DELIVERED: Metric.DELIVERED,
    DeliveryState.BOUNCED: Metric.BOUNCED,
    DeliveryState.DROPPED: Metric.DROPPED,
    DeliveryState.UNDELIVERABLE: Metric.UNDELIVERABLE,
    DeliveryState.FAILED: Metric.FAILED,
}
"""The metric whose time is the entry into a state."""

_COLUMNS = tuple(delivery.columns.keys())


def new_delivery_row(workspace_id: int, delivery_id: str, message: NewDelivery, **values: object) -> tuple[object, ...]:
    """A new delivery in the order of the table's columns, in the driver's types; ``values`` are those of its fate."""
    row: dict[str, object] = {
        "workspace_id": workspace_id,
        "delivery_id": delivery_id,
        "template": message.template,
        "content_version": message.content_version,
        "language": message.language,
        "channel": Channel.EMAIL.value,
        "recipient": message.to,
        "cc": message.cc,
        "bcc": "" if message.fake_bcc else message.bcc,
        "subject": message.subject,
        "tracked": message.tracked,
        "open_tracking": message.open_tracking,
        "link_tracking": message.link_tracking,
        "send_to_unsubscribed": message.send_to_unsubscribed,
        "keep_content": message.keep_content,
        "tries": 0,
        "unknowns": 0,
        "opens": 0,
        "clicks": 0,
        "machine_opens": 0,
    }
    row |= values
    return tuple(map(row.get, _COLUMNS))


def metrics_text(*metrics: Metric | None, at: datetime) -> str:
    """Metrics with the same time as the text of a JSON column; those that are None are left out."""
    time = to_microseconds(at)
    return encode_json({metric.value: time for metric in metrics if metric is not None})


def gate_document(gate: GateRecord) -> dict[str, object]:
    """What the gate decided as JSON."""
    return {
        "mode": gate.mode,
        "accepted_mode": gate.accepted_mode,
        "send_version": gate.send_version,
        "rule": gate.rule,
        "diverted_to": gate.diverted_to,
    }


def _gate_of(document: Mapping[str, Any] | None) -> GateRecord | None:
    if document is None:
        return None
    modes = {name: _mode_of(document[name]) for name in ("mode", "accepted_mode")}
    return GateRecord(
        **modes,
        send_version=document["send_version"],
        rule=document["rule"],
        diverted_to=document["diverted_to"],
    )


def _mode_of(text: str | None) -> SendMode | None:
    return None if text is None else SendMode.known(text)


def no_delivery(workspace_id: int, delivery_id: str) -> NotFound:
    """The error for a delivery that does not exist."""
    return NotFound(f"there is no delivery {delivery_id} in workspace number {workspace_id}")


def delivery_of(row: Row) -> Delivery:
    """Read a delivery from its row."""
    return Delivery(
        delivery_id=row.delivery_id,
        cio_id=row.cio_id,
        template=row.template,
        channel=Channel(row.channel),
        state=DeliveryState(row.state),
        accepted_mode=SendMode.known(row.accepted_mode),
        accepted_at=row.accepted_at,
        due_at=row.due_at,
        tries=row.tries,
        recipient=row.recipient,
        subject=row.subject,
        gate=_gate_of(decode_json(row.gate)),
        failure=row.failure,
        metrics={Metric(name): from_microseconds(time) for name, time in decode_json(row.metrics).items()},
        opens=row.opens,
        clicks=row.clicks,
        machine_opens=row.machine_opens,
    )


def attempt_of(row: Row) -> Attempt:
    """Read an attempt from its row."""
    return Attempt(
        number=row.number,
        begun_at=row.begun_at,
        deadline=row.deadline,
        send_version=row.send_version,
        mode=SendMode(row.mode),
        transport=row.transport,
        worker=row.worker,
        recipients=row.recipients,
        ended_at=row.ended_at,
        outcome=None if row.outcome is None else AttemptOutcome(row.outcome),
        code=row.code,
        reply=row.reply,
    )
