"""Claims: the deliveries of a workspace that are due, with all that is needed to render them."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from itertools import accumulate
from typing import Any, Final

import sqlalchemy as sa

from workspace_operator.application.ports import DEFAULT_LANGUAGE, QueuedDelivery
from workspace_operator.errors import InvalidInput, NotFound
from workspace_operator.identity.model.person import Person
from workspace_operator.sending.addresses import parse_mailboxes
from workspace_operator.sending.deliveries import Channel, DeliveryState
from workspace_operator.sending.messages import TEXT_PARTS, Attachment, Message, MessageContent, customer_variables
from workspace_operator.sending.requests.overrides import StoredRequest
from workspace_operator.sending.rules import SendMode
from workspace_operator.store.engine.sql import (
    CompiledStatement,
    any_of,
    decode_json,
    encode_json,
    workspace_any_of,
)
from workspace_operator.store.schema.sending_tables import (
    attachment,
    attempt,
    delivery,
    delivery_content,
    template_content,
)
from workspace_operator.store.schema.tables import person
from workspace_operator.store.schema.types import from_microseconds, to_microseconds
from workspace_operator.store.sending.acceptance import copy_subject
from workspace_operator.store.unit_of_work.loader import PERSON_COLUMNS, person_of

MAX_CACHED_CONTENTS: Final = 256

MAX_ATTACHMENT_BYTES: Final = 8 * 1024 * 1024
"""Of one claim, unless its first delivery alone has more: a sender holds several claims in memory."""

FORGOTTEN: Final = "its content was forgotten"

_UNREADABLE: Final = (InvalidInput, AttributeError, LookupError, TypeError, ValueError)
"""What reading a stored message raises if a row is damaged, or was written by a newer version."""

ContentKey = tuple[int, int, int]
"""A workspace, a template and a version of its content."""


@dataclass(frozen=True, slots=True)
class ContentCache:
    """The contents of template versions by language; versions never change, so none becomes stale."""

    _contents: dict[ContentKey, Mapping[str, MessageContent]] = field(default_factory=dict, init=False)

    def find(self, connection: sa.Connection, key: ContentKey, language: str) -> MessageContent | None:
        """The content in a language, or in the default language; None if there is no such version."""
        contents = self._contents.get(key)
        if contents is None:
            contents = _contents_of(connection, key)
            if len(self._contents) >= MAX_CACHED_CONTENTS:
                self._contents.clear()
            if contents:
                self._contents[key] = contents
        return contents.get(language) or contents.get(DEFAULT_LANGUAGE)


@dataclass(frozen=True, slots=True, kw_only=True)
class DueRow:
    """The columns of a due delivery that a claim needs, in the order of the query."""

    delivery_id: str
    cio_id: str | None
    template: int | None
    content_version: int | None
    language: str | None
    channel: str
    state: str
    accepted_mode: str
    send_at: int
    tries: int
    unknowns: int
    recipient: str
    cc: str
    bcc: str
    is_copy: bool
    tracked: bool
    open_tracking: bool
    link_tracking: bool
    send_to_unsubscribed: bool
    keep_content: bool
    has_gate: bool

    @property
    def is_stale(self) -> bool:
        """Whether it is being handed over, and due because its attempt has no end."""
        return self.state == DeliveryState.HANDING_OVER


def due_rows(
    connection: sa.Connection, workspace_id: int, limit: int, *, exclude: Collection[str], now: datetime
) -> Sequence[DueRow]:
    """The deliveries that are due, first due first, except some."""
    parameters = {
        "of_workspace": workspace_id,
        "now": to_microseconds(now),
        "exclude": encode_json(sorted(exclude)),
        "size": limit,
    }
    return list(map(_due_row, _DUE.run(connection, parameters)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """Instead of a message that cannot be read; ``reason`` holds no address."""

    reason: str


def messages_of(
    connection: sa.Connection, workspace_id: int, rows: Sequence[DueRow], contents: ContentCache
) -> Mapping[str, Message | Unreadable]:
    """The messages of deliveries by id."""
    values = {"of_workspace": workspace_id, "ids": encode_json([row.delivery_id for row in rows])}
    requests = dict(_REQUESTS.run(connection, values))
    files: defaultdict[str, list[Attachment]] = defaultdict(list)
    for key, name, media_type, content in _ATTACHMENTS.run(connection, values):
        files[key].append(Attachment(name=name, media_type=media_type, content=bytes(content)))
    find = partial(_template_content, connection, workspace_id, contents)

    def read(row: DueRow) -> Message | Unreadable:
        if row.delivery_id not in requests:
            return Unreadable(reason=FORGOTTEN)
        try:
            return _message(row, find(row), decode_json(requests[row.delivery_id]), files.get(row.delivery_id, ()))
        except _UNREADABLE as error:  # without its words, which can hold an address
            return Unreadable(reason=f"its stored message cannot be read: {type(error).__name__}")

    return {row.delivery_id: read(row) for row in rows}


def message_of_delivery(
    connection: sa.Connection, workspace_id: int, delivery_id: str, contents: ContentCache
) -> Message:
    """The message of one delivery. Raises NotFound, also if its content was forgotten."""
    rows = list(map(_due_row, _BY_ID.run(connection, {"of_workspace": workspace_id, "id": delivery_id})))
    message = messages_of(connection, workspace_id, rows, contents)[delivery_id] if rows else None
    if isinstance(message, Message):
        return message
    reason = "it does not exist" if message is None else message.reason
    raise NotFound(f"delivery {delivery_id} of workspace number {workspace_id} cannot be read: {reason}")


def fitting_rows(connection: sa.Connection, workspace_id: int, rows: Sequence[DueRow]) -> Sequence[DueRow]:
    """The first of these deliveries, at least one, whose attachments are `MAX_ATTACHMENT_BYTES` together."""
    values = {"of_workspace": workspace_id, "ids": encode_json([row.delivery_id for row in rows])}
    sizes = {key: int(size) for key, size in _SIZES.run(connection, values)}
    totals = accumulate(sizes.get(row.delivery_id, 0) for row in rows)
    pairs = enumerate(zip(rows, totals, strict=True))
    return [row for i, (row, total) in pairs if total <= MAX_ATTACHMENT_BYTES or i == 0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """Deliveries to send, and those that never can be, with the reason of each by its id."""

    queued: Sequence[QueuedDelivery]
    unreadable: Mapping[str, str]


def claimed(connection: sa.Connection, workspace_id: int, rows: Sequence[DueRow], contents: ContentCache) -> Claimed:
    """Deliveries with their messages, people and earlier attempts."""
    messages = messages_of(connection, workspace_id, rows, contents)
    people = _people(connection, workspace_id, {row.cio_id for row in rows if row.cio_id is not None})
    earlier = attempts_of(connection, workspace_id, [row.delivery_id for row in rows if row.has_gate])
    queued = [
        _queued(row, message, people.get(row.cio_id or ""), earlier.get(row.delivery_id))
        for row in rows
        if isinstance(message := messages[row.delivery_id], Message)
    ]
    unreadable = {key: message.reason for key, message in messages.items() if isinstance(message, Unreadable)}
    return Claimed(queued=queued, unreadable=unreadable)


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierAttempts:
    """The number of the last attempt of a delivery, and when the first one began."""

    last: int
    first_begun_at: datetime


def attempts_of(
    connection: sa.Connection, workspace_id: int, delivery_ids: Sequence[str]
) -> Mapping[str, EarlierAttempts]:
    """The attempts of deliveries so far; a delivery without one is left out."""
    if not delivery_ids:
        return {}
    rows = _EARLIER.run(connection, {"of_workspace": workspace_id, "ids": encode_json(list(delivery_ids))})
    return {key: EarlierAttempts(last=last, first_begun_at=from_microseconds(begun)) for key, last, begun in rows}


def _due_row(values: tuple[Any, ...]) -> DueRow:
    return DueRow(**dict(zip(_DUE_NAMES, values, strict=True)))


def _queued(row: DueRow, message: Message, owner: Person | None, earlier: EarlierAttempts | None) -> QueuedDelivery:
    return QueuedDelivery(
        message=message,
        next_attempt=1 if earlier is None else earlier.last + 1,
        tries=row.tries,
        unknowns=row.unknowns,
        first_tried_at=None if earlier is None else earlier.first_begun_at,
        cio_id=row.cio_id,
        customer={} if owner is None else customer_variables(owner),
        keep_content=bool(row.keep_content),
    )


def _message(
    row: DueRow, template: MessageContent | None, request: Mapping[str, Any], files: Sequence[Attachment]
) -> Message:
    stored = StoredRequest.from_document(request)
    content = stored.overrides.apply(template)
    to = parse_mailboxes(row.recipient, field="to")
    if row.is_copy:
        content = replace(content, subject=copy_subject(content.subject, _verbatim(to[0].address)))
    return Message(
        delivery_id=row.delivery_id,
        channel=Channel(row.channel),
        accepted_mode=SendMode.known(row.accepted_mode),
        is_draft=row.state == DeliveryState.DRAFTED,
        due_at=from_microseconds(row.send_at),
        to=to,
        cc=parse_mailboxes(row.cc, field="cc"),
        bcc=parse_mailboxes(row.bcc, field="bcc"),
        is_copy=bool(row.is_copy),
        tracked=bool(row.tracked),
        open_tracking=bool(row.open_tracking),
        link_tracking=bool(row.link_tracking),
        send_to_unsubscribed=bool(row.send_to_unsubscribed),
        content=content,
        data=stored.message_data,
        attachments=tuple(files),
    )


def _verbatim(address: str) -> str:
    """An address for a Liquid text; its local part may contain braces."""
    return f"{{% raw %}}{address}{{% endraw %}}" if "{" in address else address


def _template_content(
    connection: sa.Connection, workspace_id: int, contents: ContentCache, row: DueRow
) -> MessageContent | None:
    if row.template is None or row.content_version is None:
        return None
    key = (workspace_id, row.template, row.content_version)
    return contents.find(connection, key, row.language or DEFAULT_LANGUAGE)


def _contents_of(connection: sa.Connection, key: ContentKey) -> Mapping[str, MessageContent]:
    names = ("of_workspace", "of_template", "of_version")
    rows = _CONTENTS.run(connection, dict(zip(names, key, strict=True)))
    return {language: _content(values) for language, *values in rows}


def _content(values: Sequence[Any]) -> MessageContent:
    *texts, headers = values
    parts = dict(zip(TEXT_PARTS, texts, strict=True))
    return MessageContent(**parts, headers=tuple((name, value) for name, value in decode_json(headers)))


def _people(connection: sa.Connection, workspace_id: int, cio_ids: Collection[str]) -> Mapping[str, Person]:
    if not cio_ids:
        return {}
    rows = _PEOPLE.run(connection, {"of_workspace": workspace_id, "cio_ids": encode_json(sorted(cio_ids))})
    return {row[0]: person_of(row) for row in rows}


_DUE_NAMES = tuple(DueRow.__dataclass_fields__)
_DUE_COLUMNS = tuple(
    delivery.c.gate.is_not(None).label(name) if name == "has_gate" else delivery.c[name] for name in _DUE_NAMES
)
_IS_DUE = sa.and_(
    delivery.c.workspace_id == sa.bindparam("of_workspace", type_=sa.BigInteger),
    delivery.c.due_at <= sa.bindparam("now", type_=sa.BigInteger),
    sa.not_(any_of(delivery.c.delivery_id, sa.bindparam("exclude", type_=sa.Text))),
)
_DUE = CompiledStatement(
    lambda _: (
        sa.select(*_DUE_COLUMNS)
        .where(_IS_DUE)
        .order_by(delivery.c.due_at, delivery.c.delivery_id)
        .limit(sa.bindparam("size", type_=sa.Integer))
        .offset(sa.literal_column("0"))  # otherwise SQLAlchemy adds a parameter on SQLite
    )
)
_BY_ID = CompiledStatement(
    lambda _: sa.select(*_DUE_COLUMNS).where(
        delivery.c.workspace_id == sa.bindparam("of_workspace", type_=sa.BigInteger),
        delivery.c.delivery_id == sa.bindparam("id", type_=sa.Text),
    )
)

_REQUESTS = CompiledStatement(
    lambda _: sa.select(delivery_content.c.delivery_id, delivery_content.c.request).where(
        workspace_any_of(delivery_content.c.delivery_id, "ids")
    )
)
_ATTACHMENTS = CompiledStatement(
    lambda _: (
        sa.select(attachment.c.delivery_id, attachment.c.name, attachment.c.media_type, attachment.c.content)
        .where(workspace_any_of(attachment.c.delivery_id, "ids"))
        .order_by(attachment.c.delivery_id, attachment.c.position)
    )
)
# Reads no content: a value that is stored elsewhere has its length in the row.
_SIZES = CompiledStatement(
    lambda _: (
        sa.select(attachment.c.delivery_id, sa.func.sum(sa.func.length(attachment.c.content)))
        .where(workspace_any_of(attachment.c.delivery_id, "ids"))
        .group_by(attachment.c.delivery_id)
    )
)
_EARLIER = CompiledStatement(
    lambda _: (
        sa.select(
            attempt.c.delivery_id,
            sa.func.max(attempt.c.number),
            sa.type_coerce(sa.func.min(attempt.c.begun_at), sa.BigInteger),
        )
        .where(workspace_any_of(attempt.c.delivery_id, "ids"))
        .group_by(attempt.c.delivery_id)
    )
)
_PEOPLE = CompiledStatement(lambda _: sa.select(*PERSON_COLUMNS).where(workspace_any_of(person.c.cio_id, "cio_ids")))
_CONTENTS = CompiledStatement(
    lambda _: sa.select(
        template_content.c.language, *(template_content.c[part] for part in TEXT_PARTS), template_content.c.headers
    ).where(
        template_content.c.workspace_id == sa.bindparam("of_workspace", type_=sa.BigInteger),
        template_content.c.template == sa.bindparam("of_template", type_=sa.BigInteger),
        template_content.c.version == sa.bindparam("of_version", type_=sa.BigInteger),
    )
)
