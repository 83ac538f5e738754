"""``--health-endpoint`` of the API: probes and metrics at an address of their own, whatever callers do to the other."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.api.servers import make_workspace, running_api
from tests.api.threaded_server import ServerClient, ThreadedServer
from tests.e2e.waiting import wait_until
from tests.network_ports import free_port
from workspace_operator.application.health.probes import ProbeHandlers
from workspace_operator.http_server.server import Server, bind_sockets
from workspace_operator.web.core.limits import Limits


@dataclass(slots=True)
class State:
    """What the probes find."""

    is_ready: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbedServer:
    """A server with probes."""

    counter: ServerClient
    url: str
    state: State

    def statuses(self, *paths: str) -> list[int]:
        return [httpx.get(f"{self.url}{path}", timeout=60).status_code for path in paths]


@contextmanager
def probed_server(limits: Limits) -> Iterator[ProbedServer]:
    shop, state = ThreadedServer(limits=limits), State()
    sockets, probe_sockets = bind_sockets("127.0.0.1", 0), bind_sockets("127.0.0.1", 0)
    server = Server(sockets=sockets, limits=limits, grace_seconds=5, probe_sockets=probe_sockets, liveness_path="/live")
    probes = ProbeHandlers(is_ready=lambda: state.is_ready, metrics=lambda: b"people 3\n")
    with shop.running(server, probes) as stopping:
        probe_port = probe_sockets[0].getsockname()[1]
        counter = ServerClient(server=shop, port=sockets[0].getsockname()[1], stopping=stopping)
        yield ProbedServer(counter=counter, url=f"http://127.0.0.1:{probe_port}", state=state)


def test_probes_are_answered_there_and_nowhere_else() -> None:
    with probed_server(Limits()) as server:
        there = server.statuses("/live", "/readyz", "/metrics", "/api/v1/accounts/region", "/openapi.json")
        text = httpx.get(f"{server.url}/metrics", timeout=60).text
        posted = httpx.post(f"{server.url}/readyz", timeout=60)
        head = httpx.head(f"{server.url}/live")
        with server.counter.client() as client:
            here = [client.get(path).status_code for path in ("/live", "/readyz", "/metrics")]

    assert there == [200, 200, 200, 404, 404]
    assert here == [404, 404, 404]
    assert text == "people 3\n"
    assert (posted.status_code, posted.headers["allow"]) == (405, "GET, HEAD")
    assert (head.status_code, head.content) == (200, b"")


def test_store_that_takes_no_writes_is_alive_and_not_ready() -> None:
    with probed_server(Limits()) as server:
        server.state.is_ready = False

        assert server.statuses("/live", "/readyz") == [200, 503]


def test_server_without_a_free_connection_is_alive_and_not_ready() -> None:
    limits = Limits(connections=3)
    with probed_server(limits) as server, ExitStack() as stack:
        workspace = server.counter.server.open()
        clients = [stack.enter_context(server.counter.client(workspace.track)) for _ in range(limits.connections)]
        for each in clients[:-1]:
            assert each.put("/api/v1/customers/ann", json={}).status_code == 200
        before = server.statuses("/live", "/readyz")
        assert clients[-1].put("/api/v1/customers/ann", json={}).status_code == 200

        full = server.statuses("/live", "/readyz")
        clients[0].close()

        wait_until(lambda: server.statuses("/readyz") == [200])

    assert (before, full) == ([200, 200], [200, 503])


def test_connections_that_give_way_make_nobody_unready() -> None:
    """Else whoever opens enough of them takes the server out of service."""
    limits = Limits(connections=3)
    with probed_server(limits) as server, ExitStack() as stack:
        for _ in range(2 * limits.connections):
            stack.enter_context(server.counter.connected())

        assert server.statuses("/live", "/readyz") == [200, 200]


@pytest.mark.parametrize("processes", [1, 2])
def test_command_serves_them(tmp_path: Path, processes: int) -> None:
    database = f"sqlite:///{tmp_path}/people.db"
    make_workspace(database)

    with running_api(database, tmp_path, processes=processes) as api:
        statuses = [
            httpx.get(f"{api.health}{path}", timeout=60).status_code for path in ("/healthz", "/readyz", "/metrics")
        ]
        text = api.metrics().decode()
        with api.client() as client:
            callers = [client.get(path).status_code for path in ("/healthz", "/readyz", "/metrics", "/%6detrics")]

    assert statuses == [200, 200, 200]
    assert callers == [404] * 4
    assert "workspace_operator_commands_outcome_unknown_total" in text
    assert 'workspace_operator_migrations{stage="Requested"} 0' in text


EVERYTHING = """
import sys, time
from workspace_operator import bootstrap
from workspace_operator.application.health.probes import combined_probes
from workspace_operator.cli.app import app

def run_operator(store, settings, stopping, *beside):
    probes = combined_probes(*beside)
    deadline = time.monotonic() + 60
    while not probes.is_ready() and time.monotonic() < deadline:
        time.sleep(0.05)
    sys.stdout.write(probes.metrics().decode())

bootstrap.run_operator = run_operator
options = ["--api-address", f"127.0.0.1:{sys.argv[2]}", "--console-address", "off"]
app(["run", "--database", f"sqlite:///{sys.argv[1]}/store.db", *options])
"""


def test_everything_in_one_process_reports_all_at_one_address(tmp_path: Path) -> None:
    """Of the operator's own probes see tests/health; here are those that are served beside them."""
    command = [sys.executable, "-c", EVERYTHING, str(tmp_path), str(free_port())]

    told = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout

    assert told.count("# TYPE workspace_operator_migrations ") == 1
    assert "workspace_operator_command_queue_length 0" in told
