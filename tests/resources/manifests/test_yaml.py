"""YAML is read as kubectl reads it, with the line of every field."""

import json
from typing import Any

import pytest
import yaml

from workspace_operator.errors import InvalidInput
from workspace_operator.resources.kubectl.yaml_documents import (
    DEPTH_LIMIT,
    LOADER,
    VALUES_LIMIT,
    Loader,
    documents_in,
    kubectl_loader,
)

LOADERS = {"of PyYAML alone": kubectl_loader(yaml.SafeLoader), "as used here": LOADER}
loaders = pytest.mark.parametrize("loader", LOADERS.values(), ids=LOADERS)

NUMBERS = {
    "0": 0,
    "000000": 0,
    "000017": 15,
    "000008": 8,
    "+5": 5,
    "-5": -5,
    "1_000": 1000,
    "0x1F": 31,
    "0o17": 15,
    "0b101": 5,
    "-0b1": -1,
    "123e45": 123e45,
    "1.5": 1.5,
    "1.": 1.0,
    ".5": 0.5,
    ".5_0": 0.5,
    "1__0.5_": 10.5,
    "-1E-2": -0.01,
    "18446744073709551615": 2**64 - 1,
    "18446744073709551616": float(2**64),
    "-9223372036854775809": -float(2**63),
    "9" * 300: 1e300,
    "0" * 5000 + "17": 15,
    "0b" + "0" * 5000 + "1": 1,
    "0." + "1" * 5000: 1 / 9,
}
BOOLEANS = {"y": True, "Yes": True, "on": True, "TRUE": True, "N": False, "no": False, "Off": False, "false": False}
NULLS = ["~", "null", "Null", "NULL"]
TEXTS = [
    *("1e3000", ".5e999", "2026-01-31", "2026-01-31T12:00:00Z", "1:30", "00ff00", "0x", "0o9", "0b2", "1_000e"),
    *("9" * 5000, "-" + "1" * 5000, "1_" * 3000 + "1", "0x" + "f" * 5000, "9" * 5000 + ".5"),
    *("+", ".", "._5", ".5_", "--1", "1,5", "=", "tRUE", "yES", "nUll", "nan", "inf"),
]


def value_of(text: str, loader: Loader = LOADER) -> Any:
    (document,) = documents_in(f"a: {text}\n", loader)
    return document.value["a"]


def shortly(text: str) -> str:
    return text[:20]


@loaders
@pytest.mark.parametrize("text", NUMBERS, ids=shortly)
def test_plain_number_is_a_number(text: str, loader: Loader) -> None:
    assert value_of(text, loader) == NUMBERS[text]
    assert not isinstance(value_of(text, loader), str | bool)


@pytest.mark.parametrize("text", BOOLEANS)
def test_plain_word_is_a_boolean(text: str) -> None:
    assert value_of(text) is BOOLEANS[text]


@pytest.mark.parametrize("text", NULLS)
def test_plain_word_is_nothing(text: str) -> None:
    assert value_of(text) is None


@loaders
@pytest.mark.parametrize("text", TEXTS, ids=shortly)
def test_other_plain_text_is_text(text: str, loader: Loader) -> None:
    assert value_of(text, loader) == text


@pytest.mark.parametrize("text", [*NUMBERS, *BOOLEANS, *NULLS, *TEXTS], ids=shortly)
def test_quoted_and_tagged_text_is_text(text: str) -> None:
    assert value_of(f"'{text}'") == text
    assert value_of(f"!!str {text}") == text


def test_whole_number_may_be_tagged_float() -> None:
    assert value_of("!!float 5") == 5.0
    assert value_of("!!int 5") == 5


def test_names_of_fields_are_text() -> None:
    (document,) = documents_in("{1: a, true: b, 1.5: c, x: d}")

    assert document.value == {"1": "a", "true": "b", "1.5": "c", "x": "d"}


def test_merged_fields_give_way() -> None:
    (document,) = documents_in("{a: 1, <<: [{a: 2, b: 2, c: 2}, {b: 3, d: 3}], c: 4}")

    assert document.value == {"a": 1, "b": 2, "c": 4, "d": 3}


def test_documents_are_numbered_and_lines_kept() -> None:
    text = "# first\n---\na:\n  b: 1\n---\n---\n- x\n-\n  - z\n"

    first, third = documents_in(text)

    assert (first.number, first.value) == (1, {"a": {"b": 1}})
    assert first.lines == {(): 3, ("a",): 3, ("a", "b"): 4}
    assert (third.number, third.value) == (3, ["x", ["z"]])
    assert third.lines[(1, 0)] == 9


@pytest.mark.parametrize("text", ["", "---\n", "# nothing\n", "---\n---\n"])
def test_empty_texts_have_no_documents(text: str) -> None:
    assert list(documents_in(text)) == []


REFUSED = {
    "a: 1\nb: 2\na: 3": "document 1, line 3: a: is given twice",
    "x:\n  a: 1\n  'a': 3": "document 1, line 3: x.a: is given twice",
    "a: 1\n---\nb: [,]": "document 2, line 3: ",
    "a: &x [*x]": "is too large",
    "a: &x {<<: *x, b: 1}": "is too large",
    "a: !!binary aGk=": "may not be tagged",
    "a: !ours hi": "may not be tagged !ours",
    "a: !!int x": "may not be tagged",
    "a: !!set {x}": "may not be used",
    "a: !ours [x]": "may not be used",
    "null: 1": "a field's name must be text",
    "? [a]\n: b": "a field's name must be text",
    "<<: hello": "<< must be followed by an object",
    "<<: [hello]": "<< must be followed by an object",
    "a: .inf": ".inf is not a JSON number",
    "a: -.Inf": "is not a JSON number",
    "a: .NaN": "is not a JSON number",
    'a: "\\ud800"': "",  # each of the loaders in its own words
    "a: \x00": "line 1: contains the character U+0000, which YAML forbids",
    "a: 1\nb: \x1b[2J": "line 2: contains the character U+001B",
    "\ta: 1": "found character",
    "a:\n\tb: 1": "document 1, line 2: ",
    "a: *nobody": "found undefined alias",
    "[" * 3000: "too deep",
    "- " * 3000: "too deep",
    "? " * 3000: "too deep",
    "a: " + "{a: " * 60 + "1" + "}" * 60: "too deep",
    "a: !ours " + "x" * 5000: "may not be tagged !ours",
    "? " + "x" * 5000 + "\n: 1\n? " + "x" * 5000 + "\n: 2": "is given twice",
}


@loaders
@pytest.mark.parametrize("text", REFUSED, ids=shortly)
def test_unreadable_text_is_refused_with_its_line(text: str, loader: Loader) -> None:
    with pytest.raises(InvalidInput) as refused:
        list(documents_in(text, loader))

    assert REFUSED[text] in str(refused.value)
    assert str(refused.value).startswith(("document ", "line "))
    assert "line " in str(refused.value)
    assert len(str(refused.value)) < 500


@loaders
def test_deepest_text_is_read(loader: Loader) -> None:
    [document] = documents_in("[" * DEPTH_LIMIT + "]" * DEPTH_LIMIT, loader)

    assert json.dumps(document.value) == "[" * DEPTH_LIMIT + "]" * DEPTH_LIMIT


ENDLESS = {
    "entries": "- a\n",
    "entries in a row": "a, ",
    "fields": "? a\n",
    "documents": "---\n",
    "aliases": "- *a\n",
}


@pytest.mark.parametrize("what", ENDLESS)
def test_text_of_too_many_steps_is_refused(what: str) -> None:
    beginning = {"aliases": "- &a x\n", "entries in a row": "["}.get(what, "")

    with pytest.raises(InvalidInput, match=r"too many values|given twice"):
        list(documents_in(beginning + ENDLESS[what] * 350_000))


def test_aliases_cannot_fill_the_memory() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]

    with pytest.raises(InvalidInput, match="too many values"):
        list(documents_in("\n".join(lines)))

    assert VALUES_LIMIT < 10**9
