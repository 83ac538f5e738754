"""The ASGI application of one process."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from anyio import to_thread
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from workspace_operator.web import openapi
from workspace_operator.web.app_api import endpoints, messages, people, send, suppressions, templates
from workspace_operator.web.app_api.cleanups import cleanups, migrations, rules
from workspace_operator.web.app_api.imports import imports
from workspace_operator.web.core.authentication import Authenticator
from workspace_operator.web.core.dependencies import Dependencies
from workspace_operator.web.core.dispatcher import Dispatcher
from workspace_operator.web.core.router import Route, RouteTable
from workspace_operator.web.track_api import v1, v2
from workspace_operator.web.tracking import tracking

READING_THREADS: Final = 8
"""Number of threads that read; the limit leaves database connections to the writer."""


def all_routes(dependencies: Dependencies) -> Sequence[Route]:
    """The routes of all parts of the API."""
    of_people = (v1, v2, endpoints, people, migrations, cleanups, rules, imports)
    modules = (*of_people, send, messages, templates, suppressions, tracking, openapi)
    return [route for module in modules for route in module.routes(dependencies)]


def make_app(dependencies: Dependencies) -> ASGIApp:
    """Make the application; its lifespan runs the batchers."""
    dispatcher = Dispatcher(
        routes=RouteTable(all_routes(dependencies)),
        dependencies=dependencies,
        authenticator=Authenticator(credentials=dependencies.credentials, clock=dependencies.clock),
    )

    @asynccontextmanager
    async def lifespan(_app: object) -> AsyncIterator[None]:
        to_thread.current_default_thread_limiter().total_tokens = READING_THREADS
        sending = dependencies.sending
        # Recording what recipients do, and accepting messages, both end in commands: these end last.
        try:
            async with (
                dependencies.recent_calls.run(),
                dependencies.batcher.run(),
                dependencies.decisions.run(),
                sending.batcher.run(),
                sending.tracker.run(),
            ):
                yield
        finally:
            await to_thread.run_sync(sending.close)

    router = Router(lifespan=lifespan)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await (dispatcher if scope["type"] == "http" else router)(scope, receive, send)

    return app
