"""What the overview of a workspace shows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from workspace_operator.application.overviews.summaries import Overview
from workspace_operator.cleanups.model import Cleanup
from workspace_operator.console.texts import counted, text
from workspace_operator.console.views.changes import BLOCKED, RUNNING, ChangeView, change_view, mode_text
from workspace_operator.console.views.formats import ShownTime, day, number, time, visible
from workspace_operator.console.views.workspaces import sending_text
from workspace_operator.migrations.state_machine import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A line of a list of facts."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LastCleanup:
    """The last cleanup that was applied, and until when it can be undone; empty if it cannot."""

    text: str
    href: str
    undo: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OverviewView:
    """One workspace.

    Attributes:
        state: the sentence about its settings.
        attention: what needs a person; empty if nothing does.
        cleanup_href: where the people who block the change are cleaned up; empty if nobody does.
        is_changing: whether an identifier change is running, so that its progress is shown.
        is_moving: whether the page changes by itself, so that it asks again.
    """

    name: str
    href: str
    state: str
    change: ChangeView
    people: Sequence[Fact]
    settings: Sequence[Fact]
    credentials_rotated: ShownTime | None
    attention: Sequence[str]
    cleanup_href: str
    last_cleanup: LastCleanup | None
    is_changing: bool
    is_moving: bool


def overview_view(overview: Overview, last: Cleanup | None, *, now: datetime) -> OverviewView:
    """The overview of a workspace, with its last cleanup."""
    workspace, migration = overview.summary.workspace, overview.summary.migration
    change = change_view(migration, now=now)
    rotated, owner = overview.credentials_rotated_at, workspace.owner
    return OverviewView(
        name=visible(workspace.settings.display_name),
        href=f"/w/{workspace.workspace_id}",
        state=_state(overview),
        change=change,
        people=_people(overview),
        settings=[
            Fact(name=text("overview.identifiers"), value=mode_text(workspace.mode)),
            Fact(name=text("workspaces.sending"), value=sending_text(workspace.settings)),
            Fact(name=text("overview.resource"), value=visible(f"{owner.namespace}/{owner.name}")),
        ],
        credentials_rotated=None if rotated is None else time(rotated),
        attention=list(_attention(overview)),
        cleanup_href=f"/w/{workspace.workspace_id}/cleanup" if change.kind == BLOCKED else "",
        last_cleanup=None if last is None else _last_cleanup(last, now),
        is_changing=change.kind == RUNNING,
        is_moving=change.kind == RUNNING or overview.summary.people is None,
    )


def _last_cleanup(cleanup: Cleanup, now: datetime) -> LastCleanup:
    undo = ""
    if cleanup.undo_until is not None and cleanup.can_be_undone(now):
        undo = text("overview.undo_until", day=day(cleanup.undo_until))
    return LastCleanup(
        text=text(f"overview.cleanup.{cleanup.state}", number=cleanup.number, applied=number(cleanup.applied)),
        href=f"/w/{cleanup.workspace_id}/cleanup/{cleanup.number}",
        undo=undo,
    )


def _state(overview: Overview) -> str:
    migration = overview.summary.migration
    if migration is None:
        return text("overview.ready" if overview.stalled is None else "overview.stalled")
    before, after = mode_text(migration.from_mode), mode_text(migration.to_mode)
    if migration.stage is not Stage.BLOCKED:
        return text("overview.running", before=before, after=after)
    blocking, people = number(migration.violations.people_concerned), counted("people", migration.people_total)
    return text("overview.blocked", blocking=blocking, people=people, before=before, after=after)


def _people(overview: Overview) -> Sequence[Fact]:
    people = overview.summary.people
    counts = (None,) * 3 if people is None else (people.total, people.with_email, people.without_id)
    names = ("overview.total", "overview.with_email", "overview.without_id")
    return [
        Fact(name=text(name), value=text("counting") if count is None else number(count))
        for name, count in zip(names, counts, strict=True)
    ]


def _attention(overview: Overview) -> Iterator[str]:
    migration = overview.summary.migration
    if migration is not None and migration.paused:
        yield text("attention.suspended")
    elif migration is not None and migration.stage is Stage.BLOCKED:
        yield counted("attention.blocked", migration.violations.people_concerned)
    if stalled := overview.stalled:
        yield text("attention.stalled", reason=visible(stalled.reason), message=visible(stalled.message))
    if overview.is_operator_silent:
        yield text("attention.silent")
