"""One delivery: its attempts, and its content as far as it is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from workspace_operator.application.ports import DeliveryRecord
from workspace_operator.console.texts import counted, text
from workspace_operator.console.views.formats import ShownTime, number, time, visible, visible_lines
from workspace_operator.console.views.people_links import person_href
from workspace_operator.console.views.reports.deliveries import (
    person_text,
    reason_text,
    state_text,
    template_text,
)
from workspace_operator.sending.deliveries import ArchivedContent, Attempt, Metric

MAX_TEXT: Final = 50_000
"""Characters of the text form that a page shows."""

HEADERS: Final = ("from", "reply_to", "cc", "bcc", "preheader_text")
"""Fields of the content that are shown beside the bodies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptLine:
    """An attempt; ``ended`` is None while it is being handed over."""

    number: int
    begun: ShownTime
    ended: ShownTime | None
    mode: str
    transport: str
    recipients: str
    outcome: str
    reply: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFact:
    """A line of facts about a delivery."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryTime:
    """When something happened first."""

    name: str
    at: ShownTime


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryView:
    """A delivery.

    Attributes:
        person: empty, as ``person_href``, for a recipient who is no person.
        body_href: the HTML form, for a frame; empty if it is not kept or there is none. ``body_text`` likewise.
        is_forgotten: whether its content is not kept.
    """

    root: str
    subject: str
    person: str
    person_href: str
    facts: Sequence[DeliveryFact]
    times: Sequence[DeliveryTime]
    attempts: Sequence[AttemptLine]
    body_href: str
    body_text: str
    is_forgotten: bool


def delivery_view(
    workspace_id: int,
    record: DeliveryRecord,
    attempts: Sequence[Attempt],
    content: ArchivedContent,
    templates: Mapping[int, str],
) -> DeliveryView:
    """The page of a delivery; ``templates`` are names by number."""
    delivery, root = record.delivery, f"/w/{workspace_id}/deliveries"
    fields = content.fields
    return DeliveryView(
        root=root,
        subject=visible(delivery.subject) or text("deliveries.no_subject"),
        person=person_text(record),
        person_href=person_href(workspace_id, delivery.cio_id) if delivery.cio_id else "",
        facts=_facts(record, fields, templates),
        times=_times(record),
        attempts=[_attempt(attempt) for attempt in attempts],
        body_href=f"{root}/body?id={delivery.delivery_id}" if body_of(content) else "",
        body_text=visible_lines(str(fields.get("body_plain") or ""), limit=MAX_TEXT),
        is_forgotten=content.forgotten,
    )


def body_of(content: ArchivedContent) -> str:
    """The HTML form of a message; empty if it is not kept or there is none."""
    return str(content.fields.get("body") or "")


def _facts(record: DeliveryRecord, fields: Mapping[str, Any], templates: Mapping[int, str]) -> Sequence[DeliveryFact]:
    delivery = record.delivery
    named = [
        ("state", state_text(delivery.state)),
        ("reason", reason_text(delivery)),
        ("recipient", visible(delivery.recipient)),
        ("template", template_text(delivery.template, templates)),
        ("opens", number(delivery.opens) if delivery.opens else ""),
        ("machine_opens", number(delivery.machine_opens) if delivery.machine_opens else ""),
        ("clicks", number(delivery.clicks) if delivery.clicks else ""),
        *((name, visible(str(fields.get(name) or ""))) for name in HEADERS),
    ]
    return [DeliveryFact(name=text(f"message.{name}"), value=value) for name, value in named if value]


def _times(record: DeliveryRecord) -> Sequence[DeliveryTime]:
    metrics = record.delivery.metrics
    return [
        DeliveryTime(name=text(f"metric.{metric}"), at=time(metrics[metric])) for metric in Metric if metric in metrics
    ]


def _attempt(attempt: Attempt) -> AttemptLine:
    outcome = "in_flight" if attempt.outcome is None else attempt.outcome.replace(" ", "_")
    said = " ".join(filter(None, (str(attempt.code or ""), attempt.reply or "")))
    return AttemptLine(
        number=attempt.number,
        begun=time(attempt.begun_at),
        ended=None if attempt.ended_at is None else time(attempt.ended_at),
        mode=text(f"attempt.mode.{attempt.mode}"),
        transport=visible(attempt.transport),
        recipients=counted("attempt.recipients", attempt.recipients),
        outcome=text(f"attempt.outcome.{outcome}"),
        reply=visible(said, limit=330),
    )
