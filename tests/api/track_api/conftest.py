"""The server that the tests of a module share, and a workspace of each test."""

from collections.abc import Iterator

import httpx
import pytest

from tests.api.servers import MadeWorkspace
from tests.api.threaded_server import ServerClient, ThreadedServer
from tests.api.track_api.track_client import TrackClient
from workspace_operator.identity.values.rules import Mode


@pytest.fixture(scope="module")
def server() -> Iterator[ServerClient]:
    with ThreadedServer().serving() as server:
        yield server


@pytest.fixture
def mode() -> Mode:
    """The mode of the workspace; tests parametrize it."""
    return Mode.EMAIL_OR_ID


@pytest.fixture
def workspace(server: ServerClient, mode: Mode) -> MadeWorkspace:
    server.server.commands.clear()
    return server.server.open(mode, name=f"shop-{len(server.server.memory.states)}")


@pytest.fixture
def client(server: ServerClient, workspace: MadeWorkspace) -> Iterator[httpx.Client]:
    with server.client(workspace.track) as client:
        yield client


@pytest.fixture
def track(server: ServerClient, workspace: MadeWorkspace, client: httpx.Client) -> TrackClient:
    return TrackClient(server=server, workspace=workspace, client=client)
