"""Probes: alive while the loop turns, ready while the store is reached."""

import asyncio
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress

import pytest

from tests.network_ports import free_port
from workspace_operator.application.health.probes import ProbeEndpoint, ProbeHandlers, parse_endpoint
from workspace_operator.errors import InvalidInput
from workspace_operator.handlers.health import probe_server, run_with_probes

WELL = ProbeHandlers(is_ready=lambda: True, metrics=lambda: b"people 3\n")


def endpoint() -> ProbeEndpoint:
    return ProbeEndpoint(host="127.0.0.1", port=free_port(), liveness_path="/healthz")


def ask(where: ProbeEndpoint, path: str) -> int:
    """The status of the answer."""
    with suppress(urllib.error.HTTPError), urllib.request.urlopen(f"http://127.0.0.1:{where.port}{path}") as got:
        return int(got.status)
    return 503


def answers(*paths: str, is_ready: Callable[[], bool] = lambda: True) -> list[int]:
    """What a served endpoint answers to requests for these paths."""
    where = endpoint()

    async def ask_all() -> list[int]:
        async with probe_server(where, ProbeHandlers(is_ready=is_ready, metrics=bytes)):
            return [await asyncio.to_thread(ask, where, path) for path in paths]

    return asyncio.run(ask_all())


def test_healthy_process_is_alive_and_ready() -> None:
    assert answers("/healthz", "/readyz") == [200, 200]


def test_lost_store_is_alive_but_not_ready() -> None:
    assert answers("/healthz", "/readyz", is_ready=lambda: False) == [200, 503]


def test_endpoint_names_host_port_and_path() -> None:
    found = parse_endpoint("http://0.0.0.0:8080/live")

    assert found == ProbeEndpoint(host="0.0.0.0", port=8080, liveness_path="/live")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "8080",
        "http://0.0.0.0/healthz",
        "https://0.0.0.0:1/x",
        "http://h:1",
        "http://h:1/readyz",
        "http://h:1/metrics",
        "http://h:x/a",
    ],
)
def test_other_endpoints_are_refused(url: str) -> None:
    with pytest.raises(InvalidInput, match="http://HOST:PORT/PATH"):
        parse_endpoint(url)


def test_taken_port_is_reported() -> None:
    where = endpoint()

    async def serve_twice() -> None:
        async with probe_server(where, WELL), probe_server(where, WELL):
            pass

    with pytest.raises(InvalidInput, match="cannot listen on"):
        asyncio.run(serve_twice())


def test_metrics_are_served_in_their_form() -> None:
    where = endpoint()

    def fetch() -> tuple[str, bytes]:
        with urllib.request.urlopen(f"http://127.0.0.1:{where.port}/metrics") as got:
            return got.headers["Content-Type"], got.read()

    async def fetch_once() -> tuple[str, bytes]:
        async with probe_server(where, WELL):
            return await asyncio.to_thread(fetch)

    assert asyncio.run(fetch_once()) == ("text/plain; version=0.0.4; charset=utf-8", b"people 3\n")


def test_probes_are_answered_while_work_is_done() -> None:
    where, heard = endpoint(), list[int]()

    run_with_probes(lambda: heard.extend(ask(where, path) for path in ("/healthz", "/readyz")), where, WELL)

    assert heard == [200, 200]
    with pytest.raises(urllib.error.URLError):
        ask(where, "/healthz")


def test_error_of_the_work_is_passed_on() -> None:
    def fail() -> None:
        raise RuntimeError("a mistake")

    with pytest.raises(RuntimeError, match="a mistake"):
        run_with_probes(fail, endpoint(), WELL)
