"""Probes: alive while the loop turns, ready while the store is reached."""

import asyncio
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress

import pytest

from tests.ports import free_port
from workspace_operator.errors import InvalidInput
from workspace_operator.handlers.health import Endpoint, endpoint_of, serving


def answers(*paths: str, is_ready: Callable[[], bool] = lambda: True) -> list[int]:
    """What a served endpoint answers to requests for these paths."""
    endpoint = Endpoint(host="127.0.0.1", port=free_port(), alive_path="/healthz")

    def ask(path: str) -> int:
        with suppress(urllib.error.HTTPError), urllib.request.urlopen(f"http://127.0.0.1:{endpoint.port}{path}") as got:
            return int(got.status)
        return 503

    async def ask_all() -> list[int]:
        async with serving(endpoint, is_ready):
            return [await asyncio.to_thread(ask, path) for path in paths]

    return asyncio.run(ask_all())


def test_healthy_process_is_alive_and_ready() -> None:
    assert answers("/healthz", "/readyz") == [200, 200]


def test_lost_store_is_alive_but_not_ready() -> None:
    assert answers("/healthz", "/readyz", is_ready=lambda: False) == [200, 503]


def test_endpoint_names_host_port_and_path() -> None:
    endpoint = endpoint_of("http://0.0.0.0:8080/live")

    assert endpoint == Endpoint(host="0.0.0.0", port=8080, alive_path="/live")


@pytest.mark.parametrize(
    "url",
    ["", "8080", "http://0.0.0.0/healthz", "https://0.0.0.0:1/x", "http://h:1", "http://h:1/readyz", "http://h:x/a"],
)
def test_other_endpoints_are_refused(url: str) -> None:
    with pytest.raises(InvalidInput, match="http://HOST:PORT/PATH"):
        endpoint_of(url)


def test_taken_port_is_told() -> None:
    endpoint = Endpoint(host="127.0.0.1", port=free_port(), alive_path="/healthz")

    async def serve_twice() -> None:
        async with serving(endpoint, lambda: True), serving(endpoint, lambda: True):
            pass

    with pytest.raises(InvalidInput, match="nothing can listen"):
        asyncio.run(serve_twice())
