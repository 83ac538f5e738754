"""The identifier changes of a workspace."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from workspace_operator.console.texts import counted, text
from workspace_operator.console.views.changes import change_view, mode_text
from workspace_operator.console.views.formats import ShownTime, number, time
from workspace_operator.migrations.model import Migration
from workspace_operator.migrations.state_machine import Stage

SHOWN: Final = 50
"""Changes that are shown, the newest ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationLine:
    """A change: from what to what, when, and what became of it; a blocked one leads to the cleanup."""

    number: int
    change: str
    requested: ShownTime
    state: str
    detail: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationsView:
    """The changes of a workspace, newest first."""

    lines: Sequence[MigrationLine]


def migrations_view(migrations: Sequence[Migration], *, root: str, now: datetime) -> MigrationsView:
    """The changes of a workspace."""
    return MigrationsView(lines=[_line(migration, root, now) for migration in migrations])


def _line(migration: Migration, root: str, now: datetime) -> MigrationLine:
    before, after = mode_text(migration.from_mode), mode_text(migration.to_mode)
    key = "migrations.merging_change" if migration.merges else "migrations.change"
    return MigrationLine(
        number=migration.number,
        change=text(key, before=before, after=after),
        requested=time(migration.requested_at),
        state=_state(migration, now),
        detail=_detail(migration),
        href=f"{root}/cleanup" if migration.stage is Stage.BLOCKED else "",
    )


def _state(migration: Migration, now: datetime) -> str:
    if migration.stage is Stage.COMPLETED:
        return text("migrations.done")
    if migration.stage is Stage.CANCELLED:
        return text("migrations.cancelled")
    return change_view(migration, now=now).text


def _detail(migration: Migration) -> str:
    if not migration.people_merged:
        return ""
    merged = counted("migrations.merged", migration.people_merged)
    freed = text("migrations.freed", count=number(migration.ids_given_up))
    return f"{merged}, {freed}"
