"""The undo of a cleanup, or of chosen decisions of it."""

from collections.abc import Mapping, Sequence

from workspace_operator.access.permissions import Permission
from workspace_operator.console.core.dependencies import Dependencies
from workspace_operator.console.core.http import Page, PageRequest, Redirect
from workspace_operator.console.core.routes import Route
from workspace_operator.console.pages.cleanups.content import LINK
from workspace_operator.console.pages.cleanups.progress import NUMBER, people_of, to_cleanup
from workspace_operator.console.views.cleanups.progress import ROWS
from workspace_operator.console.views.cleanups.undo import UndoView, undo_view
from workspace_operator.errors import Conflict, InvalidInput


def routes(dependencies: Dependencies) -> Sequence[Route]:
    """The routes of this module."""

    def preview(request: PageRequest) -> Page | Redirect:
        chosen = _chosen(request.repeated_query)
        try:
            view = _view(dependencies, request, chosen)
        except (Conflict, InvalidInput):  # the page is old: the cleanup says what became of these decisions
            return to_cleanup(request)
        return Page(template="cleanup_undo.html", title=view.title, view=view, link=LINK)

    def undo(request: PageRequest) -> Redirect:
        number, now = request.numbers[NUMBER], dependencies.cleanup_lists.clock()
        chosen = None if request.form.get("all") else _chosen(request.form)
        dependencies.cleanups.undo(request.workspace_id, number, chosen, actor=request.actor, now=now)
        return to_cleanup(request)

    pattern = "/w/{workspace}/cleanup/{cleanup}/undo"
    return (
        Route(method="GET", pattern=pattern, access=Permission.APPLY, handler=preview, is_costly=True),
        Route(method="POST", pattern=pattern, access=Permission.APPLY, handler=undo),
    )


def _chosen(values: Mapping[str, tuple[str, ...]]) -> Sequence[str]:
    """The people of the decisions that are to be undone. Raises InvalidInput."""
    chosen = tuple(dict.fromkeys(values.get("p", ())))
    if not chosen:
        raise InvalidInput("no decision is chosen: choose those that are to be undone", field="p")
    if len(chosen) > ROWS:
        raise InvalidInput(f"{len(chosen)} decisions are chosen: choose at most {ROWS} at once", field="p")
    return chosen


def _view(dependencies: Dependencies, request: PageRequest, chosen: Sequence[str]) -> UndoView:
    number, now = request.workspace_id, dependencies.cleanup_lists.clock()
    cleanup = dependencies.cleanups.get(number, request.numbers[NUMBER])
    preview = dependencies.undo_previews.preview(number, cleanup.number, chosen, now=now)
    people = people_of(dependencies, cleanup, [each.stored for each in preview.examined])
    return undo_view(cleanup, preview, people, request.workspace.workspace.mode)
