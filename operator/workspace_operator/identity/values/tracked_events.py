"""Events: what people did, as callers tell it, and what is taken of that (track-api.md §1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.json_limits import check_json
from workspace_operator.identity.values.reserved_ids import is_placeholder
from workspace_operator.identity.values.text_limits import MAX_ID_BYTES, check_text, identifier_text, quoted, stripped
from workspace_operator.identity.values.timestamps import whole_seconds_of

MAX_EVENT_NAME_BYTES = 100
MAX_DATA_BYTES = 100_000


class TrackedEventType(StrEnum):
    """What kind of thing somebody did."""

    EVENT = "event"
    PAGE = "page"
    SCREEN = "screen"


_TYPES = frozenset(each.value for each in TrackedEventType)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedEvent:
    """Something that somebody did.

    Attributes:
        type: event, page or screen.
        name: stripped, 1 to 100 bytes.
        id: the caller's, so that an event that is sent twice is taken once; None: it is taken each time.
        timestamp: when it happened, Unix seconds; None: when it came.
        data: what the caller says of it, at most 100 000 bytes as JSON.
    """

    type: TrackedEventType = TrackedEventType.EVENT
    name: str
    id: str | None = None
    timestamp: int | None = None
    data: Mapping[str, object]


def tracked_event_of(body: Mapping[str, object], *, field: str = "", data: str = "data") -> TrackedEvent:
    """An event from what was sent of it; other names in the body say nothing.

    Args:
        body: ``name``, and as wanted ``type``, ``id``, ``timestamp`` and the data; null is as good as nothing.
        field: the body's path in errors, empty for the whole of what was sent.
        data: under which name the body has the data: ``data`` in v1, ``attributes`` in v2.

    Raises:
        InvalidInput: something is missing, over a limit, or of a type that is not taken; nothing is ever cut.
    """
    path = f"{field}." if field else ""
    return TrackedEvent(
        type=_type(body.get("type"), f"{path}type"),
        name=_name(body.get("name"), f"{path}name"),
        id=_id(body.get("id"), f"{path}id"),
        timestamp=whole_seconds_of(body.get("timestamp"), field=f"{path}timestamp"),
        data=_data(body.get(data), f"{path}{data}"),
    )


def anonymous_id_of(raw: object, *, field: str) -> str | None:
    """Under what name somebody unknown did something; None if there is nothing in it.

    Raises:
        InvalidInput: it is neither text nor a number, longer than an id may be, or what programs send for a variable
            that was not set: strangers would all be one.
    """
    return _text_without_placeholder(raw, field, "the anonymous id itself, or none")


def _id(raw: object, field: str) -> str | None:
    """The id of an event; one of a variable that was not set would make all events after the first seem repeated."""
    return _text_without_placeholder(raw, field, "the id of the event itself, or none")


def _text_without_placeholder(raw: object, field: str, what: str) -> str | None:
    if is_placeholder(raw):
        raise InvalidInput(f"{field} {quoted(raw)} looks like a variable that was not set: send {what}", field=field)
    return identifier_text(raw, field=field, limit=MAX_ID_BYTES)


def _type(raw: object, field: str) -> TrackedEventType:
    if raw is None:
        return TrackedEventType.EVENT
    if isinstance(raw, str) and raw in _TYPES:
        return TrackedEventType(raw)
    raise InvalidInput(f"{field} is {quoted(raw)}: send one of {', '.join(TrackedEventType)}", field=field)


def _name(raw: object, field: str) -> str:
    if raw is not None and not isinstance(raw, str):
        raise InvalidInput(f"{field} is {quoted(raw)}: send text", field=field)
    name = stripped(raw or "")
    if not name:
        raise InvalidInput(f"{field} is missing: send the name of the event", field=field)
    check_text(name, field=field, limit=MAX_EVENT_NAME_BYTES)
    return name


def _data(raw: object, field: str) -> Mapping[str, object]:
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        raise InvalidInput(f"{field} is {quoted(raw)}: send an object", field=field)
    check_json(raw, field=field, limit=MAX_DATA_BYTES)
    return raw
