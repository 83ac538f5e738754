"""Shows the progress of a migration until it ends or is blocked: a bar on a terminal, else lines."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from workspace_operator.cli.support.output import info, is_interactive
from workspace_operator.migrations.model import Migration
from workspace_operator.migrations.state_machine import TERMINAL, Stage

POLL_SECONDS = 0.5

ShowMigration = Callable[[Migration], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class StageProgress:
    """Progress of the current stage of a migration, in people."""

    label: str
    done: int
    total: int


def watch_migration(
    fetch: Callable[[], Migration | None], clock: Callable[[], datetime], sleep: Callable[[float], None] = time.sleep
) -> Migration | None:
    """Show the progress of a migration on standard error until it ends or is blocked; returns its last state."""
    with _display(clock) as show:
        while (migration := fetch()) is not None and is_active(migration):
            show(migration)
            sleep(POLL_SECONDS)
    return migration


def is_active(migration: Migration) -> bool:
    """Whether the migration has neither ended nor is blocked."""
    return migration.stage not in TERMINAL and migration.stage is not Stage.BLOCKED


def stage_progress(migration: Migration) -> StageProgress:
    """Return the progress of the current stage."""
    label = f"{migration.stage} (paused)" if migration.paused else str(migration.stage)
    if migration.stage is Stage.MERGING:
        return StageProgress(label=label, done=migration.people_merged, total=migration.people_to_merge)
    return StageProgress(label=label, done=migration.people_checked, total=migration.people_total)


def time_left(migration: Migration, now: datetime) -> str:
    """Format the estimated time left of the current stage as H:MM:SS; empty while it is unknown."""
    if migration.estimated_completion is None or migration.paused or not is_active(migration):
        return ""
    remaining = max(migration.estimated_completion - now, timedelta())
    return str(timedelta(seconds=round(remaining.total_seconds())))


def progress_line(migration: Migration, now: datetime) -> str:
    """Format stage, count and time left in a line."""
    current, remaining = stage_progress(migration), time_left(migration, now)
    count_text = f": {current.done} of {current.total} people" if current.total else ""
    return f"{current.label}{count_text}{f', {remaining} left' if remaining else ''}"


@contextmanager
def _display(clock: Callable[[], datetime]) -> Iterator[ShowMigration]:
    if not is_interactive():
        yield _line_display(clock)
        return
    from rich.console import Console  # noqa: PLC0415 - without a terminal, a command does not load it
    from rich.progress import BarColumn, Progress, TextColumn  # noqa: PLC0415 - the same

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[count_text]}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("reading", total=None, count_text="")

        def show(migration: Migration) -> None:
            current, remaining = stage_progress(migration), time_left(migration, clock())
            count_text = f"{current.done}/{current.total}{f' {remaining} left' if remaining else ''}"
            total = current.total or None  # without a total the bar only moves
            progress.update(task, description=current.label, completed=current.done, total=total, count_text=count_text)

        yield show


def _line_display(clock: Callable[[], datetime]) -> ShowMigration:
    """Print a line whenever the progress has changed."""
    last_shown: StageProgress | None = None

    def show(migration: Migration) -> None:
        nonlocal last_shown
        current = stage_progress(migration)
        if current != last_shown:
            info(progress_line(migration, clock()))
        last_shown = current

    return show
