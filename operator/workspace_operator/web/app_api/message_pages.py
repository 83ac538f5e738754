"""Pages of messages, as ``GET /v1/messages`` and the paths like it select them (sending §5.2)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from workspace_operator.application.ports import Deliveries, DeliveryQuery, DeliveryRecord
from workspace_operator.errors import InvalidInput, NotFound
from workspace_operator.identity.values.booleans import boolean_of
from workspace_operator.identity.values.text_limits import quoted
from workspace_operator.identity.values.timestamps import seconds_of
from workspace_operator.sending.deliveries import Channel, Metric
from workspace_operator.sending.keys import RootKey
from workspace_operator.web.app_api.delivery_ids import stored_id, wire_id

PAGE_PARAMETERS: Final = ("start", "limit", "type", "metric", "drafts", "start_ts", "end_ts")
LIST_PARAMETERS: Final = (*PAGE_PARAMETERS, "transactional_id")

MAX_PAGE: Final = 1_000
DEFAULT_PAGE: Final = 50
REACH: Final = timedelta(days=180)
"""How far back a list reaches."""

OTHER_TYPES: Final = frozenset({"in_app", "inbox", "twilio", "urban_airship", "whatsapp"})
OTHER_METRICS: Final = frozenset({"converted", "spammed", "topic_unsubscribed"})
"""Types and metrics of the vendor that no message here has: they match nothing."""

_MAX_DIGITS: Final = 18
"""Numbers with at most this many digits fit the integer type of every database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagePage:
    """Messages, newest first, and the start of the next page, which is empty on the last page."""

    records: Sequence[DeliveryRecord]
    next: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagePages:
    """Reads pages of one workspace."""

    deliveries: Deliveries
    key: RootKey
    workspace_id: int
    now: datetime

    def read(self, query: Mapping[str, str], *, cio_id: str | None = None, template: int | None = None) -> MessagePage:
        """Read the page that a query selects, of one person or template if these are given. Raises InvalidInput."""
        limit = _limit(query)
        metric, matches = _metric(query)
        if not _has_messages(query) or not matches:
            return MessagePage(records=(), next="")
        found = self.deliveries.list(
            self.workspace_id,
            DeliveryQuery(
                limit=limit + 1,
                before=self._before(query),
                cio_id=cio_id,
                template=_template(query) if template is None else template,
                metric=metric,
                drafts=_drafts(query),
                since=max(_time(query, "start_ts") or self.now - REACH, self.now - REACH),
                until=_time(query, "end_ts"),
            ),
        )
        page = found[:limit]
        last = page[-1].delivery.delivery_id if len(found) > limit else None
        return MessagePage(records=page, next="" if last is None else wire_id(self.workspace_id, last, self.key))

    def _before(self, query: Mapping[str, str]) -> str | None:
        text = query.get("start", "")
        if not text:
            return None
        try:
            return stored_id(self.workspace_id, text, self.key)
        except NotFound:
            message = f"start {quoted(text)} is no page: use the value of next of the page before"
            raise InvalidInput(message, field="start") from None


def _limit(query: Mapping[str, str]) -> int:
    text = query.get("limit", str(DEFAULT_PAGE))
    limit = number_of(text)
    if limit is None or not 1 <= limit <= MAX_PAGE:
        raise InvalidInput(f"limit {quoted(text)} must be a number from 1 to {MAX_PAGE}", field="limit")
    return limit


def _template(query: Mapping[str, str]) -> int | None:
    text = query.get("transactional_id")
    number = None if text is None else number_of(text)
    if text is not None and not number:
        message = f"transactional_id {quoted(text)} must be the number of a template, from 1"
        raise InvalidInput(message, field="transactional_id")
    return number


def _has_messages(query: Mapping[str, str]) -> bool:
    """Whether there are messages of the type. Raises InvalidInput if it is none."""
    text = query.get("type")
    if text is None or text in {channel.value for channel in Channel} | OTHER_TYPES:
        return text in (None, Channel.EMAIL.value)
    known = ", ".join(sorted({channel.value for channel in Channel} | OTHER_TYPES))
    raise InvalidInput(f"type {quoted(text)} is no type of message: use one of {known}", field="type")


def _metric(query: Mapping[str, str]) -> tuple[Metric | None, bool]:
    """The metric, and whether messages can have it. Raises InvalidInput if it is none."""
    text = query.get("metric")
    if text is None or text in OTHER_METRICS:
        return None, text is None
    try:
        return Metric(text), True
    except ValueError:
        known = ", ".join(Metric)
        raise InvalidInput(f"metric {quoted(text)} is unknown: use one of {known}", field="metric") from None


def _drafts(query: Mapping[str, str]) -> bool:
    text = query.get("drafts", "false")
    drafts = boolean_of(text)
    if drafts is None:
        raise InvalidInput(f"drafts {quoted(text)} must be true or false", field="drafts")
    return drafts


def _time(query: Mapping[str, str], name: str) -> datetime | None:
    seconds = seconds_of(query.get(name), field=name)
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def number_of(text: str) -> int | None:
    """A number in a path or query; None for other text."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS else None
