"""The server that the tests of a module share."""

from collections.abc import Iterator

import pytest

from tests.api.threaded_server import ServerClient, ThreadedServer


@pytest.fixture(scope="module")
def server() -> Iterator[ServerClient]:
    with ThreadedServer().serving() as server:
        yield server
