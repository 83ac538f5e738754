"""Liquid with limits: parsed templates of text and of HTML, and their errors in words (sending §7)."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final, Protocol

from liquid import Environment
from liquid.exceptions import LiquidError

from workspace_operator.errors import InvalidInput
from workspace_operator.rendering.filters import bounded
from workspace_operator.rendering.liquid_errors import find_problem, line_and_column, position_of, reason_of
from workspace_operator.sending.requests.overrides import is_liquid

MAX_CACHED_CHARACTERS: Final = 1_000_000
"""Total length of the sources whose parsed form is kept; a parsed template takes some 30 times its source."""


class _LimitedEnvironment(Environment):
    """Liquid without files, with the library's own limits; those of time and memory are the process'."""

    context_depth_limit = 30
    loop_iteration_limit = 10_000
    output_stream_limit = 500_000
    local_namespace_limit = 200_000

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        """Register the tags that need no files, and the allowed filters."""
        super().setup_tags_and_filters(extra=extra)
        for name in ("include", "render"):
            del self.tags[name]
        self.filters = bounded(self.filters)


class Parsed(Protocol):
    """A parsed template."""

    def render(self, variables: Mapping[str, Any], /) -> str:
        """Render it."""
        ...


class LiquidTemplates:
    """Parsed templates, of which the last used are kept. Not thread-safe: each process has its own."""

    def __init__(self) -> None:
        self._text = _LimitedEnvironment(autoescape=False)
        self._html = _LimitedEnvironment(autoescape=True)
        self._parsed: OrderedDict[tuple[bool, str], Parsed] = OrderedDict()
        self._characters = 0

    def check(self, source: str, *, field: str) -> None:
        """Parse a template and look for unknown filters. Raises InvalidInput with line and column."""
        try:
            filters = self._text.from_string(source).analyze().filters
            for name in filters.keys() - self._text.filters.keys():
                where = line_and_column(source, filters[name][0].index)
                raise InvalidInput(f"{field} is not valid Liquid{where}: unknown filter {name!r}", field=field)
        except (LiquidError, RecursionError) as error:
            start = position_of(error)
            start = find_problem(source, self._text.from_string) if start is None else start
            raise InvalidInput(_words(error, f"{field} is not valid Liquid", source, start), field=field) from error

    def render_text(self, source: str, variables: Mapping[str, Any], *, field: str) -> str:
        """Render a template of text, in which values stay as they are.

        Raises:
            InvalidInput: the template is not valid, or exceeds a limit of Liquid.
        """
        return self._render(source, variables, field, escaped=False)

    def render_html(self, source: str, variables: Mapping[str, Any], *, field: str) -> str:
        """Render a template of HTML, in which values are escaped. Raises InvalidInput."""
        return self._render(source, variables, field, escaped=True)

    def _render(self, source: str, variables: Mapping[str, Any], field: str, *, escaped: bool) -> str:
        if not is_liquid(source):
            return source
        try:
            return self._template(source, escaped=escaped).render(variables)
        except (LiquidError, ValueError, ArithmeticError, RecursionError, LookupError, TypeError) as error:
            # The library's filters let some of Python's errors pass, such as those of strftime.
            start = position_of(error)
            raise InvalidInput(_words(error, f"{field} cannot be rendered", source, start), field=field) from error

    def _template(self, source: str, *, escaped: bool) -> Parsed:
        key = (escaped, source)
        found = self._parsed.get(key)
        if found is not None:
            self._parsed.move_to_end(key)
            return found
        parsed = (self._html if escaped else self._text).from_string(source)
        self._parsed[key] = parsed
        self._characters += len(source)
        while self._characters > MAX_CACHED_CHARACTERS:
            (_, oldest), _ = self._parsed.popitem(last=False)
            self._characters -= len(oldest)
        return parsed


def _words(error: Exception, problem: str, source: str, start: int | None) -> str:
    where = "" if start is None else line_and_column(source, start)
    return f"{problem}{where}: {reason_of(error)}"
