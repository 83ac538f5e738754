import pytest

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.texts import check_text, identifier_text, shown


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("ab100", "ab100"),
        (" ab ", " ab "),
        (7, "7"),
        (-(10**149), f"-1{'0' * 149}"[:151]),
        (1.5, "1.5"),
        (1e21, "1000000000000000000000"),
        (1e-7, "0.0000001"),
        (None, None),
        ("", None),
        (" \t\n", None),
    ],
)
def test_identifiers_become_text(raw: object, text: str | None) -> None:
    assert identifier_text(raw, field="id", limit=151) == text


@pytest.mark.parametrize("raw", [True, False, [], {}, b"x", float("nan"), float("inf"), 10**150, -(10**150)])
def test_other_types_are_refused(raw: object) -> None:
    with pytest.raises(InvalidInput, match="send text or a number") as caught:
        identifier_text(raw, field="id", limit=1000)

    assert caught.value.field == "id"


@pytest.mark.parametrize("text", ["a" * 150, "é" * 75, "\N{GRINNING FACE}" * 37])
def test_text_up_to_limit_is_taken(text: str) -> None:
    assert identifier_text(text, field="id", limit=150) == text


@pytest.mark.parametrize(("text", "size"), [("a" * 151, 151), ("é" * 76, 152), ("\N{GRINNING FACE}" * 38, 152)])
def test_text_over_limit_is_refused(text: str, size: int) -> None:
    with pytest.raises(InvalidInput, match=f"has {size} bytes, 150 are allowed: shorten it") as caught:
        check_text(text, field="id", limit=150)

    assert caught.value.field == "id"


@pytest.mark.parametrize("text", ["a\0", "é\0", "\0"])
def test_nul_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="contains NUL"):
        check_text(text, field="id", limit=150)


@pytest.mark.parametrize("text", ["\ud800", "a\udfff", "\ud83d\ude00"])
def test_lone_surrogates_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="no valid Unicode"):
        check_text(text, field="id", limit=150)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("ann", "'ann'"),
        ("a" * 41, f"'{'a' * 40}'…"),
        ("\x1b[31m\ud800", r"'\x1b[31m\ud800'"),
        (7, "7"),
        (None, "null"),
        (True, "true"),
        (["a", {"b": 1.5}], '["a", {"b": 1.5}]'),
        (["é\n"], '["\\u00e9\\n"]'),
        ({"a": "b" * 41}, f'{{"a": "{"b" * 33}…'),
        (["a"] * 100_000, '["a", "a", "a", "a", "a", "a", "a", "a",…'),
        ([10**5000], "a number of thousands of digits"),
        (b"x", '"bytes"'),
    ],
)
def test_messages_show_values_safely(value: object, words: str) -> None:
    assert shown(value) == words
