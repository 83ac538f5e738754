import pytest

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.attributes import (
    Attributes,
    AttributeUpdates,
    AttributeValue,
    check_attributes,
    same_value,
    updated_attributes,
)


@pytest.mark.parametrize(
    ("before", "updates", "after"),
    [
        ({}, {"a": "1"}, {"a": "1"}),
        ({"a": "1"}, {}, {"a": "1"}),
        ({"a": "1"}, {"a": "2", "b": "3"}, {"a": "2", "b": "3"}),
        ({"a": "1", "b": "2"}, {"a": None}, {"b": "2"}),
        ({"a": "1", "b": "2"}, {"a": ""}, {"b": "2"}),
        ({}, {"a": None, "b": "", "c": " "}, {"c": " "}),
        ({"a": "1"}, {"a": 0, "b": False, "c": []}, {"a": 0, "b": False, "c": []}),
    ],
)
def test_updates_are_applied(before: Attributes, updates: AttributeUpdates, after: Attributes) -> None:
    assert updated_attributes(before, updates) == after


def test_attributes_keep_their_order() -> None:
    after = updated_attributes({"a": "1", "b": "2", "c": "3"}, {"b": "4", "a": None, "d": "5"})

    assert list(after) == ["b", "c", "d"]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("a", "a", True),
        ("a", "b", False),
        (None, None, True),
        (None, 0, False),
        (1, True, False),
        (1, 1.0, False),
        ([1], [1], True),
        ([1], [True], False),
        ({"a": [1]}, {"a": [1.0]}, False),
    ],
)
def test_equal_values_are_of_one_kind(one: AttributeValue | None, other: AttributeValue | None, same: bool) -> None:
    assert same_value(one, other) is same


def test_stored_attributes_stay_untouched() -> None:
    before: Attributes = {"a": "1"}

    updated_attributes(before, {"a": "2"})

    assert before == {"a": "1"}


def test_endless_nesting_is_refused() -> None:
    nested: list[object] = []
    for _ in range(100_000):
        nested = [nested]

    with pytest.raises(InvalidInput, match="nested too deeply"):
        check_attributes({"deep": nested})


@pytest.mark.parametrize(
    "updates",
    [
        {},
        {"plan": "pro", "note": None, "seen": 17, "score": 1.5, "vip": True, "tags": ["a", None], "at": {"x": [1]}},
        {"a" * 150: "v" * 1000},
        {"é" * 75: "é" * 500},
        {f"name{number}": "v" * 100 for number in range(300)},
    ],
)
def test_attributes_within_limits_are_taken(updates: dict[str, object]) -> None:
    check_attributes(updates)

    assert len(updates) <= 300


@pytest.mark.parametrize(
    ("updates", "field", "words"),
    [
        ({f"n{number}": "" for number in range(301)}, "attributes", "has 301 attributes, 300 are allowed"),
        ({"a" * 151: "v"}, "attributes name", "151 bytes, 150 are allowed"),
        ({"é" * 76: 1}, "attributes name", "152 bytes"),
        ({"a\0": "v"}, "attributes name", "contains NUL"),
        ({"note": "v" * 1001}, "attributes.note", "1001 bytes, 1000 are allowed"),
        ({"note": "é" * 501}, "attributes.note", "1002 bytes"),
        ({"fine": "x", "note": "\0"}, "attributes.note", "contains NUL"),
        ({"note": "\ud800"}, "attributes.note", "no valid Unicode"),
        ({"tags": ["v" * 600, "v" * 600]}, "attributes.tags", "bytes, 1000 are allowed"),
        ({"tags": [["\0"]]}, "attributes.tags", "contains NUL"),
        ({"tags": {"\ud800": 1}}, "attributes.tags", "no valid Unicode"),
        ({"score": float("nan")}, "attributes.score", "send text, a number"),
        ({"when": object()}, "attributes.when", "send text, a number"),
        ({"big": 10**1000}, "attributes.big", "1001 bytes"),
    ],
)
def test_attributes_over_limits_are_refused(updates: dict[str, object], field: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as caught:
        check_attributes(updates)

    assert caught.value.field == field
