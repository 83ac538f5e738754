"""Parses the headers and attachments of a request, in every form that clients send (sending §5.1)."""

import json
from base64 import b64decode
from collections.abc import Iterator
from mimetypes import MimeTypes
from typing import Any, Final

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.text_limits import check_text, invisible_characters, quoted
from workspace_operator.sending.headers import check_headers
from workspace_operator.sending.messages import Attachment, Headers

MAX_ATTACHMENT_BYTES: Final = 2 * 1024 * 1024
"""Maximum size of all attachments of a message together, decoded."""
MAX_ATTACHMENTS: Final = 50
MAX_NAME_BYTES: Final = 255

_OTHER: Final = "application/octet-stream"
_WHITE_SPACE: Final = str.maketrans("", "", " \t\r\n")
# Only the library's own table: the files of the machine would make the type depend on where the API runs.
_types = MimeTypes()


def parse_headers(raw: object) -> Headers:
    """Parse custom headers: an object, a list of ``{"name", "value"}``, or a JSON text of one of these.

    Raises:
        InvalidInput: another form, or a header that a message may not have.
    """
    if isinstance(raw, str):
        raw = _decoded(raw)
    headers = tuple(_headers(raw))
    check_headers(headers, field="headers")
    return headers


def parse_attachments(raw: object) -> tuple[Attachment, ...]:
    """Parse attachments: an object of names and contents in base64. Raises InvalidInput."""
    if raw is None or raw == "":
        return ()
    if not isinstance(raw, dict):
        message = f"attachments is {quoted(raw)}: send an object of file names and contents in base64"
        raise InvalidInput(message, field="attachments")
    if len(raw) > MAX_ATTACHMENTS:
        message = f"attachments has {len(raw)} files: send at most {MAX_ATTACHMENTS}"
        raise InvalidInput(message, field="attachments")
    attachments = tuple(_attachment(name, content) for name, content in raw.items())
    size = sum(len(attachment.content) for attachment in attachments)
    if size > MAX_ATTACHMENT_BYTES:
        message = f"attachments have {size} bytes together: send at most {MAX_ATTACHMENT_BYTES}"
        raise InvalidInput(message, field="attachments")
    return attachments


def _decoded(text: str) -> Any:
    if not text.strip():
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise _wrong_form(text) from None


def _headers(raw: object) -> Iterator[tuple[str, str]]:
    if isinstance(raw, dict):
        raw = [{"name": name, "value": value} for name, value in raw.items()]
    if not isinstance(raw, list | None):
        raise _wrong_form(raw)
    for entry in raw or ():
        if not isinstance(entry, dict):
            raise _wrong_form(entry)
        name, value = entry.get("name"), _header_text(entry.get("value"))
        if not isinstance(name, str) or value is None:
            raise _wrong_form(entry)
        yield name, value


def _header_text(raw: object) -> str | None:
    """The value of a header: text or a whole number; None for anything else."""
    if isinstance(raw, int) and not isinstance(raw, bool):
        return quoted(raw)
    return raw if isinstance(raw, str) else None


def _wrong_form(raw: object) -> InvalidInput:
    message = f'headers has {quoted(raw)}: send an object of names and texts, such as {{"X-Campaign": "spring"}}'
    return InvalidInput(message, field="headers")


def _attachment(name: str, content: object) -> Attachment:
    check_text(name, field="attachments", limit=MAX_NAME_BYTES)
    if not name.strip() or invisible_characters(name):
        message = f"attachments: {quoted(name)} is no file name: send a name without invisible characters"
        raise InvalidInput(message, field="attachments")
    field = f"attachments.{name}"
    if not isinstance(content, str):
        raise InvalidInput(f"attachments: {quoted(name)} is {quoted(content)}: send text in base64", field=field)
    try:
        decoded = b64decode(content.translate(_WHITE_SPACE), validate=True)
    except ValueError:
        message = f"attachments: the content of {quoted(name)} is not valid base64: encode the file"
        raise InvalidInput(message, field=field) from None
    return Attachment(name=name, media_type=_media_type(name), content=decoded)


def _media_type(name: str) -> str:
    media_type, encoding = _types.guess_type(name)
    return media_type if media_type is not None and encoding is None else _OTHER
