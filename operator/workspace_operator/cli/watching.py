"""An identifier change as it gets on, shown until it needs nobody's watching: a bar on a terminal, else lines."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from workspace_operator.cli.output import is_interactive, note
from workspace_operator.migrations.records import Migration
from workspace_operator.migrations.stages import ENDED, Stage

POLL_SECONDS = 0.5

Show = Callable[[Migration], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """How far a change has come in its present stage, in people."""

    what: str
    done: int
    total: int


def watched(
    look: Callable[[], Migration | None],
    clock: Callable[[], datetime],
    sleep: Callable[[float], None] = time.sleep,
) -> Migration | None:
    """Show a workspace's newest change on standard error until it has ended or is blocked; what it is then."""
    with _shown(clock) as show:
        while (change := look()) is not None and goes_on(change):
            show(change)
            sleep(POLL_SECONDS)
    return change


def goes_on(change: Migration) -> bool:
    """Whether there is anything to wait for."""
    return change.stage not in ENDED and change.stage is not Stage.BLOCKED


def reached(change: Migration) -> Reached:
    """How far the present stage has come."""
    what = f"{change.stage} (paused)" if change.paused else str(change.stage)
    if change.stage is Stage.FOLDING:
        return Reached(what=what, done=change.people_folded, total=change.people_merged)
    return Reached(what=what, done=change.people_checked, total=change.people_total)


def time_left(change: Migration, now: datetime) -> str:
    """How long the present stage should still take, H:MM:SS; empty while nobody can say."""
    if change.estimated_completion is None or change.paused or not goes_on(change):
        return ""
    left = max(change.estimated_completion - now, timedelta())
    return str(timedelta(seconds=round(left.total_seconds())))


def line_of(change: Migration, now: datetime) -> str:
    """All of it in a line."""
    found, left = reached(change), time_left(change, now)
    counted = f": {found.done} of {found.total} people" if found.total else ""
    return f"{found.what}{counted}{f', {left} left' if left else ''}"


@contextmanager
def _shown(clock: Callable[[], datetime]) -> Iterator[Show]:
    if not is_interactive():
        yield _lines(clock)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[counted]}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("looking", total=None, counted="")

        def show(change: Migration) -> None:
            found, left = reached(change), time_left(change, clock())
            counted = f"{found.done}/{found.total}{f' {left} left' if left else ''}"
            # Without a total the bar moves to and fro.
            progress.update(
                task, description=found.what, completed=found.done, total=found.total or None, counted=counted
            )

        yield show


def _lines(clock: Callable[[], datetime]) -> Show:
    """A line for each time that something has moved."""
    told: Reached | None = None

    def show(change: Migration) -> None:
        nonlocal told
        found = reached(change)
        if found != told:
            note(line_of(change, clock()))
        told = found

    return show
