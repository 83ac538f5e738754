"""The identifier change of a workspace, in words and as a shape."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from workspace_operator.console.texts import counted, text
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import Migration
from workspace_operator.migrations.state_machine import Stage

DONE, BLOCKED, RUNNING = "done", "blocked", "running"
"""Kinds of states, which have a shape each."""

SECONDS_A_MINUTE: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeView:
    """The state of the identifiers: its kind, and a sentence."""

    kind: str
    text: str


def mode_text(mode: Mode) -> str:
    """A mode in words."""
    return text(f"mode.{mode}")


def change_view(migration: Migration | None, *, now: datetime) -> ChangeView:
    """The state of the identifiers of a workspace, by its change that has not ended."""
    if migration is None:
        return ChangeView(kind=DONE, text=text("change.none"))
    mode = mode_text(migration.to_mode)
    if migration.paused:
        return ChangeView(kind=BLOCKED, text=text("change.suspended", mode=mode))
    if migration.stage is Stage.BLOCKED:
        blocking = migration.violations.people_concerned
        return ChangeView(kind=BLOCKED, text=counted("change.blocked", blocking, mode=mode))
    return ChangeView(kind=RUNNING, text=", ".join((_progress(migration, mode), *_remaining(migration, now))))


def _progress(migration: Migration, mode: str) -> str:
    done, total = migration.people_checked, migration.people_total
    if migration.stage is Stage.MERGING:
        done, total = migration.people_merged, migration.people_to_merge
    if not total:
        return text("change.running", mode=mode)
    return text("change.progress", mode=mode, percent=min(100, 100 * done // total))


def _remaining(migration: Migration, now: datetime) -> tuple[str, ...]:
    if migration.estimated_completion is None or migration.estimated_completion <= now:
        return ()
    seconds = (migration.estimated_completion - now).total_seconds()
    return (counted("change.remaining", max(1, round(seconds / SECONDS_A_MINUTE))),)
