"""The files of a workspace: all people, lists of people who block a change, and decisions about them."""

from collections.abc import Sequence
from typing import Final

from workspace_operator.access.permissions import Permission
from workspace_operator.console.core.dependencies import Dependencies
from workspace_operator.console.core.http import Download, Page, PageRequest
from workspace_operator.console.core.routes import Route
from workspace_operator.console.texts import text
from workspace_operator.console.views.reports.exports import exports_view
from workspace_operator.console.views.rights import right

EXPORT: Final = "export"
CLEANUP: Final = "cleanup"


def routes(dependencies: Dependencies) -> Sequence[Route]:
    """The routes of this module."""
    downloads = dependencies.downloads

    def show(request: PageRequest) -> Page:
        number, may_download = request.workspace_id, right(request.workspace, Permission.DOWNLOAD)
        view = exports_view(dependencies.exports.exports(number), may_download, workspace_id=number)
        return Page(template="exports.html", title=text("exports.title"), view=view, link="exports")

    def save_people(request: PageRequest) -> Download:
        return Download(name="people.csv", lines=downloads.all_people(request.workspace_id, actor=request.actor))

    def save_violations(request: PageRequest) -> Download:
        wanted = request.numbers[EXPORT]
        lines = downloads.violations(request.workspace_id, wanted, actor=request.actor)
        return Download(name=f"export-{wanted}.csv", lines=lines)

    def save_decisions(request: PageRequest) -> Download:
        wanted = request.numbers[CLEANUP]
        lines = downloads.decisions(request.workspace_id, wanted, actor=request.actor)
        return Download(name=f"cleanup-{wanted}.csv", lines=lines)

    root = "/w/{workspace}"
    return (
        Route(method="GET", pattern=f"{root}/exports", access=Permission.VIEW, handler=show, is_costly=True),
        *(
            Route(method="GET", pattern=f"{root}{path}", access=Permission.DOWNLOAD, handler=save, is_costly=True)
            for path, save in (
                ("/exports/people", save_people),
                (f"/exports/{{{EXPORT}}}/csv", save_violations),
                (f"/cleanup/{{{CLEANUP}}}/csv", save_decisions),
            )
        ),
    )
