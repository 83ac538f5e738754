"""Probes: alive while the loop turns, ready while the store is reached."""

import asyncio
import urllib.error
import urllib.request
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


@pytest.mark.anyio
@pytest.mark.parametrize(("is_ready", "readiness"), [(True, 200), (False, 503)])
async def test_process_without_a_store_is_alive_but_not_ready(is_ready: bool, readiness: int) -> None:
    where = endpoint()

    async with probe_server(where, ProbeHandlers(is_ready=lambda: is_ready, metrics=bytes)):
        statuses = [await asyncio.to_thread(ask, where, path) for path in ("/healthz", "/readyz")]

    assert statuses == [200, readiness]


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


@pytest.mark.anyio
async def test_taken_port_is_reported() -> None:
    where = endpoint()

    with pytest.raises(InvalidInput, match="cannot listen on"):
        async with probe_server(where, WELL), probe_server(where, WELL):
            pass


@pytest.mark.anyio
async def test_metrics_are_served_in_their_form() -> None:
    where = endpoint()

    def fetch() -> tuple[str, bytes]:
        with urllib.request.urlopen(f"http://127.0.0.1:{where.port}/metrics") as got:
            return got.headers["Content-Type"], got.read()

    async with probe_server(where, WELL):
        served = await asyncio.to_thread(fetch)

    assert served == ("text/plain; version=0.0.4; charset=utf-8", b"people 3\n")


def test_probes_are_answered_while_work_is_done() -> None:
    where, statuses = endpoint(), list[int]()

    run_with_probes(lambda: statuses.extend(ask(where, path) for path in ("/healthz", "/readyz")), where, WELL)

    assert statuses == [200, 200]
    with pytest.raises(urllib.error.URLError):
        ask(where, "/healthz")


def test_error_of_the_work_is_passed_on() -> None:
    def fail() -> None:
        raise RuntimeError("a mistake")

    with pytest.raises(RuntimeError, match="a mistake"):
        run_with_probes(fail, endpoint(), WELL)
