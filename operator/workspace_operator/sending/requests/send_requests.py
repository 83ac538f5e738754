"""Parses the body of ``POST /v1/send/email`` (sending §5.1). Unknown keys are ignored, as everywhere in the API."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.booleans import boolean_of
from workspace_operator.identity.values.json_limits import check_json
from workspace_operator.identity.values.references import Reference, reference_of_kind
from workspace_operator.identity.values.rules import IdentifierKind
from workspace_operator.identity.values.text_limits import MAX_ID_BYTES, check_text, quoted, stripped
from workspace_operator.identity.values.timestamps import seconds_of
from workspace_operator.sending.addresses import MAX_RECIPIENTS, parse_mailbox, parse_mailboxes
from workspace_operator.sending.headers import check_line
from workspace_operator.sending.messages import Attachment
from workspace_operator.sending.requests.overrides import Overrides, is_liquid
from workspace_operator.sending.requests.parts import parse_attachments, parse_headers

MAX_PART_BYTES: Final = 100_000
"""Maximum size of a body, and of ``message_data`` as JSON."""
MAX_LINE_BYTES: Final = 2_000
"""Maximum size of a part that becomes a header: subject, preheader, From, Reply-To."""
MAX_LANGUAGE_BYTES: Final = 50
MAX_KEY_CHARACTERS: Final = 255
MAX_DELAY: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True, kw_only=True)
class SendRequest:
    """A request to send a message, checked as far as that is possible without its template.

    Attributes:
        template: number or trigger name; None for a message without one.
        auto_create: make the template from the overrides if it does not exist.
        cc: None leaves it to the template, as ``bcc``, ``fake_bcc``, ``is_draft`` and ``send_to_unsubscribed``.
        send_at: None is now.
        digest: of the whole request, which an idempotency key must repeat.
        repeats: a client marked it as its own repeat.
    """

    reference: Reference
    template: str | int | None
    auto_create: bool
    overrides: Overrides
    to: str
    cc: str | None
    bcc: str | None
    fake_bcc: bool | None
    data: Mapping[str, Any]
    language: str
    send_at: datetime | None
    is_draft: bool | None
    tracked: bool
    send_to_unsubscribed: bool | None
    keep_content: bool
    attachments: tuple[Attachment, ...]
    idempotency_key: str | None
    digest: str
    repeats: bool = False


def parse_send_request(
    body: Mapping[str, Any], *, now: datetime, digest: str, header_key: str = "", repeats: bool = False
) -> SendRequest:
    """Parse a request.

    Args:
        body: the JSON object that the client sent.
        now: the time from which ``send_at`` counts.
        digest: of the whole body.
        header_key: the ``Idempotency-Key`` header; empty without one.
        repeats: whether the client marked the request as a repeat.

    Raises:
        InvalidInput: a field is missing or breaks its rule.
    """
    parse_flag(body, "disable_css_preprocessing")
    to, cc, bcc = _required_addresses(body, "to"), parse_addresses(body, "cc"), parse_addresses(body, "bcc")
    check_recipients(to, cc or "", bcc or "")
    template = _template(body)
    request = SendRequest(
        reference=_reference(body),
        template=template,
        auto_create=parse_flag(body, "auto_create") or False,
        overrides=parse_overrides(body),
        to=to,
        cc=cc,
        bcc=bcc,
        fake_bcc=parse_flag(body, "fake_bcc"),
        data=_data(body),
        language=_line(body, "language", MAX_LANGUAGE_BYTES) or "",
        send_at=_send_at(body, now),
        is_draft=parse_flag(body, "queue_draft"),
        tracked=parse_flag(body, "tracked") is not False,
        send_to_unsubscribed=parse_flag(body, "send_to_unsubscribed"),
        keep_content=not parse_flag(body, "disable_message_retention"),
        attachments=parse_attachments(body.get("attachments")),
        idempotency_key=_idempotency_key(body, header_key),
        digest=digest,
        repeats=repeats,
    )
    if template is None:
        check_complete(request.overrides)
    return request


def check_recipients(to: str, cc: str, bcc: str) -> None:
    """Check the number of recipients. Raises InvalidInput."""
    lists = {"to": to, "cc": cc, "bcc": bcc}
    count = sum(len(parse_mailboxes(text, field=field)) for field, text in lists.items())
    if count > MAX_RECIPIENTS:
        message = f"to, cc and bcc have {count} addresses together: send to at most {MAX_RECIPIENTS}"
        raise InvalidInput(message, field="to")


def check_complete(overrides: Overrides) -> None:
    """Check that a message without a template has a subject and a body. Raises InvalidInput."""
    if overrides.subject is None:
        raise _missing("subject")
    if overrides.body is None and overrides.body_plain is None:
        raise _missing("body")


def _missing(field: str) -> InvalidInput:
    message = f"{field} is missing: without transactional_message_id send subject, body and from"
    return InvalidInput(message, field=field)


def _reference(body: Mapping[str, Any]) -> Reference:
    identifiers = body.get("identifiers")
    kinds = ", ".join(IdentifierKind)
    if not isinstance(identifiers, dict):
        raise InvalidInput(
            f"identifiers is {quoted(identifiers)}: send an object with one of {kinds}", field="identifiers"
        )
    given = [
        (kind, identifiers[kind.value]) for kind in IdentifierKind if identifiers.get(kind.value) not in (None, "")
    ]
    if len(given) != 1:
        message = f"identifiers has {len(given)} of {kinds}: send exactly one"
        raise InvalidInput(message, field="identifiers")
    [(kind, raw)] = given
    return reference_of_kind(raw, kind, field=f"identifiers.{kind}")


def _template(body: Mapping[str, Any]) -> str | int | None:
    raw = body.get("transactional_message_id")
    if raw is None or raw == "":
        return None
    if isinstance(raw, int) and not isinstance(raw, bool) and raw > 0:
        return raw
    if not isinstance(raw, str) or not stripped(raw):
        message = f"transactional_message_id is {quoted(raw)}: send the number or the trigger name of a template"
        raise InvalidInput(message, field="transactional_message_id")
    check_text(raw, field="transactional_message_id", limit=MAX_ID_BYTES)
    return stripped(raw)


def parse_overrides(body: Mapping[str, Any]) -> Overrides:
    """Parse the parts of a message that are Liquid. Raises InvalidInput."""
    sender, reply_to = _line(body, "from"), _line(body, "reply_to")
    if sender is not None and not is_liquid(sender):
        parse_mailbox(sender, field="from")
    if reply_to is not None and not is_liquid(reply_to):
        parse_mailboxes(reply_to, field="reply_to")
    return Overrides(
        subject=_line(body, "subject"),
        sender=sender,
        reply_to=reply_to,
        preheader=_line(body, "preheader"),
        body=_text(body, "body", MAX_PART_BYTES),
        body_plain=_text(body, "body_plain", MAX_PART_BYTES),
        body_amp=_text(body, "body_amp", MAX_PART_BYTES),
        headers=parse_headers(body.get("headers")),
    )


def _required_addresses(body: Mapping[str, Any], field: str) -> str:
    addresses = parse_addresses(body, field)
    if addresses is None:
        raise InvalidInput(f"{field} is missing: send an address, such as Ann <ann@shop.example>", field=field)
    return addresses


def parse_addresses(body: Mapping[str, Any], field: str) -> str | None:
    """A list of valid addresses as text, from text or a list of texts; None for none."""
    raw = body.get(field)
    if isinstance(raw, list) and all(isinstance(entry, str) for entry in raw):
        raw = ", ".join(entry for entry in raw if stripped(entry))
    text = _text({field: raw}, field, MAX_PART_BYTES)
    return text if text is not None and parse_mailboxes(text, field=field) else None


def _data(body: Mapping[str, Any]) -> Mapping[str, Any]:
    data = body.get("message_data")
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise InvalidInput(f"message_data is {quoted(data)}: send an object", field="message_data")
    check_json(data, field="message_data", limit=MAX_PART_BYTES)
    return data


def _send_at(body: Mapping[str, Any], now: datetime) -> datetime | None:
    seconds = seconds_of(body.get("send_at"), field="send_at")
    if seconds is None or seconds <= now.timestamp():
        return None
    if seconds > (now + MAX_DELAY).timestamp():
        message = f"send_at {quoted(body['send_at'])} is too far ahead: choose a time in the next {MAX_DELAY.days} days"
        raise InvalidInput(message, field="send_at")
    return datetime.fromtimestamp(seconds, UTC)


def _idempotency_key(body: Mapping[str, Any], header_key: str) -> str | None:
    keys = dict.fromkeys(key for key in (header_key, _text(body, "idempotency_key", MAX_PART_BYTES)) if key)
    if len(keys) > 1:
        message = "idempotency_key differs from the header Idempotency-Key: send one of them"
        raise InvalidInput(message, field="idempotency_key")
    for key in keys:
        if len(key) > MAX_KEY_CHARACTERS:
            message = f"idempotency_key has {len(key)} characters: send at most {MAX_KEY_CHARACTERS}"
            raise InvalidInput(message, field="idempotency_key")
    return next(iter(keys), None)


def parse_flag(body: Mapping[str, Any], field: str) -> bool | None:
    """A boolean; None if the request does not have it."""
    raw = body.get(field)
    if raw is None or raw == "":
        return None
    flag = boolean_of(raw)
    if flag is None:
        raise InvalidInput(f"{field} is {quoted(raw)}: send true or false", field=field)
    return flag


def _line(body: Mapping[str, Any], field: str, limit: int = MAX_LINE_BYTES) -> str | None:
    """A text of one line; None if the request does not have it."""
    text = _text(body, field, limit)
    if text is not None:
        check_line(text, field=field, limit=limit)
    return text


def _text(body: Mapping[str, Any], field: str, limit: int) -> str | None:
    """A text; None if the request does not have it, or it is empty."""
    raw = body.get(field)
    if raw is None or raw == "":
        return None
    if not isinstance(raw, str):
        raise InvalidInput(f"{field} is {quoted(raw)}: send text", field=field)
    check_text(raw, field=field, limit=limit)
    return raw
