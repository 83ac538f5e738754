"""Events: what people did, as callers tell it (track-api.md §1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class EventType(StrEnum):
    """What kind of thing somebody did."""

    EVENT = "event"
    PAGE = "page"
    SCREEN = "screen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that somebody did.

    Attributes:
        type: event, page or screen.
        name: stripped, 1 to 100 bytes.
        id: the caller's, so that an event that is sent twice is taken once; None: it is taken each time.
        timestamp: when it happened, Unix seconds; None: when it came.
        data: what the caller says of it, at most 100 000 bytes as JSON.
    """

    type: EventType = EventType.EVENT
    name: str
    id: str | None = None
    timestamp: int | None = None
    data: Mapping[str, object]
