"""What is taken of an event, track-api.md §1."""

import pytest

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.tracked_events import (
    TrackedEvent,
    TrackedEventType,
    anonymous_id_of,
    tracked_event_of,
)

FILLED = "x" * (100_000 - len('{"a":""}'))


@pytest.mark.parametrize(
    ("body", "event"),
    [
        ({"name": "bought"}, TrackedEvent(name="bought", data={})),
        ({"name": " bought\n", "data": None, "id": None, "type": None}, TrackedEvent(name="bought", data={})),
        ({"name": "é" * 50, "data": {"a": [1, None]}}, TrackedEvent(name="é" * 50, data={"a": [1, None]})),
        ({"name": "/home", "type": "page"}, TrackedEvent(type=TrackedEventType.PAGE, name="/home", data={})),
        (
            {"name": "Home", "type": "screen", "id": ""},
            TrackedEvent(type=TrackedEventType.SCREEN, name="Home", data={}),
        ),
        (
            {"name": "x", "id": 17, "timestamp": "1700000000"},
            TrackedEvent(name="x", id="17", timestamp=1700000000, data={}),
        ),
        (
            {"name": "x", "id": "a" * 150, "timestamp": 1700000000.9},
            TrackedEvent(name="x", id="a" * 150, timestamp=1700000000, data={}),
        ),
        ({"name": "x", "timestamp": 1_700_000_000_000}, TrackedEvent(name="x", timestamp=1700000000, data={})),
        ({"name": "x", "timestamp": "2023-11-14T22:13:20Z"}, TrackedEvent(name="x", timestamp=1700000000, data={})),
        ({"name": "x", "data": {"a": FILLED}, "else": object()}, TrackedEvent(name="x", data={"a": FILLED})),
    ],
)
def test_events_within_limits_are_taken(body: dict[str, object], event: TrackedEvent) -> None:
    assert tracked_event_of(body) == event


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({}, "name", "is missing: send the name"),
        ({"name": None}, "name", "is missing"),
        ({"name": " \t"}, "name", "is missing"),
        ({"name": 7}, "name", "is 7: send text"),
        ({"name": "é" * 50 + "x"}, "name", "101 bytes, 100 are allowed"),
        ({"name": "a\0"}, "name", "contains NUL"),
        ({"name": "\ud800"}, "name", "no valid Unicode"),
        ({"name": "x", "type": "click"}, "type", "is 'click': send one of event, page, screen"),
        ({"name": "x", "type": ["page"]}, "type", "send one of"),
        ({"name": "x", "id": "a" * 151}, "id", "151 bytes, 150 are allowed"),
        ({"name": "x", "id": True}, "id", "send text or a number"),
        ({"name": "x", "id": "undefined"}, "id", "looks like a variable that was not set: send the id of the event"),
        ({"name": "x", "id": " NULL "}, "id", "looks like a variable"),
        ({"name": "\N{ZERO WIDTH SPACE}"}, "name", "is missing"),
        ({"name": "x", "timestamp": "yesterday"}, "timestamp", "is no time"),
        ({"name": "x", "timestamp": 17}, "timestamp", "17 is no time: send ISO 8601"),
        ({"name": "x", "data": [1]}, "data", "is \\[1\\]: send an object"),
        ({"name": "x", "data": {"a": FILLED + "x"}}, "data", "100001 bytes, 100000 are allowed"),
        ({"name": "x", "data": {"a": "\0"}}, "data", "contains NUL"),
    ],
)
def test_events_over_limits_are_refused(body: dict[str, object], field: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as caught:
        tracked_event_of(body, field="batch")

    assert caught.value.field == f"batch.{field}"


@pytest.mark.parametrize(("raw", "anonymous_id"), [(None, None), ("", None), (" ", None), (7, "7"), ("x", "x")])
def test_anonymous_id_is_text(raw: object, anonymous_id: str | None) -> None:
    assert anonymous_id_of(raw, field="anonymous_id") == anonymous_id


@pytest.mark.parametrize(
    "raw", ["a" * 151, [], False, "undefined", "Null", "[object Object]", "NAN", "none", " null\t"]
)
def test_other_anonymous_ids_are_refused(raw: object) -> None:
    with pytest.raises(InvalidInput, match="anonymous_id"):
        anonymous_id_of(raw, field="anonymous_id")
