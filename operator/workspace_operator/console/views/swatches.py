"""The colour of a workspace, as a square with a letter (console: workspace colours)."""

import re
from dataclasses import dataclass
from typing import Final

from workspace_operator.console.views.formats import visible

DEFAULT_COLOR: Final = "6B7280"
BLACK, WHITE = "000000", "FFFFFF"

_is_color: Final = re.compile("[0-9A-Fa-f]{6}").fullmatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Swatch:
    """A square: colours as six hexadecimal digits, and the letter in it."""

    color: str
    letter_color: str
    letter: str


def swatch(color: str, name: str) -> Swatch:
    """The swatch of a workspace; its letter is black or white, whichever contrasts more."""
    background = color if _is_color(color) else DEFAULT_COLOR
    letter_color = max((BLACK, WHITE), key=lambda letter: contrast(letter, background))
    letter = next((char for char in name if char.isalnum()), "")
    return Swatch(color=background, letter_color=letter_color, letter=visible(letter.upper()[:1]))


def contrast(one: str, other: str) -> float:
    """The contrast of two colours by WCAG, from 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: str) -> float:
    red, green, blue = (_linear(int(color[start : start + 2], 16) / 255) for start in (0, 2, 4))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
