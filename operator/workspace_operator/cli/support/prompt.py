"""Asking somebody at a terminal whether they mean it."""

import sys
from typing import TextIO

from workspace_operator.cli.support.output import printable
from workspace_operator.errors import InvalidInput


def confirm(question: str, expected: str, terminal: TextIO | None = None) -> bool:
    """Ask for a word to be typed; whether it was.

    Args:
        question: what is about to happen, and what to type.
        expected: what has to be typed.
        terminal: where it is typed; standard input if left out.

    Raises:
        InvalidInput: nobody is at a terminal.
    """
    source = terminal or sys.stdin
    if not source.isatty():
        raise InvalidInput("nobody is at a terminal to confirm this: say --yes", field="--yes")
    print(printable(question), end=" ", file=sys.stderr, flush=True)
    return source.readline().strip() == expected
