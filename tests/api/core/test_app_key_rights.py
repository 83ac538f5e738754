"""What an App key may do: routes that clean up people need `spec.credentials.appKeyMay: Clean`."""

from dataclasses import dataclass, replace

import httpx
import pytest

from tests.api.servers import MadeWorkspace
from tests.api.threaded_server import ThreadedServer
from workspace_operator.http_server.responses import Response
from workspace_operator.web.app import all_routes
from workspace_operator.web.app_api.app_routes import app_route
from workspace_operator.web.core.authentication import CACHE_SECONDS, Authenticator
from workspace_operator.web.core.dispatcher import Dispatcher
from workspace_operator.web.core.http import Request
from workspace_operator.web.core.router import Authentication, ErrorFormat, Route, RouteTable
from workspace_operator.workspaces.app_keys import AppKeyMay

pytestmark = pytest.mark.anyio

CLEANS = "/v1/cleaning"


@dataclass(slots=True)
class API:
    """An API with a route that cleans up, and the bodies that its handler received."""

    server: ThreadedServer
    workspace: MadeWorkspace
    now: float
    received: list[bytes]

    def set(self, app_key_may: AppKeyMay) -> None:
        """Put a value of the setting in force."""
        workspaces, number = self.server.memory.directory.workspaces, self.workspace.workspace_id
        settings = replace(workspaces[number].settings, app_key_may=app_key_may)
        workspaces[number] = replace(workspaces[number], settings=settings)

    def clean(self, request: Request) -> Response:
        self.received.append(request.body)
        return Response(status=202)

    def client(self) -> httpx.AsyncClient:
        dependencies = self.server.services()
        dispatcher = Dispatcher(
            routes=RouteTable([*all_routes(dependencies), app_route("POST", CLEANS, self.clean, needs_clean=True)]),
            dependencies=dependencies,
            authenticator=Authenticator(
                credentials=dependencies.credentials, clock=dependencies.clock, monotonic=lambda: self.now
            ),
        )
        transport = httpx.ASGITransport(app=dispatcher)
        return httpx.AsyncClient(transport=transport, base_url="http://test", headers=self.workspace.app)


@pytest.fixture
def api() -> API:
    server = ThreadedServer()
    return API(server, server.open(), 0.0, [])


async def test_key_that_may_read_is_refused_with_the_field_to_set(api: API) -> None:
    async with api.client() as client:
        refused = await client.post(CLEANS, json={"migration": 1})

    message = refused.json()["meta"]["error"]
    assert refused.status_code == 403
    assert refused.json()["errors"] == [{"detail": message, "status": "403"}]
    assert "set spec.credentials.appKeyMay: Clean in its Workspace resource" in message
    assert api.received == []


async def test_key_that_may_clean_reaches_the_handler(api: API) -> None:
    api.set(AppKeyMay.CLEAN)

    async with api.client() as client:
        assert (await client.post(CLEANS, content=b"{}")).status_code == 202

    assert api.received == [b"{}"]


async def test_change_counts_as_soon_as_the_key_is_looked_up_again(api: API) -> None:
    api.set(AppKeyMay.CLEAN)

    async with api.client() as client:
        allowed = await client.post(CLEANS)
        api.set(AppKeyMay.READ)
        api.now += CACHE_SECONDS
        refused = await client.post(CLEANS)

    assert (allowed.status_code, refused.status_code) == (202, 403)


async def test_wrong_key_is_told_nothing_about_rights(api: API) -> None:
    async with api.client() as client:
        refused = await client.post(CLEANS, headers={"authorization": "Bearer wrong"})

    assert refused.status_code == 401


async def test_key_that_may_read_uses_the_rest_of_the_app_api(api: API) -> None:
    async with api.client() as client:
        read = await client.get("/v1/workspaces")
        blocked = await client.post("/v1/esp/suppression/bounces/ada@example.com")

    assert (read.status_code, blocked.status_code) == (200, 200)


def test_reading_never_needs_the_right_to_clean() -> None:
    cleaning = [route for route in all_routes(ThreadedServer().services()) if route.needs_clean]

    assert [route.pattern for route in cleaning if route.method == "GET"] == []


@pytest.mark.parametrize("authentication", [Authentication.NONE, Authentication.TRACK])
def test_only_routes_with_an_app_key_can_need_it(authentication: Authentication) -> None:
    async def handler(_: Request) -> Response:
        return Response()

    with pytest.raises(ValueError, match="takes no App key"):
        Route("POST", CLEANS, handler, authentication=authentication, error_format=ErrorFormat.APP, needs_clean=True)
