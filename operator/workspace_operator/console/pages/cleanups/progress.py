"""A cleanup that was applied: its progress and result; it can be stopped and continued."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from workspace_operator.access.permissions import Permission
from workspace_operator.application.cleanups.former_people import with_former_people
from workspace_operator.application.ports import ApplyRequest
from workspace_operator.cleanups.decisions import DecisionKind
from workspace_operator.cleanups.model import Cleanup, Outcome, StoredDecision
from workspace_operator.cleanups.undo import UndoPreview
from workspace_operator.console.core.dependencies import Dependencies
from workspace_operator.console.core.http import Page, PageRequest, Redirect
from workspace_operator.console.core.routes import Route
from workspace_operator.console.pages.cleanups.content import LINK
from workspace_operator.console.texts import text
from workspace_operator.console.views.changes import change_view
from workspace_operator.console.views.cleanups.progress import (
    EXCEPTIONS,
    ROWS,
    SHOWN,
    ProgressContent,
    has_preview,
    progress_view,
)
from workspace_operator.console.views.rights import right
from workspace_operator.errors import Conflict, StaleRevision
from workspace_operator.identity.model.person import Person
from workspace_operator.migrations.model import Migration
from workspace_operator.migrations.state_machine import Stage

NUMBER = "cleanup"


def routes(dependencies: Dependencies) -> Sequence[Route]:
    """The routes of this module."""

    def show(request: PageRequest) -> Page:
        view = progress_view(_content(dependencies, request))
        refreshes = f"{view.href}?refresh=1" if view.is_moving else ""
        return Page(template="cleanup_progress.html", title=view.title, view=view, link=LINK, refreshes=refreshes)

    def stop(request: PageRequest) -> Redirect:
        number, now = request.numbers[NUMBER], dependencies.cleanup_lists.clock()
        dependencies.cleanups.stop(request.workspace_id, number, actor=request.actor, now=now)
        return to_cleanup(request)

    def go_on(request: PageRequest) -> Redirect:
        number, now = request.numbers[NUMBER], dependencies.cleanup_lists.clock()
        seen = dependencies.cleanups.get(request.workspace_id, number)
        if request.field("version") != str(seen.version) or not seen.can_be_continued(now):
            raise StaleRevision(f"cleanup {number} has changed since this page was shown: look at it again")
        # The number of deletions was confirmed when the cleanup was applied.
        wanted = ApplyRequest(version=seen.version, deletions=seen.deletions)
        dependencies.cleanups.apply(request.workspace_id, number, wanted, actor=request.actor, now=now)
        return to_cleanup(request)

    root = "/w/{workspace}/cleanup/{cleanup}"
    return (
        Route(method="GET", pattern=root, access=Permission.VIEW, handler=show, is_costly=True),
        Route(method="POST", pattern=f"{root}/stop", access=Permission.APPLY, handler=stop),
        Route(method="POST", pattern=f"{root}/continue", access=Permission.APPLY, handler=go_on),
    )


def to_cleanup(request: PageRequest) -> Redirect:
    """To the page of the cleanup of the path."""
    return Redirect(location=f"/w/{request.workspace_id}/cleanup/{request.numbers[NUMBER]}")


def _content(dependencies: Dependencies, request: PageRequest) -> ProgressContent:
    number, lists = request.workspace_id, dependencies.cleanup_lists
    now = lists.clock()
    cleanup = dependencies.cleanups.get(number, request.numbers[NUMBER])
    after = request.query.get("after", "")
    rows = dependencies.cleanups.decisions(number, cleanup.number, after=after, limit=ROWS + 1)
    exceptions = _exceptions(dependencies, cleanup)
    shown = [*rows, *(each for decisions in exceptions.values() for each in decisions)]
    migration = lists.migrations.get(number, cleanup.migration_number)
    return ProgressContent(
        cleanup=cleanup,
        exceptions=exceptions,
        rows=rows,
        people=people_of(dependencies, cleanup, shown),
        change=_change(migration, now),
        is_blocked=migration.stage is Stage.BLOCKED,
        mode=request.workspace.workspace.mode,
        preview=_preview(dependencies, cleanup, now),
        may_apply=right(request.workspace, Permission.APPLY),
        now=now,
    )


def people_of(dependencies: Dependencies, cleanup: Cleanup, shown: Sequence[StoredDecision]) -> Mapping[str, Person]:
    """The people whom decisions name, as they are, or as they were before the cleanup merged or deleted them."""
    named = [name for stored in shown for name in (stored.cio_id, stored.decision.survivor) if name]
    if not named:
        return {}
    people = dependencies.cleanup_lists.people_by_cio_id(cleanup.workspace_id, named)
    return with_former_people(dependencies.cleanups, cleanup.workspace_id, cleanup.number, shown, people)


def _preview(dependencies: Dependencies, cleanup: Cleanup, now: datetime) -> UndoPreview | None:
    """What an undo would bring back; None if there is nothing to undo, or somebody undoes it at this moment."""
    if not has_preview(cleanup, now):
        return None
    with suppress(Conflict):
        return dependencies.undo_previews.preview(cleanup.workspace_id, cleanup.number, now=now)
    return None


def _exceptions(dependencies: Dependencies, cleanup: Cleanup) -> Mapping[Outcome, Sequence[StoredDecision]]:
    """The first decisions with an outcome that needs a look."""
    counts = (cleanup.skipped, cleanup.undone_in_part, cleanup.not_undone)
    return {
        outcome: [
            stored
            for kind in DecisionKind
            for stored in dependencies.cleanups.decisions_of_kind(
                cleanup.workspace_id, cleanup.number, kind, outcome=outcome, limit=SHOWN
            )
        ][:SHOWN]
        for outcome, count in zip(EXCEPTIONS, counts, strict=True)
        if count
    }


def _change(migration: Migration, now: datetime) -> str:
    """What became of the identifier change since."""
    if migration.stage is Stage.COMPLETED:
        return text("progress.change_done")
    if migration.stage is Stage.CANCELLED:
        return text("progress.change_cancelled")
    return f"{change_view(migration, now=now).text}."
