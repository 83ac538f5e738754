"""The ASGI application of one process."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from anyio import to_thread
from starlette.routing import Router
from starlette.types import ASGIApp

from workspace_operator.web import app_api, openapi, track_v1, track_v2
from workspace_operator.web.authentication import Authenticator
from workspace_operator.web.dispatching import Dispatcher
from workspace_operator.web.routes import Route, Routes
from workspace_operator.web.services import Services

READING_THREADS: Final = 8
"""So that those who read leave connections of the database to the one who writes."""


def all_routes(services: Services) -> Sequence[Route]:
    """Everything that is served."""
    parts = (track_v1, track_v2, app_api, openapi)
    return [route for part in parts for route in part.routes(services)]


def make_app(services: Services) -> ASGIApp:
    """The application; its lifespan carries out the calls that it accepts."""
    dispatcher = Dispatcher(
        routes=Routes(all_routes(services)),
        services=services,
        authenticator=Authenticator(credentials=services.credentials, clock=services.clock),
    )

    @asynccontextmanager
    async def lifespan(_app: object) -> AsyncIterator[None]:
        to_thread.current_default_thread_limiter().total_tokens = READING_THREADS
        async with services.calling.running():
            yield

    return Router(default=dispatcher, redirect_slashes=False, lifespan=lifespan)
