"""Output of deliveries: as a table, as JSON, and as CSV that a spreadsheet opens without running a formula."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from workspace_operator.application.people.csv_export import csv_lines
from workspace_operator.application.people.csv_files.injection import escape
from workspace_operator.application.ports import DeliveryRecord
from workspace_operator.cli.support.output import time_text
from workspace_operator.sending.deliveries import Attempt, GateRecord, Metric

DELIVERY_COLUMNS = ("ID", "ACCEPTED", "STATE", "TO", "TEMPLATE", "SUBJECT", "REASON")
ATTEMPT_COLUMNS = ("ATTEMPT", "BEGUN", "ENDED", "RULES", "MODE", "TRANSPORT", "RECIPIENTS", "OUTCOME", "CODE", "REPLY")

TemplateNames = Mapping[int, str]
"""Trigger names by number."""

_CSV_COLUMNS: Final = (
    "delivery_id",
    "state",
    "accepted_at",
    "due_at",
    "sent_at",
    "recipient",
    "subject",
    "template",
    "cio_id",
    "id",
    "email",
    "accepted_mode",
    "mode",
    "diverted_to",
    "rule",
    "tries",
    "opens",
    "clicks",
    "machine_opens",
    "failure",
)


def delivery_row(record: DeliveryRecord, templates: TemplateNames) -> tuple[object, ...]:
    """A delivery as a row of `DELIVERY_COLUMNS`."""
    delivery = record.delivery
    diverted_to = delivery.gate and delivery.gate.diverted_to
    return (
        delivery.delivery_id,
        time_text(delivery.accepted_at),
        delivery.state.value,
        f"{diverted_to} (test)" if diverted_to else delivery.recipient,
        template_name(delivery.template, templates),
        delivery.subject,
        delivery.failure,
    )


def delivery_document(record: DeliveryRecord, templates: TemplateNames) -> dict[str, Any]:
    """A delivery as a JSON document."""
    delivery = record.delivery
    return {
        "delivery_id": delivery.delivery_id,
        "state": delivery.state.value,
        "channel": delivery.channel.value,
        "accepted_at": time_text(delivery.accepted_at),
        "due_at": time_text(delivery.due_at),
        "recipient": delivery.recipient,
        "subject": delivery.subject,
        "template": template_name(delivery.template, templates),
        "person": {"cio_id": delivery.cio_id, "id": record.id, "email": record.email},
        "accepted_mode": delivery.accepted_mode,
        "gate": delivery.gate and gate_document(delivery.gate),
        "failure": delivery.failure,
        "tries": delivery.tries,
        "metrics": {metric.value: time_text(moment) for metric, moment in delivery.metrics.items()},
        "opens": delivery.opens,
        "clicks": delivery.clicks,
        "machine_opens": delivery.machine_opens,
    }


def gate_document(gate: GateRecord) -> dict[str, Any]:
    """The last decision of the gate as a JSON document."""
    return {
        "rule": gate.rule,
        "mode": gate.mode,
        "accepted_mode": gate.accepted_mode,
        "send_version": gate.send_version,
        "diverted_to": gate.diverted_to,
    }


def delivery_lines(records: Iterable[DeliveryRecord], templates: TemplateNames) -> Iterator[str]:
    """Deliveries as lines of CSV. Cells that begin like a formula are escaped."""
    return csv_lines(_CSV_COLUMNS, (_csv_row(record, templates) for record in records))


def attempt_row(attempt: Attempt) -> tuple[object, ...]:
    """An attempt as a row of `ATTEMPT_COLUMNS`."""
    return (
        attempt.number,
        time_text(attempt.begun_at),
        time_text(attempt.ended_at),
        attempt.send_version,
        attempt.mode.value,
        attempt.transport,
        attempt.recipients,
        attempt.outcome and attempt.outcome.value,
        attempt.code,
        attempt.reply,
    )


def attempt_document(attempt: Attempt) -> dict[str, Any]:
    """An attempt as a JSON document."""
    return {
        "number": attempt.number,
        "begun_at": time_text(attempt.begun_at),
        "deadline": time_text(attempt.deadline),
        "ended_at": time_text(attempt.ended_at),
        "send_version": attempt.send_version,
        "mode": attempt.mode,
        "transport": attempt.transport,
        "worker": attempt.worker,
        "recipients": attempt.recipients,
        "outcome": attempt.outcome,
        "code": attempt.code,
        "reply": attempt.reply,
    }


def template_name(number: int | None, templates: TemplateNames) -> str | None:
    """The trigger name of a template, or its number as text."""
    return None if number is None else templates.get(number, str(number))


def _csv_row(record: DeliveryRecord, templates: TemplateNames) -> list[str]:
    delivery = record.delivery
    document = delivery_document(record, templates)
    document |= document["person"] | (document["gate"] or {})
    document["sent_at"] = time_text(delivery.metrics.get(Metric.SENT))
    cells = (document.get(name) for name in _CSV_COLUMNS)
    return ["" if cell is None else escape(str(cell)) for cell in cells]
