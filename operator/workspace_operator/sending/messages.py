"""Messages: what a caller asks to send, and its content before and after rendering (sending §5.1, §6)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from workspace_operator.identity.model.person import Person
from workspace_operator.sending.addresses import Mailbox
from workspace_operator.sending.deliveries import Channel
from workspace_operator.sending.rules import SendMode

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageContent:
    """The parts of a message, as Liquid; None for a part that it does not have.

    Attributes:
        sender: the From line.
        body: HTML.
        headers: names and values, in order.
    """

    subject: str
    sender: str | None = None
    reply_to: str | None = None
    preheader: str | None = None
    body: str | None = None
    body_plain: str | None = None
    body_amp: str | None = None
    headers: Headers = ()


TEXT_PARTS = ("subject", "sender", "reply_to", "preheader", "body", "body_plain", "body_amp")
"""The fields of `MessageContent` that are one text each: all but the headers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file of a message."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A delivery as the gate and the renderer see it.

    Attributes:
        accepted_mode: the mode in force when it was accepted; None if unknown to this version.
        due_at: when it was to be sent first; too late counts from there.
        is_copy: a copy for one address of Bcc (``fake_bcc``).
        tracked: the caller's ``tracked``; ``open_tracking`` and ``link_tracking`` are the template's.
        send_to_unsubscribed: False holds it back from people who unsubscribed.
        data: what Liquid sees beside the person, the caller's ``message_data``.
    """

    delivery_id: str
    channel: Channel
    accepted_mode: SendMode | None
    is_draft: bool
    due_at: datetime
    to: tuple[Mailbox, ...]
    cc: tuple[Mailbox, ...] = ()
    bcc: tuple[Mailbox, ...] = ()
    is_copy: bool = False
    tracked: bool = True
    open_tracking: bool = True
    link_tracking: bool = True
    send_to_unsubscribed: bool = True
    content: MessageContent
    data: Mapping[str, Any] = field(default_factory=dict)
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracking:
    """What a message carries to be counted: the pixel, signed links, and tokens that count for nobody in a test."""

    pixel: bool
    links: bool
    is_test: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderJob:
    """One message to render; it crosses a process boundary.

    Attributes:
        data: the variables of Liquid: ``customer``, ``trigger``, ``message_data``, ``unsubscribe_url``.
        workspace_id: signed into links, as ``delivery_id``.
        public_url: base URL of tracking and unsubscribe links; empty: the message has none.
        with_unsubscribe: add ``List-Unsubscribe`` headers.
    """

    workspace_id: int
    delivery_id: str
    content: MessageContent
    data: Mapping[str, Any]
    tracking: Tracking
    public_url: str
    with_unsubscribe: bool
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedMessage:
    """A rendered message, without the headers that the gate decides.

    Attributes:
        sender: the rendered From; None if neither message nor template has one.
        headers: the custom ones and those for unsubscribing, checked again after Liquid.
        entity: the MIME entity: its Content-* headers, an empty line, and the encoded body, with CRLF line ends.
        html: the HTML part for the archive; ``plain`` the text part.
    """

    subject: str
    sender: Mailbox | None
    reply_to: tuple[Mailbox, ...]
    headers: Headers
    entity: bytes
    html: str | None
    plain: str | None


@dataclass(frozen=True, slots=True)
class RenderFailure:
    """Why a message cannot be rendered, in words for the caller."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingMail:
    """Bytes to hand over.

    Attributes:
        sender: MAIL FROM.
        recipients: RCPT TO, each an address in ASCII form or with SMTPUTF8.
        data: the message, CRLF line ends, no line that begins with a dot is escaped yet.
    """

    delivery_id: str
    sender: str
    recipients: tuple[str, ...]
    data: bytes


def customer_variables(person: Person) -> Mapping[str, Any]:
    """A person as Liquid sees them, as ``customer``: attributes and identifiers."""
    identifiers = {"id": person.id, "email": person.email, "cio_id": person.cio_id}
    return {**person.attributes, **{name: value for name, value in identifiers.items() if value is not None}}
