"""How far a command has come: a bar on a terminal, else nothing."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

from workspace_operator.cli.support.output import is_interactive


@contextmanager
def file_bar(description: str, source: BinaryIO) -> Iterator[Callable[[], None]]:
    """Show how much of a file is read; of a pipe only that something is."""
    if not is_interactive():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    size = os.fstat(source.fileno()).st_size if source.seekable() else None
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(description, total=size)
        yield lambda: progress.update(task, completed=source.tell() if size is not None else None)


@contextmanager
def people_bar(description: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show how many people are done; it is told of each further so many. Without a total the bar moves to and fro."""
    if not is_interactive():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(description, total=total)
        yield lambda count: progress.advance(task, count)
