"""The bytes of a message: its MIME entity, its head, and what the gate's Pass makes of both (sending §3.3, §6.2).

Bodies and attachments of messages are always base64, so that no line can begin with a dot or hold a bare CR or LF. The
standard library's e-mail package does the same in six times the time; a property test compares the two. The text of a
notice is quoted-printable with the same two properties: people read it in logs and in the source of a mail.
"""

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from email.quoprimime import body_encode
from email.utils import format_datetime
from itertools import chain
from typing import Final
from urllib.parse import quote

from workspace_operator.sending.addresses import MAX_RECIPIENTS, Mailbox
from workspace_operator.sending.gate import Pass
from workspace_operator.sending.headers import LONGEST_WORD
from workspace_operator.sending.messages import Attachment, Headers, RenderedMessage
from workspace_operator.sending.rules import SendMode

LINE_CHARACTERS: Final = 78
"""Longer header lines are folded at a space, if they have one."""

OTHER_MEDIA_TYPE: Final = "application/octet-stream"
_UNNAMED: Final = "attachment"

_READABLE_CHARACTERS: Final = 74
"""Of a line in quoted-printable: the standard allows 76, and an encoded dot takes two more."""

_CONTINUATION = "\r\n "
_CHUNK_BYTES = 45

# No base64 text contains an underscore, so that no body contains a boundary.
_ALTERNATIVES, _MIXED = "=_alternatives", "=_mixed"

_base64_lines = re.compile(rb".{1,76}").findall
_leading_dots = re.compile(r"^\.", re.MULTILINE)
_piece = re.compile(r" *[^ ]+").findall
_WORD = rf"[!-~]{{1,{LONGEST_WORD}}}+"
_is_verbatim = re.compile(rf"(?:{_WORD}(?: {{1,20}}+{_WORD})*+)?").fullmatch
_is_atoms = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(?: [\w!#$%&'*+/=?^`{|}~-]+)*", re.ASCII).fullmatch
_is_quotable = re.compile(r"[!-~]+(?: [!-~]+)*").fullmatch
_is_media_type = re.compile(r"(?!multipart/|message/)[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9!#$&^_.+-]{1,64}").fullmatch
_needs_escape = re.compile(r'(["\\])')


def entity(html: str | None, plain: str | None, amp: str | None, attachments: Sequence[Attachment] = ()) -> bytes:
    """The MIME entity of bodies and attachments: Content-* headers, an empty line, and the encoded body.

    The parts stand in the order of growing preference: plain text, AMP, HTML. Without any there is an empty text.

    Raises:
        UnicodeEncodeError: a text has lone surrogates.
    """
    bodies = [("text/plain", plain), ("text/x-amp-html", amp), ("text/html", html)]
    parts = [_text_part(media_type, text) for media_type, text in bodies if text is not None]
    body = _multipart("alternative", _ALTERNATIVES, parts) if len(parts) > 1 else chain(*parts)
    if not parts:
        body = iter(_text_part("text/plain", ""))
    if attachments:
        body = iter(_multipart("mixed", _MIXED, [[*body], *map(_attachment_part, attachments)]))
    return b"\r\n".join(body)


def readable_entity(text: str) -> bytes:
    """The MIME entity of a plain text that stays readable where it is ASCII; its last line gets an end if it has none.

    Raises:
        UnicodeEncodeError: the text has lone surrogates.
    """
    lines = _with_crlf(text).removesuffix("\r\n") + "\r\n"
    body = body_encode(lines.encode().decode("latin-1"), _READABLE_CHARACTERS, eol="\r\n")
    head = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    return (head + _leading_dots.sub("=2E", body)).encode()


def frame(headers: Iterable[tuple[str, str]], content: bytes) -> bytes:
    """A message of a head and a MIME entity. Values are encoded already where they need it; long lines are folded."""
    lines = [_wrapped(f"{name}: {value}") for name, value in headers]
    return "\r\n".join([*lines, "MIME-Version: 1.0\r\n"]).encode() + content


def compose(rendered: RenderedMessage, decision: Pass, *, sender: Mailbox, message_id: str, date: datetime) -> bytes:
    """The message that the gate lets pass, with CRLF line ends (sending §3.3).

    Args:
        rendered: the message; its Reply-To stays only if the decision keeps it.
        decision: gives To and Cc, and in a test the original addresses.
        sender: the From.
        message_id: without angle brackets, the same at each try (`message_id_of`).
        date: of the hand-over, with a time zone.
    """
    reply_to = rendered.reply_to if decision.keeps_reply_to else ()
    addresses = (("From", (sender,)), ("To", decision.to), ("Cc", decision.cc), ("Reply-To", reply_to))
    headers = [
        *((name, address_list(mailboxes)) for name, mailboxes in addresses if mailboxes),
        ("Subject", encoded_text(rendered.subject)),
        ("Date", format_datetime(date.astimezone(UTC))),
        ("Message-ID", f"<{message_id}>"),
        *_test_headers(rendered, decision),
        *((name, value.strip(" ")) for name, value in rendered.headers),
    ]
    return frame(headers, rendered.entity)


def message_id_of(wire_id: str, sender: Mailbox) -> str:
    """The Message-ID of a delivery: its signed token at the sender's domain."""
    return f"{wire_id}@{sender.domain}"


def encoded_text(text: str) -> str:
    """Text of a header: as it is if it is simple ASCII, else as encoded words of RFC 2047."""
    return text if _is_verbatim(text) and "=?" not in text else _encoded_words(text)


def address_list(mailboxes: Iterable[Mailbox]) -> str:
    """Mailboxes of an address header, one a line: not all parsers read a quoted name that is folded."""
    return f",{_CONTINUATION}".join(map(_address, mailboxes))


def _test_headers(rendered: RenderedMessage, decision: Pass) -> Headers:
    """What a test message shows beside its content: that it is a test, and what it would have been."""
    if decision.mode is not SendMode.TEST:
        return ()
    originals = (
        ("X-Original-To", decision.original_to),
        ("X-Original-Cc", decision.original_cc),
        ("X-Original-Bcc", decision.original_bcc),
        ("X-Original-Reply-To", () if decision.keeps_reply_to else rendered.reply_to),
    )
    shown = ((name, encoded_text(", ".join(map(str, boxes[:MAX_RECIPIENTS])))) for name, boxes in originals if boxes)
    return (("X-Send-Behavior", "Test"), *shown)


def _address(mailbox: Mailbox) -> str:
    name = mailbox.name
    if not name:
        return mailbox.address
    if "=?" in name or not _is_quotable(name):
        name = _encoded_words(name)
    elif not _is_atoms(name):
        name = '"' + _needs_escape.sub(r"\\\1", name) + '"'
    return f"{name} <{mailbox.address}>"


def _encoded_words(text: str) -> str:
    """Encoded words of whole characters, one a line, each of at most 75 characters; empty text has none."""
    return _CONTINUATION.join(f"=?utf-8?b?{b64encode(chunk.encode()).decode()}?=" for chunk in _chunks(text))


def _chunks(text: str) -> list[str]:
    """Text in chunks of whole characters of at most 45 bytes."""
    chunks, start, size = [], 0, 0
    for position, character in enumerate(text):
        size += len(character.encode())
        if size > _CHUNK_BYTES:
            chunks.append(text[start:position])
            start, size = position, len(character.encode())
    return [*chunks, text[start:]] if text else []


def _wrapped(line: str) -> str:
    """Break a long line before words, but not before the first: parsers differ about a value that begins so."""
    if len(line) <= LINE_CHARACTERS or _CONTINUATION in line:
        return line
    name, first, *pieces = _piece(line)
    lines = [name + first]
    for piece in pieces:
        if len(lines[-1]) + len(piece) <= LINE_CHARACTERS:
            lines[-1] += piece
        else:
            lines.append(piece)
    return "\r\n".join(lines)


def _multipart(kind: str, boundary: str, parts: Iterable[Iterable[bytes]]) -> Iterator[bytes]:
    delimiter = f"--{boundary}".encode()
    yield f'Content-Type: multipart/{kind}; boundary="{boundary}"'.encode()
    yield b""
    for part in parts:
        yield delimiter
        yield from part
    yield delimiter + b"--"
    yield b""


def _text_part(media_type: str, text: str) -> Sequence[bytes]:
    """A text, whose line ends become CRLF as MIME demands."""
    return _part([f"Content-Type: {media_type}; charset=utf-8"], _with_crlf(text).encode())


def _with_crlf(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")


def _attachment_part(attachment: Attachment) -> Sequence[bytes]:
    """A file; a media type that is malformed, or not allowed with base64, becomes a general one."""
    media_type = attachment.media_type.lower()
    head = f"Content-Type: {media_type if _is_media_type(media_type) else OTHER_MEDIA_TYPE}"
    return _part([head, _disposition(attachment.name)], attachment.content)


def _disposition(name: str) -> str:
    """Content-Disposition with a file name as RFC 2231 encodes it, in sections if it is long."""
    first, *pieces = (quote(chunk, safe="") for chunk in _chunks(name or _UNNAMED))
    if not pieces:
        return f"Content-Disposition: attachment; filename*=utf-8''{first}"
    sections = (f";\r\n filename*{number}*={piece}" for number, piece in enumerate((f"utf-8''{first}", *pieces)))
    return "Content-Disposition: attachment" + "".join(sections)


def _part(head: Sequence[str], content: bytes) -> Sequence[bytes]:
    lines = _base64_lines(b64encode(content))
    return [*(line.encode() for line in head), b"Content-Transfer-Encoding: base64", b"", *lines, b""]
