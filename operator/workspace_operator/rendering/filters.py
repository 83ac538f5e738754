"""The filters that templates may use, with limits of size that the library lacks (sending §7).

A chain of filters in one expression cannot be interrupted. Growth that multiplies is checked before the filter works,
any other growth after it, so that each step of a chain stays small.
"""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Final

from liquid.exceptions import FilterError

Filter = Callable[..., Any]

MAX_CHARACTERS: Final = 500_000
MAX_ITEMS: Final = 10_000
MAX_BITS: Final = 4096

_ALLOWED = """
    abs append at_least at_most base64_decode base64_encode base64_url_safe_decode base64_url_safe_encode capitalize
    ceil compact concat date default divided_by downcase escape escape_once escapejs find find_index first floor has
    join last lstrip map minus modulo newline_to_br plus prepend reject remove remove_first remove_last replace
    replace_first replace_last reverse round rstrip safe size slice sort sort_natural split squish strip strip_html
    strip_newlines sum times truncate truncatewords uniq upcase url_decode url_encode where
"""
ALLOWED: Final = frozenset(_ALLOWED.split())
"""Filters of the library; one that a newer version adds is unknown until it is reviewed and listed here."""


def bounded(filters: Mapping[str, Filter]) -> dict[str, Filter]:
    """The allowed filters, each with limits of its result."""
    return {name: _bounded(name, function) for name, function in filters.items() if name in ALLOWED}


def _bounded(name: str, function: Filter) -> Filter:
    predicted = _PREDICTIONS.get(name)

    @wraps(function)  # also copies the attributes by which the library passes the environment
    def limited(value: object, *args: Any, **kwargs: Any) -> Any:
        if predicted is not None and predicted(value, *args) > MAX_CHARACTERS:
            raise FilterError(_TOO_LARGE.format(name), token=None)
        result = function(value, *args, **kwargs)
        if _is_too_large(result):
            raise FilterError(_TOO_LARGE.format(name), token=None)
        return result

    return limited


_TOO_LARGE = (
    f"the result of {{}} is larger than {MAX_CHARACTERS} characters, {MAX_ITEMS} items or {MAX_BITS} bits: shorten it"
)


def _is_too_large(result: object) -> bool:
    if isinstance(result, str):
        return len(result) > MAX_CHARACTERS
    if isinstance(result, list):
        return len(result) > MAX_ITEMS
    return isinstance(result, int) and result.bit_length() > MAX_BITS


def _characters(value: object) -> int:
    return len(value) if isinstance(value, str) else 0


def _concatenated(value: object, other: object = "", *_: object) -> int:
    return _characters(value) + _characters(other)


def _replaced(value: object, old: object = "", new: object = "", *_: object) -> int:
    if not isinstance(value, str):
        return 0
    found = value.count(old if isinstance(old, str) else str(old))
    return len(value) + found * max(0, _characters(new) - _characters(old))


def _joined(value: object, separator: object = " ", *_: object) -> int:
    if not isinstance(value, list | tuple | range):
        return 0
    characters = 0 if isinstance(value, range) else sum(map(_characters, value))
    return characters + len(value) * max(1, _characters(separator))


def _multiplied(value: object, factor: object = 0, *_: object) -> int:
    """More than the limit if a product of whole numbers has too many bits; digits in text are three bits or more."""
    return MAX_CHARACTERS + 1 if _bits(value) + _bits(factor) > MAX_BITS else 0


def _bits(value: object) -> int:
    return value.bit_length() if isinstance(value, int) else 4 * _characters(value)


_PREDICTIONS: Mapping[str, Callable[..., int]] = {
    "append": _concatenated,
    "prepend": _concatenated,
    "replace": _replaced,
    "join": _joined,
    "times": _multiplied,
}
"""The least size of a result, in characters, computed before the filter works."""
