"""Tracked events: events that users send about people, parsed from requests (track-api.md §1)."""

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
    """The type of a tracked event."""

    EVENT = "event"
    PAGE = "page"
    SCREEN = "screen"


_TYPES = frozenset(type_.value for type_ in TrackedEventType)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedEvent:
    """An event that a user sends about a person.

    Attributes:
        type: event, page or screen.
        name: stripped, 1 to 100 bytes.
        id: the caller's id, which deduplicates events; None: every event is recorded.
        timestamp: when it happened, Unix seconds; None: when it is recorded.
        data: the event's data, at most 100 000 bytes as JSON.
    """

    type: TrackedEventType = TrackedEventType.EVENT
    name: str
    id: str | None = None
    timestamp: int | None = None
    data: Mapping[str, object]


def tracked_event_of(body: Mapping[str, object], *, field: str = "", data: str = "data") -> TrackedEvent:
    """Parse a tracked event; other names in the body are ignored.

    Only ``name`` is required; null counts as absent. ``data`` is the name of the data in the body: ``data`` in v1,
    ``attributes`` in v2.

    Raises:
        InvalidInput: a value is missing, over a limit, or has an unsupported type; no value is truncated.
    """
    path = f"{field}." if field else ""
    return TrackedEvent(
        type=_type(body.get("type"), f"{path}type"),
        name=_name(body.get("name"), f"{path}name"),
        # A placeholder as id would make all events after the first look like duplicates.
        id=_text_without_placeholder(body.get("id"), f"{path}id", "the id of the event itself, or none"),
        timestamp=whole_seconds_of(body.get("timestamp"), field=f"{path}timestamp"),
        data=_data(body.get(data), f"{path}{data}"),
    )


def anonymous_id_of(raw: object, *, field: str) -> str | None:
    """Parse an anonymous id; None if it is empty.

    Raises:
        InvalidInput: it is neither text nor a number, longer than an id may be, or a placeholder of a variable that was
            not set, which would link the events of many people.
    """
    return _text_without_placeholder(raw, field, "the anonymous id itself, or none")


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
