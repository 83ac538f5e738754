"""Positions in the list of people that block a migration, as the opaque text of ``next`` and ``after``.

The text is base64url of a JSON list: the e-mail key of a group, or creation time and cio_id of a person.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

from workspace_operator.application.ports import GroupCursor, PersonCursor
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.text_limits import MAX_ID_BYTES, MAX_VALUE_BYTES, check_text, quoted

MAX_TEXT: Final = 2_000
"""In characters; an e-mail key of the largest size has fewer."""

_MAX_SECONDS: Final = 2**62


def group_cursor_text(cursor: GroupCursor) -> str:
    """The text of a position behind a group."""
    return _encode([cursor.email_key] if cursor.person is None else list(cursor.person))


def person_cursor_text(cursor: PersonCursor) -> str:
    """The text of a position behind a person of a group."""
    return _encode(list(cursor))


def group_cursor_of(text: str) -> GroupCursor:
    """Read a position behind a group; empty text is the beginning. Raises InvalidInput."""
    match _decode(text) if text else [""]:
        case [str(email_key)]:
            return GroupCursor(email_key=_checked(email_key, MAX_VALUE_BYTES))
        case [int(created_at), str(cio_id)]:
            return GroupCursor(person=_person(text, created_at, cio_id))
    raise _no_page(text)


def person_cursor_of(text: str) -> PersonCursor | None:
    """Read a position behind a person; empty text is the beginning, which is None. Raises InvalidInput."""
    match _decode(text) if text else None:
        case None:
            return None
        case [int(created_at), str(cio_id)]:
            return _person(text, created_at, cio_id)
    raise _no_page(text)


def _person(text: str, created_at: int, cio_id: str) -> PersonCursor:
    if isinstance(created_at, bool) or abs(created_at) > _MAX_SECONDS:
        raise _no_page(text)
    return PersonCursor(created_at=created_at, cio_id=_checked(cio_id, MAX_ID_BYTES))


def _checked(text: str, limit: int) -> str:
    check_text(text, field="after", limit=limit)
    return text


def _encode(position: list[object]) -> str:
    document = json.dumps(position, ensure_ascii=False, separators=(",", ":"))
    return urlsafe_b64encode(document.encode()).decode().rstrip("=")


def _decode(text: str) -> object:
    try:
        padded = text + "=" * (-len(text) % 4)
        position: object = json.loads(urlsafe_b64decode(padded)) if len(text) <= MAX_TEXT else None
    except (ValueError, RecursionError):
        raise _no_page(text) from None
    if position is None:
        raise _no_page(text)
    return position


def _no_page(text: str) -> InvalidInput:
    message = f"after {quoted(text)} is no page: use the value of next of the page before"
    return InvalidInput(message, field="after")
