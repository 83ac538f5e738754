"""The people that block a change: all groups, one large group, and a try whether they still do."""

from collections.abc import Sequence

from workspace_operator.access.permissions import Permission
from workspace_operator.console.core.dependencies import Dependencies
from workspace_operator.console.core.http import Page, PageRequest, Redirect
from workspace_operator.console.core.routes import Route
from workspace_operator.console.pages.cleanups.content import CleanupReader
from workspace_operator.errors import InvalidInput, NotFound


def routes(dependencies: Dependencies) -> Sequence[Route]:
    """The routes of this module."""

    def show(request: PageRequest) -> Page:
        return CleanupReader.of(dependencies, request).page()

    def show_group(request: PageRequest) -> Page:
        reader = CleanupReader.of(dependencies, request)
        if not reader.address.key:
            raise InvalidInput("the address of a group has a key", field="key")
        return reader.page()

    def retry(request: PageRequest) -> Redirect:
        lists, number = dependencies.cleanup_lists, request.workspace_id
        blocked = lists.status(number).blocked
        if blocked is None:
            raise NotFound("no identifier change of this workspace is blocked by people")
        lists.migrations.retry(number, blocked.number, actor=request.actor, now=lists.clock())
        return Redirect(location=f"/w/{number}/cleanup")

    root = "/w/{workspace}/cleanup"
    return (
        Route(method="GET", pattern=root, access=Permission.VIEW, handler=show, is_costly=True),
        Route(method="GET", pattern=f"{root}/g", access=Permission.VIEW, handler=show_group, is_costly=True),
        Route(method="POST", pattern=f"{root}/retry", access=Permission.RETRY, handler=retry),
    )
