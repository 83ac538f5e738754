"""What the workspaces that one reaches use, as a page and as a file."""

from collections.abc import Iterator, Sequence

from workspace_operator.console.core.dependencies import Dependencies
from workspace_operator.console.core.http import Download, Page, PageRequest
from workspace_operator.console.core.routes import Audience, Route
from workspace_operator.console.texts import text
from workspace_operator.console.views.reports.usage import usage_lines, usage_view
from workspace_operator.workspaces.model import Workspace
from workspace_operator.workspaces.usage import Month, WorkspaceUsage, month_of, parse_month


def routes(dependencies: Dependencies) -> Sequence[Route]:
    """The routes of this module."""
    summaries, usage = dependencies.summaries, dependencies.usage

    def month_in(request: PageRequest) -> Month:
        asked = request.query.get("month")
        return month_of(summaries.clock()) if asked is None else parse_month(asked)

    def show(request: PageRequest) -> Page:
        accounts, month = summaries.list(request.viewer), month_in(request)
        numbers = [each.workspace.workspace_id for account in accounts for each in account.summaries]
        view = usage_view(accounts, usage.counters.messages_sent(numbers, month), month)
        refreshes = f"{view.href}&refresh=1" if view.is_moving else ""
        return Page(template="usage.html", title=text("usage.title"), view=view, refreshes=refreshes)

    def save(request: PageRequest) -> Download:
        workspaces = [access.workspace for access in dependencies.workspaces.visible(request.viewer)]
        month = month_in(request)

        def usages() -> Iterator[tuple[Workspace, WorkspaceUsage]]:
            for workspace in workspaces:
                [used] = usage.usage([workspace], month)
                yield workspace, used

        return Download(name=f"usage-{month}.csv", lines=usage_lines(usages(), month))

    return (
        Route(method="GET", pattern="/usage", access=Audience.SIGNED_IN, handler=show, is_costly=True),
        Route(method="GET", pattern="/usage/csv", access=Audience.SIGNED_IN, handler=save, is_costly=True),
    )
