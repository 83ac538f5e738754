"""Display names: their allowed characters, and the comparison of two names.

The forbidden characters are ranges instead of Unicode categories, because the API server (Go), the CEL evaluator and
Python must agree, but each has its own Unicode version. Scripts that Unicode adds later are therefore allowed.
Everything above U+3FFFF is unassigned, invisible or private.
"""

from unicodedata import normalize

EMOJI_SELECTOR = "\N{VARIATION SELECTOR-16}"
"""Selects the coloured form of the symbol before it; phone keyboards insert it."""

INVISIBLE = (
    # Controls, NO-BREAK SPACE, SOFT HYPHEN, COMBINING GRAPHEME JOINER, Arabic and Syriac format characters
    *("00-1F", "7F-A0", "AD", "34F", "600-605", "61C", "6DD", "70F", "890-891", "8E2"),
    # Fillers, inherent vowels, Mongolian selectors, OGHAM SPACE MARK
    *("115F-1160", "1680", "17B4-17B5", "180B-180F"),
    # Zero-width joiners would allow names that look the same, so emoji of several persons are forbidden as well.
    # Spaces, zero-width characters, separators of lines and paragraphs, directions, invisible operators, BRAILLE BLANK
    *("2000-200F", "2028-202F", "205F-206F", "2800", "3000", "3164"),
    # Private use, noncharacters, other variation selectors, BYTE ORDER MARK, interlinear annotations
    *("E000-F8FF", "FDD0-FDEF", "FE00-FE0E", "FEFF", "FFA0", "FFF0-FFFB", "FFFE-FFFF"),
    # Formats of Kaithi, hieroglyphs, Khitan, shorthand and music
    *("110BD", "110CD", "13430-1343F", "16FE4", "1BCA0-1BCA3", "1D159", "1D173-1D17A"),
    *("1FFFE-1FFFF", "2FFFE-2FFFF", "3FFFE-10FFFF"),
)
"""Hexadecimal ranges of code points that are invisible or easily confused, except for the plain space."""

SYMBOLS = (
    *("A9", "AE", "203C", "2049", "2122", "2139", "2190-21FF", "2300-23FF", "25A0-27BF", "2900-297F", "2B00-2BFF"),
    *("3030", "303D", "3297", "3299", "1F000-1FAFF"),
)
"""Ranges of code points that may be followed by `EMOJI_SELECTOR`."""


def _ranges(ranges: tuple[str, ...]) -> str:
    """The content of a character class, in the syntax of both RE2 and the regex crate."""
    return "".join("-".join(rf"\x{{{point}}}" for point in span.split("-")) for span in ranges)


NO_INVISIBLE_CHARACTER = f"!self.matches(r'[{_ranges(INVISIBLE)}]')"
"""CEL: none of `INVISIBLE`."""

EXPRESSION = " && ".join(
    (
        NO_INVISIBLE_CHARACTER,
        r"!self.matches(r'^[ \p{M}]| $')",
        rf"!self.matches(r'(?:^|[^0-9#*{_ranges(SYMBOLS)}])\x{{FE0F}}')",
    )
)
"""CEL: no invisible character, no combining mark at the start, spaces only inside, selectors only after a symbol.

Several small patterns, since each is compiled at evaluation.
"""


def comparison_key(name: str) -> str:
    """The form in which two display names are compared: NFC without `EMOJI_SELECTOR`."""
    return normalize("NFC", name).replace(EMOJI_SELECTOR, "")
