"""Errors of Liquid in words, with line and column."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from liquid.exceptions import LiquidError

_MAX_REASON: Final = 200

_markup = re.compile(r"\{\{.*?\}\}|\{%-?\s*(\w*).*?%\}", re.DOTALL)
_blocks: Mapping[str, tuple[str, str]] = {
    **{
        name: ("", f"{{% end{name} %}}")
        for name in ("if", "unless", "for", "case", "capture", "tablerow", "ifchanged", "comment", "raw", "doc")
    },
    **dict.fromkeys(("elsif", "else"), ("{% if true %}", "{% endif %}")),
    "when": ("{% case 1 %}", "{% endcase %}"),
}
"""What makes a tag a whole template: the text before it and after it."""


def position_of(error: Exception) -> int | None:
    """Where in its template an error is, if the library knows it."""
    token = error.token if isinstance(error, LiquidError) else None
    return token.start_index if token is not None and token.start_index >= 0 else None


def find_problem(source: str, parse: Callable[[str], object]) -> int:
    """Where the first tag or expression begins that is not valid by itself; the end if each is, as without an end tag.

    The library does not know the place of an expression that ends too early.
    """
    for found in _markup.finditer(source):
        name = found[1] or ""
        before, after = _blocks.get(name, ("", ""))
        if name.startswith("end"):
            continue
        try:
            parse(before + found[0] + after)
        except LiquidError:
            return found.start()
    return len(source)


def line_and_column(source: str, start: int) -> str:
    """The place in words, both from 1."""
    line, column = source.count("\n", 0, start) + 1, start - source.rfind("\n", 0, start)
    return f" at line {line}, column {column}"


def reason_of(error: Exception) -> str:
    """What is wrong, in one line of limited length."""
    if isinstance(error, RecursionError) or isinstance(error.__cause__, RecursionError):
        return "it is nested too deeply"
    text = str(error.message) if isinstance(error, LiquidError) else f"{type(error).__name__}: {error}"
    text = " ".join(text.split())
    return text if len(text) <= _MAX_REASON else f"{text[:_MAX_REASON]}…"
