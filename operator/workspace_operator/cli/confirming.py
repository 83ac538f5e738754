"""Asking somebody at a terminal whether they mean it."""

import sys
from typing import TextIO

from workspace_operator.cli.output import printable
from workspace_operator.errors import InvalidInput


def is_confirmed(question: str, word: str, answers: TextIO | None = None) -> bool:
    """Ask for a word to be typed; whether it was.

    Args:
        question: what is about to happen, and what to type.
        word: what has to be typed.
        answers: where it is typed; standard input if left out.

    Raises:
        InvalidInput: nobody is at a terminal.
    """
    typed = answers or sys.stdin
    if not typed.isatty():
        raise InvalidInput("nobody is at a terminal to confirm this: say --yes", field="--yes")
    print(printable(question), end=" ", file=sys.stderr, flush=True)
    return typed.readline().strip() == word
