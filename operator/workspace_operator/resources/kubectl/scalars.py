"""Resolves plain YAML scalars as kubectl does, which differs from PyYAML.

For kubectl ``y`` is true, ``000008`` and ``123e45`` are numbers; ``1e3000`` (out of range), ``1:30`` and ``2026-01-31``
are text. The rules are those of go.yaml.in/yaml/v2, the YAML library of kubectl.
"""

import math
import re

YES = frozenset(spelling for word in ("y", "yes", "true", "on") for spelling in (word, word.title(), word.upper()))
NO = frozenset(spelling for word in ("n", "no", "false", "off") for spelling in (word, word.title(), word.upper()))
NOTHING = frozenset({"", "~", "null", "Null", "NULL"})
UNBOUNDED = {
    sign + spelling: float(f"{sign}{word}")
    for word, sign in (("inf", ""), ("inf", "+"), ("inf", "-"), ("nan", ""))
    for spelling in (f".{word}", f".{word.title()}", f".{word.upper()}")
} | {".NaN": math.nan}

DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]*)")
OCTAL = re.compile(r"[-+]?0[0-7]+")
PREFIXED = re.compile(r"[-+]?(0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+)")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
FRACTION = re.compile(r"\.[0-9]+(_[0-9]+)*([eE][-+]?[0-9]+(_[0-9]+)*)?")
LONGEST_DECIMAL = len("-18446744073709551615")
"""In characters. Longer numbers exceed 64 bits, and Python refuses to parse thousands of digits."""
LOWEST, HIGHEST = -(2**63), 2**64 - 1

Scalar = str | int | float | bool | None


def plain_value(text: str) -> Scalar:
    """The value of a plain (unquoted, untagged) YAML scalar."""
    if text in NOTHING:
        return None
    if text in YES or text in NO:
        return text in YES
    if text in UNBOUNDED:
        return UNBOUNDED[text]
    number = number_of(text)
    return text if number is None else number


def number_of(text: str) -> int | float | None:
    """The number of a text, if it is one. Underscores may group digits, except after a leading dot."""
    if text.startswith("."):
        return finite(text) if FRACTION.fullmatch(text) else None
    digits = text.replace("_", "") if text[0] in "+-0123456789" else ""
    whole = whole_number_of(digits)
    if whole is not None and LOWEST <= whole <= HIGHEST:
        return whole
    return finite(digits) if FLOAT.fullmatch(digits) else None


def finite(digits: str) -> float | None:
    """The number of a text; None if it is out of range, so that it stays text."""
    number = float(digits)
    return number if math.isfinite(number) else None


def whole_number_of(digits: str) -> int | None:
    """The integer of a text in any YAML notation; a leading zero means octal."""
    if OCTAL.fullmatch(digits):
        return int(digits, 8)
    if PREFIXED.fullmatch(digits) or (len(digits) <= LONGEST_DECIMAL and DECIMAL.fullmatch(digits)):
        return int(digits, 0)
    return None
