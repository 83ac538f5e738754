"""The start page: the workspaces that one reaches, and their state."""

from collections.abc import Sequence

from workspace_operator.console.core.dependencies import Dependencies
from workspace_operator.console.core.http import Page, PageRequest
from workspace_operator.console.core.routes import Audience, Route
from workspace_operator.console.texts import text
from workspace_operator.console.views.workspaces import workspaces_view


def routes(dependencies: Dependencies) -> Sequence[Route]:
    """The routes of this module."""

    def show(request: PageRequest) -> Page:
        accounts = dependencies.summaries.list(request.viewer)
        view = workspaces_view(accounts, request.viewer, now=dependencies.summaries.clock())
        refreshes = "/?refresh=1" if view.is_moving else ""
        return Page(template="workspaces.html", title=text("workspaces.title"), view=view, refreshes=refreshes)

    return (Route(method="GET", pattern="/", access=Audience.SIGNED_IN, handler=show, is_costly=True),)
