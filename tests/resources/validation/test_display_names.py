"""Display names that somebody can see and tell apart."""

import sys
import unicodedata
from functools import cache

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from workspace_operator.resources.display_names import comparison_key
from workspace_operator.resources.rules import DISPLAY_NAME_IS_VISIBLE

SEEN_BY_PYTHON_ONLY = (
    "\N{COMBINING GRAPHEME JOINER}\N{HANGUL CHOSEONG FILLER}\N{HANGUL JUNGSEONG FILLER}\N{HANGUL FILLER}"
    "\N{HALFWIDTH HANGUL FILLER}\N{KHMER VOWEL INHERENT AQ}\N{KHMER VOWEL INHERENT AA}\N{BRAILLE PATTERN BLANK}"
    "\N{KHITAN SMALL SCRIPT FILLER}\N{MUSICAL SYMBOL NULL NOTEHEAD}"
)
"""Letters, marks and symbols to Unicode, but blank on every screen."""


def is_visible(name: str) -> bool:
    return DISPLAY_NAME_IS_VISIBLE.holds({"spec": {"displayName": name}}, None)


@cache
def characters() -> str:
    """Every character but lone surrogates, which no document can hold."""
    return "".join(map(chr, [*range(0xD800), *range(0xE000, sys.maxunicode + 1)]))


def test_what_cannot_be_printed_is_refused() -> None:
    """Python knows fewer characters than tomorrow's Unicode: what it does not know yet is left alone."""
    private = "\ue000\uf8ff\U000f0000\U0010fffd"
    unprintable = [c for c in characters() if not c.isprintable() and unicodedata.category(c) not in {"Cn", "Co"}]

    assert [f"U+{ord(c):04X}" for c in (*unprintable, *private) if is_visible(f"a{c}b")] == []


def test_what_can_be_printed_is_allowed() -> None:
    blank = frozenset(SEEN_BY_PYTHON_ONLY)
    printable = [c for c in characters() if c.isprintable() and c not in blank and not is_selector(c)]

    # A few at a time: the pattern is compiled each time.
    for start in range(0, len(printable), 2000):
        batch = "".join(printable[start : start + 2000])
        assert is_visible(f"a{batch}b"), next(f"U+{ord(c):04X}" for c in batch if not is_visible(f"a{c}b"))


def is_selector(character: str) -> bool:
    return "VARIATION SELECTOR" in unicodedata.name(character, "")


@pytest.mark.parametrize("character", SEEN_BY_PYTHON_ONLY, ids=unicodedata.name)
def test_what_looks_like_nothing_is_refused(character: str) -> None:
    assert not is_visible(character)
    assert not is_visible(f"Shop{character}")


@pytest.mark.parametrize("selector", ["\ufe00", "\ufe0e", "\U000e0100", "\u180b"])
def test_other_selectors_are_refused(selector: str) -> None:
    assert not is_visible(f"\N{HEAVY BLACK HEART}{selector}")


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=100))
@example(" Shop")
@example("Shop\N{EN QUAD}")
def test_white_space_stands_between_words_only(name: str) -> None:
    if is_visible(name):
        assert name == name.strip()
        assert all(c == " " for c in name if c.isspace())


def test_names_that_look_the_same_share_a_key() -> None:
    assert comparison_key("Cafe\N{COMBINING ACUTE ACCENT}") == comparison_key("Caf\N{LATIN SMALL LETTER E WITH ACUTE}")
    assert comparison_key("\N{HEAVY BLACK HEART}\ufe0f") == comparison_key("\N{HEAVY BLACK HEART}")


@pytest.mark.parametrize(("one", "other"), [("Shop", "shop"), ("Shop", "\uff33hop"), ("Straße", "Strasse")])
def test_names_that_look_different_stay_apart(one: str, other: str) -> None:
    assert comparison_key(one) != comparison_key(other)
