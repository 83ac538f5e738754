"""The ASGI application of one process."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from anyio import to_thread
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from workspace_operator.console.core.answers import Answers
from workspace_operator.console.core.dependencies import Dependencies
from workspace_operator.console.core.dispatcher import Dispatcher
from workspace_operator.console.core.rendering import Renderer
from workspace_operator.console.core.routes import Route, RouteTable
from workspace_operator.console.core.static_files import load_static_files
from workspace_operator.console.pages import accounts, company_sign_in, history, overview, sign_in, workspaces
from workspace_operator.console.pages.cleanups import compare, deciding, lists, progress, review, rules, undo
from workspace_operator.console.pages.imports import columns, files, results
from workspace_operator.console.pages.people import merging, person
from workspace_operator.console.pages.people import search as people
from workspace_operator.console.pages.reports import deliveries, exports, segments, settings, usage
from workspace_operator.console.views.frames import WorkspaceLink

PAGES: Final = (
    *(sign_in, company_sign_in, workspaces, usage, overview),
    *(lists, deciding, compare, review, rules, progress, undo),
    *(people, person, merging),
    *(segments, files, columns, results),
    *(exports, deliveries, settings),
    *(history, accounts),
)

LINKS: Final = (
    WorkspaceLink(key="overview", path=""),
    WorkspaceLink(key="cleanup", path="/cleanup"),
    WorkspaceLink(key="migrations", path="/migrations"),
    WorkspaceLink(key="people", path="/people"),
    WorkspaceLink(key="segments", path="/segments"),
    WorkspaceLink(key="imports", path="/imports"),
    WorkspaceLink(key="exports", path="/exports"),
    WorkspaceLink(key="deliveries", path="/deliveries"),
    WorkspaceLink(key="settings", path="/settings"),
    WorkspaceLink(key="history", path="/history"),
)
"""The links of the frame, in their order; each leads to a page that exists."""


def all_routes(dependencies: Dependencies) -> Sequence[Route]:
    """The routes of all pages."""
    return [route for page in PAGES for route in page.routes(dependencies)]


def make_console(dependencies: Dependencies) -> ASGIApp:
    """Make the application."""
    return make_console_of(dependencies, all_routes(dependencies))


def make_console_of(dependencies: Dependencies, routes: Sequence[Route]) -> ASGIApp:
    """Make an application of these routes."""
    static_files = load_static_files()
    dispatcher = Dispatcher(
        routes=RouteTable(routes),
        answers=Answers(renderer=Renderer(files=static_files), links=LINKS),
        files=static_files,
        dependencies=dependencies,
    )

    @asynccontextmanager
    async def lifespan(_app: object) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await to_thread.run_sync(dependencies.close)

    router = Router(lifespan=lifespan)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await (dispatcher if scope["type"] == "http" else router)(scope, receive, send)

    return app
