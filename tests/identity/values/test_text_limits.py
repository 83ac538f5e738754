import pytest

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.text_limits import (
    check_text,
    identifier_text,
    invisible_characters,
    quoted,
    stripped,
)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("ab100", "ab100"),
        (" ab ", " ab "),
        (7, "7"),
        (-(10**149), f"-1{'0' * 149}"[:151]),
        (1.5, "1.5"),
        (1e21, "1000000000000000000000"),
        (5.0, "5"),
        (1e10, "10000000000"),
        (-7.0, "-7"),
        (0.0, "0"),
        (-0.0, "0"),
        (100.0, "100"),
        (2.50, "2.5"),
        (1e-7, "0.0000001"),
        (None, None),
        ("", None),
        (" \t\n", None),
        ("\u200b\xa0", None),
        ("ä", "ä"),
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
    assert quoted(value) == words


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("a", "a"),
        (" a b\t", "a b"),
        ("\xa0a\u2009b\u3000", "a\u2009b"),
        ("\u200ba\u200bb\u200d\ufeff", "a\u200bb"),
        ("\u2060\xada\u200e", "a"),
        (" \u200b \xa0", ""),
        ("é", "é"),
    ],
)
def test_white_space_around_is_nothing(text: str, rest: str) -> None:
    assert stripped(text) == rest


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("a@x.org", ""),
        ("a b@x.org", ""),
        ("ä b@x.org", ""),
        ("a\u200b@x.org", "U+200B"),
        ("a\xa0b\xadc\u200b\xad@x.org", "U+00A0, U+00AD, U+200B"),
        ("a\x7f@x.org", "U+007F"),
        ("".join(map(chr, range(0x2060, 0x2070))), "U+2060, U+2061, U+2062, U+2063, U+2064"),
    ],
)
def test_invisible_characters_are_named(text: str, named: str) -> None:
    assert invisible_characters(text) == named
