"""The overview of one workspace."""

from collections.abc import Sequence

from workspace_operator.access.permissions import Permission
from workspace_operator.console.core.dependencies import Dependencies
from workspace_operator.console.core.http import Page, PageRequest
from workspace_operator.console.core.routes import Route
from workspace_operator.console.views.overview import overview_view


def routes(dependencies: Dependencies) -> Sequence[Route]:
    """The routes of this module."""

    def show(request: PageRequest) -> Page:
        status = dependencies.cleanup_lists.status(request.workspace_id)
        overview = dependencies.summaries.overview(request.workspace.workspace, status.migration)
        view = overview_view(overview, status.last, now=dependencies.summaries.clock())
        refreshes = f"{view.href}?refresh=1" if view.is_moving else ""
        return Page(template="overview.html", title=view.name, view=view, link="overview", refreshes=refreshes)

    return (Route(method="GET", pattern="/w/{workspace}", access=Permission.VIEW, handler=show, is_costly=True),)
