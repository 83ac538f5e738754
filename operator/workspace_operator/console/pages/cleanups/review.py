"""The review of a draft, and what follows: it is applied, or thrown away."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
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
from workspace_operator.errors import Conflict, InvalidInput, NotFound, StaleRevision


def routes(dependencies: Dependencies) -> Sequence[Route]:
    """The routes of this module."""

    def show(request: PageRequest) -> Page | Redirect:
        status = dependencies.cleanup_lists.status(request.workspace_id)
        if status.draft is None or not status.draft.total:
            return Redirect(location=f"/w/{request.workspace_id}/cleanup")
        return _page(dependencies, request, status, status.draft)

    root = "/w/{workspace}/cleanup"
    return (
        Route(method="GET", pattern=f"{root}/review", access=Permission.VIEW, handler=show, is_costly=True),
        Route(method="POST", pattern=f"{root}/apply", access=Permission.APPLY, handler=partial(_apply, dependencies)),
        Route(
            method="POST", pattern=f"{root}/discard", access=Permission.PREPARE, handler=partial(_discard, dependencies)
        ),
    )


def _apply(dependencies: Dependencies, request: PageRequest) -> Page | Redirect:
    of, number, typed = request.workspace_id, _number(request.field("number")), request.field("deletions").strip()
    wanted = ApplyRequest(version=_number(request.field("version")), deletions=_number(typed))
    now = dependencies.cleanup_lists.clock()
    try:
        dependencies.cleanups.apply(of, number, wanted, actor=request.actor, now=now)
    except Conflict as error:
        return _stale_page(dependencies, request, number, error)
    except InvalidInput:
        status, draft = _draft(dependencies, of)
        note = counted("review.wrong_number", draft.deletions, typed=typed[:20])
        page = _page(dependencies, request, status, draft, note=note)
        return replace(page, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    return Redirect(location=f"/w/{of}/cleanup/{number}")


def _discard(dependencies: Dependencies, request: PageRequest) -> Page | Redirect:
    of, number, version = request.workspace_id, _number(request.field("number")), _number(request.field("version"))
    now = dependencies.cleanup_lists.clock()
    try:
        dependencies.cleanups.discard(of, number, version=version, actor=request.actor, now=now)
    except Conflict as error:
        return _stale_page(dependencies, request, number, error)
    return Redirect(location=f"/w/{of}/cleanup")


def _stale_page(dependencies: Dependencies, request: PageRequest, number: int, error: Conflict) -> Page:
    """The review as it is now, if the draft has changed, or is another one than that of the form. Raises Conflict."""
    status = dependencies.cleanup_lists.status(request.workspace_id)
    is_another = status.draft is not None and status.draft.number != number
    if status.draft is None or not (is_another or isinstance(error, StaleRevision)):
        raise error
    note = text("review.another" if is_another else "review.stale")
    page = _page(dependencies, request, status, status.draft, note=note)
    return replace(page, status=HTTPStatus.CONFLICT)


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
