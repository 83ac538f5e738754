"""What needs a terminal: progress bars on standard error, and the confirmation of a deletion."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, TextIO

from workspace_operator.cli.support.output import is_interactive, printable
from workspace_operator.errors import InvalidInput

if TYPE_CHECKING:
    from rich.progress import Progress


@contextmanager
def file_bar(description: str, source: BinaryIO) -> Iterator[Callable[[], None]]:
    """Show which part of a file has been read. A pipe has no size, so its bar only moves."""
    if not is_interactive():
        yield lambda: None
        return
    size = os.fstat(source.fileno()).st_size if source.seekable() else None
    with _progress(in_bytes=True) as progress:
        task = progress.add_task(description, total=size)
        yield lambda: progress.update(task, completed=source.tell() if size is not None else None)


@contextmanager
def people_bar(description: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show how many people are done; yields a callback that adds a number. Without a total the bar only moves."""
    if not is_interactive():
        yield lambda _: None
        return
    with _progress(in_bytes=False) as progress:
        task = progress.add_task(description, total=total)
        yield lambda count: progress.advance(task, count)


def _progress(*, in_bytes: bool) -> "Progress":
    from rich import progress  # noqa: PLC0415 - without a terminal, a command does not load it
    from rich.console import Console  # noqa: PLC0415 - the same

    count = progress.DownloadColumn() if in_bytes else progress.MofNCompleteColumn()
    columns = (progress.TextColumn("{task.description}"), progress.BarColumn(), count, progress.TimeRemainingColumn())
    return progress.Progress(*columns, console=Console(stderr=True), transient=True)


def confirm(question: str, expected: str, terminal: TextIO | None = None) -> bool:
    """Ask the user to type a word; returns whether the answer is that word.

    The answer is read from standard input by default. Raises InvalidInput if that is not a terminal.
    """
    source = terminal or sys.stdin
    if not source.isatty():
        raise InvalidInput("standard input is not a terminal, so this cannot be confirmed: add --yes", field="--yes")
    print(printable(question), end=" ", file=sys.stderr, flush=True)
    return source.readline().strip() == expected
