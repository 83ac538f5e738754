"""The review of a draft, and what follows: it is applied, or thrown away."""

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus

from workspace_operator.access.permissions import Permission
from workspace_operator.application.cleanups.lists import CleanupStatus
from workspace_operator.application.ports import ApplyRequest
from workspace_operator.cleanups.decisions import DecisionKind
from workspace_operator.cleanups.model import Cleanup
from workspace_operator.console.core.dependencies import Dependencies
from workspace_operator.console.core.http import Page, PageRequest, Redirect
from workspace_operator.console.core.routes import Route
from workspace_operator.console.pages.cleanups.content import LINK
from workspace_operator.console.texts import counted, text
from workspace_operator.console.views.cleanups.bars import reason_against_applying
from workspace_operator.console.views.cleanups.reviews import MAX_COUNTED, SHOWN, ReviewContent, review_view
from workspace_operator.console.views.rights import right
from workspace_operator.errors import InvalidInput, NotFound, StaleRevision


def routes(dependencies: Dependencies) -> Sequence[Route]:
    """The routes of this module."""

    def show(request: PageRequest) -> Page | Redirect:
        status = dependencies.cleanup_lists.status(request.workspace_id)
        if status.draft is None or not status.draft.total:
            return Redirect(location=f"/w/{request.workspace_id}/cleanup")
        return _page(dependencies, request, status, status.draft)

    def apply(request: PageRequest) -> Page | Redirect:
        number = request.workspace_id
        status, draft = _draft(dependencies, number)
        typed = request.field("deletions").strip()
        wanted = ApplyRequest(version=_number(request.field("version")), deletions=_number(typed))
        clock = dependencies.cleanup_lists.clock
        try:
            dependencies.cleanups.apply(number, draft.number, wanted, actor=request.actor, now=clock())
        except StaleRevision:
            page = _page(dependencies, request, status, draft, note=text("review.stale"))
            return replace(page, status=HTTPStatus.CONFLICT)
        except InvalidInput:
            note = counted("review.wrong_number", draft.deletions, typed=typed[:20])
            page = _page(dependencies, request, status, draft, note=note)
            return replace(page, status=HTTPStatus.UNPROCESSABLE_ENTITY)
        return Redirect(location=f"/w/{number}/cleanup/{draft.number}")

    def discard(request: PageRequest) -> Redirect:
        _, draft = _draft(dependencies, request.workspace_id)
        now = dependencies.cleanup_lists.clock()
        dependencies.cleanups.discard(request.workspace_id, draft.number, actor=request.actor, now=now)
        return Redirect(location=f"/w/{request.workspace_id}/cleanup")

    root = "/w/{workspace}/cleanup"
    return (
        Route(method="GET", pattern=f"{root}/review", access=Permission.VIEW, handler=show, is_costly=True),
        Route(method="POST", pattern=f"{root}/apply", access=Permission.APPLY, handler=apply),
        Route(method="POST", pattern=f"{root}/discard", access=Permission.PREPARE, handler=discard),
    )


def _draft(dependencies: Dependencies, number: int) -> tuple[CleanupStatus, Cleanup]:
    status = dependencies.cleanup_lists.status(number)
    if status.draft is None:
        raise NotFound("there is no draft of decisions")
    return status, status.draft


def _number(value: str) -> int:
    """A number as somebody typed it; -1, which is never right, for other texts."""
    return int(value) if value.isascii() and value.isdigit() and len(value) < 16 else -1


def _page(
    dependencies: Dependencies, request: PageRequest, status: CleanupStatus, draft: Cleanup, *, note: str = ""
) -> Page:
    number, cleanups = request.workspace_id, dependencies.cleanups
    decisions = {
        kind: cleanups.decisions_of_kind(number, draft.number, kind, outcome=None, limit=SHOWN)
        for kind in DecisionKind
        if draft.decisions.get(kind)
    }
    all_shown = [stored for each in decisions.values() for stored in each]
    named = [name for stored in all_shown for name in (stored.cio_id, stored.decision.survivor) if name]
    view = review_view(
        ReviewContent(
            root=f"/w/{number}/cleanup",
            draft=draft,
            decisions=decisions,
            people=dependencies.cleanup_lists.people_by_cio_id(number, named),
            makers=cleanups.makers(number, draft.number, limit=MAX_COUNTED),
            refusal=reason_against_applying(
                status,
                dependencies.cleanup_rules.rules(number, draft.number),
                right(request.workspace, Permission.APPLY),
            ),
            may_decide=right(request.workspace, Permission.PREPARE),
            may_download=right(request.workspace, Permission.DOWNLOAD),
            note=note,
        )
    )
    return Page(template="cleanup_review.html", title=text("review.title"), view=view, link=LINK)
