"""Conversion of options and arguments, without pydantic where there is nothing to convert.

Typer builds a pydantic validator for each parameter of the command that runs, also for those that are not given, and
for ``--help``. Importing pydantic takes as long as importing Typer.
"""

from collections.abc import Callable, Sequence
from enum import Enum
from functools import partial
from typing import Any

_PLAIN_TYPES = (str, int, float, bool, Enum)


def convert_only_what_needs_it(command: Any) -> Any:
    """Change how a Click command, and all commands below it, convert their parameters; returns the command."""
    command.get_params = partial(_parameters, command.get_params)
    for subcommand in getattr(command, "commands", {}).values():
        convert_only_what_needs_it(subcommand)
    return command


def _parameters(get_params: Callable[[Any], Sequence[Any]], context: Any) -> Sequence[Any]:
    parameters = get_params(context)
    for parameter in parameters:
        typers = getattr(parameter, "get_runtime_param", None)  # earlier versions of Typer convert without pydantic
        if typers is not None and not isinstance(typers, _Conversion):
            parameter.get_runtime_param = _Conversion(typers)
    return parameters


class _Conversion:
    """Passes through what is not given and what has its type already; Typer converts the rest."""

    def __init__(self, typers: Callable[[], Any]) -> None:
        self._typers = typers

    def __call__(self) -> "_Conversion":
        return self

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """Convert the text of a parameter, or return its default."""
        is_missing = value is None and not (param.multiple or param.nargs == -1)
        if is_missing or _has_type(value, param.type_descriptor):
            return value
        return self._typers().coerce(value, param=param, ctx=ctx)


def _has_type(value: Any, expected: Any) -> bool:
    is_plain = isinstance(value, _PLAIN_TYPES) and type(value) is expected.annotation
    return is_plain and expected.parameter_info.parser is None
