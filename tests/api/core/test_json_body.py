"""JSON bodies: what is taken, and what is refused before anybody looks into it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workspace_operator.errors import InvalidInput
from workspace_operator.web.core.json_body import MAX_DEPTH, json_object

DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)

UNICODE = st.text(st.characters(exclude_categories=["Cs"]))


def nested(depth: int, *, filling: str = "") -> bytes:
    """An object with so many levels."""
    return ('{"a":' + "[" * (depth - 1) + filling + "]" * (depth - 1) + "}").encode()


def outcome(body: bytes) -> str:
    """What a body comes to: the words of its refusal, if it is refused."""
    try:
        json_object(body)
    except InvalidInput as error:
        return str(error)
    return "an object"


@given(st.dictionaries(st.text(), DOCUMENTS, max_size=4))
def test_object_is_read_as_it_was_written(document: dict[str, Any]) -> None:
    assert json_object(json.dumps(document).encode()) == document


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"]))
    )
)
def test_text_is_read_unescaped(document: dict[str, str]) -> None:
    assert json_object(json.dumps(document, ensure_ascii=False).encode()) == document


@given(st.binary(max_size=200) | st.text('[]{}",:\\0 ', max_size=200).map(str.encode))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    assert outcome(body).startswith(("an object", "the body"))


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b'{"a":1}x', "not valid JSON"),
        (b"{'a':1}", "not valid JSON"),
        (b'{"a":"\n"}', "not valid JSON"),
        (b"[]", "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b'"text"', "must be a JSON object"),
        (b'{"a":NaN}', "NaN"),
        (b'{"a":-Infinity}', "-Infinity"),
        (b'{"a":1e400}', "too large"),
        (b'{"a":1' + b"0" * 5000 + b"}", "too many digits"),
        (b'{"a":"\xff"}', "UTF-8"),
        (b'{"a":"\xed\xa0\x80"}', "UTF-8"),
        ('{"a":1}'.encode("utf-16"), "UTF-8"),
        (b"\xef\xbb\xbf" * 2 + b"{}", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b'{"a":' * 100_000, "not valid JSON"),
    ],
)
def test_what_is_no_object_is_refused(body: bytes, word: str) -> None:
    with pytest.raises(InvalidInput, match=word):
        json_object(body)


def test_byte_order_mark_is_ignored() -> None:
    assert json_object('{"a":"ä"}'.encode("utf-8-sig")) == {"a": "ä"}


def test_last_of_equal_names_counts() -> None:
    assert json_object(b'{"a":1,"a":2}') == {"a": 2}


def test_depth_is_taken_up_to_its_limit() -> None:
    assert json_object(nested(MAX_DEPTH))


@pytest.mark.parametrize("filling", ["", "1", '"]"', '"\\""', '"\\\\"', '"]]","[["', "{},{}"])
def test_depth_beyond_its_limit_is_refused(filling: str) -> None:
    with pytest.raises(InvalidInput, match="nested deeper"):
        json_object(nested(MAX_DEPTH + 1, filling=filling))


@pytest.mark.parametrize("text", ["[" * 100, '"' + "[" * 100, "\\" + "{" * 100, '\\"' + "[{" * 50])
def test_brackets_in_text_are_no_depth(text: str) -> None:
    document = {"a": text, "b": [text]}

    assert json_object(json.dumps(document).encode()) == document


def test_many_objects_side_by_side_are_no_depth() -> None:
    document: dict[str, Any] = {"batch": [{"a": {}}] * 1000}

    assert json_object(json.dumps(document).encode()) == document


@given(st.integers(1, 80), st.text('"\\[]{} ', max_size=20))
def test_depth_is_judged_as_it_is(depth: int, text: str) -> None:
    inner: Any = text
    for _ in range(depth - 1):
        inner = [inner, text]
    body = json.dumps({"a": inner}).encode()

    if depth <= MAX_DEPTH:
        assert json_object(body) == {"a": inner}
    else:
        with pytest.raises(InvalidInput, match="nested deeper"):
            json_object(body)
