import pytest

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.json_limits import MAX_DEPTH, check_json


def nested(levels: int) -> object:
    value: object = 1
    for level in range(levels):
        value = [value] if level % 2 else {"in": value}
    return value


@pytest.mark.parametrize("value", [None, 1, 1.5, True, "é", [], {}, {"a": [{"b": None}]}, nested(MAX_DEPTH)])
def test_documents_within_bounds_are_taken(value: object) -> None:
    check_json(value, field="data", limit=200)

    assert MAX_DEPTH == 32


def test_size_is_counted_without_white_space() -> None:
    check_json({"a": [1, 2]}, field="data", limit=len('{"a":[1,2]}'))

    with pytest.raises(InvalidInput, match="11 bytes, 10 are allowed"):
        check_json({"a": [1, 2]}, field="data", limit=10)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (nested(MAX_DEPTH + 1), "nested too deeply, 32 levels"),
        (nested(100_000), "nested too deeply"),
        ({"a": "\0"}, "contains NUL"),
        ([{"\ud800": 1}], "no valid Unicode"),
        ({"a": float("inf")}, "send text, a number"),
        ([object()], "send text, a number"),
        ({"a": 10**4300}, "number of thousands of digits"),
        ("é" * 101, "bytes, 200 are allowed"),
    ],
)
def test_documents_out_of_bounds_are_refused(value: object, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as caught:
        check_json(value, field="data", limit=200)

    assert caught.value.field == "data"
