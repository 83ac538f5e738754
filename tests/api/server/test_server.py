"""``workspacectl run api`` as users run it: TLS, several processes, and an end that loses nothing."""

import asyncio
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.api.servers import CERTIFICATE, KEY, RUN, MadeWorkspace, RunningAPI, make_workspace, running_api
from tests.commands import running, status_of
from tests.e2e.waiting import wait_until
from tests.network_ports import free_port
from tests.processes import ProcessIdentity
from workspace_operator import bootstrap
from workspace_operator.http_server.server import GRACE_SECONDS
from workspace_operator.identity.values.references import reference_of_kind
from workspace_operator.identity.values.rules import ID, Mode

CALLERS = 16


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/store.db"


@pytest.fixture
def workspace(database: str) -> MadeWorkspace:
    return make_workspace(database)


def put(api: RunningAPI, workspace: MadeWorkspace, name: str = "ann") -> httpx.Response:
    with api.client(workspace.track) as client:
        return client.put(f"/api/v1/customers/{name}", json={"plan": "gold"})


def known(database: str, workspace: MadeWorkspace, names: list[str]) -> list[str]:
    """Who of these is in the database."""
    references = [reference_of_kind(name, ID, Mode.EMAIL_OR_ID) for name in names]
    with bootstrap.open_store(database) as store:
        found = store.people.find_many(workspace.workspace_id, references)
    return [each.id for each in found if each.id is not None]


def workers(api: RunningAPI) -> list[ProcessIdentity]:
    """The processes that serve, if there are several."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = [line.split() for line in listed.splitlines()]
    return [ProcessIdentity.of(int(pid)) for pid, parent in pairs if int(parent) == api.pid]


async def calls_until_the_end(api: RunningAPI, workspace: MadeWorkspace) -> tuple[list[str], set[int]]:
    """Call on many connections until nothing is taken; who was acknowledged, and every status there was."""
    acknowledged: list[str] = []
    statuses: set[int] = set()
    enough = asyncio.Event()

    async def call(track: int) -> None:
        async with httpx.AsyncClient(base_url=api.url, headers=workspace.track, timeout=120) as client:
            for number in range(100_000):
                try:
                    response = await client.put(f"/api/v1/customers/{track}-{number}", json={})
                except httpx.TransportError:
                    return  # not taken: no answer was begun
                statuses.add(response.status_code)
                if response.status_code == httpx.codes.OK:
                    acknowledged.append(f"{track}-{number}")
                if len(acknowledged) >= 10 * CALLERS:
                    enough.set()

    callers = [asyncio.create_task(call(each)) for each in range(CALLERS)]
    await enough.wait()
    os.kill(api.pid, signal.SIGTERM)
    await asyncio.gather(*callers)
    return acknowledged, statuses


@pytest.mark.parametrize("processes", [1, 2])
def test_end_under_load_loses_nothing(database: str, workspace: MadeWorkspace, tmp_path: Path, processes: int) -> None:
    with running_api(database, tmp_path, processes=processes) as api:
        acknowledged, statuses = asyncio.run(calls_until_the_end(api, workspace))
        wait_until(lambda: api.server.exit_code() is not None)  # a second SIGTERM would end it at once
        code = api.stop()

    assert code == 0
    assert statuses == {200}
    assert sorted(known(database, workspace, acknowledged)) == sorted(acknowledged)


def test_request_that_is_being_answered_is_finished(database: str, workspace: MadeWorkspace, tmp_path: Path) -> None:
    with running_api(database, tmp_path) as api:
        with socket.create_connection(("127.0.0.1", api.port), timeout=60) as connection:
            headers = f"Host: here\r\nAuthorization: {workspace.track['authorization']}\r\nContent-Length: 2"
            head = f"PUT /api/v1/customers/ann HTTP/1.1\r\n{headers}\r\nExpect: 100-continue\r\n\r\n"
            connection.sendall(head.encode())
            assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"  # its answer is being made
            connection.sendall(b"{")
            os.kill(api.pid, signal.SIGTERM)
            wait_until(lambda: takes_no_more(api.port))
            connection.sendall(b"}")
            answer = b"".join(iter(lambda: connection.recv(1000), b""))
        code = api.stop()

    assert (answer.split(b"\r\n")[0], code) == (b"HTTP/1.1 200 OK", 0)
    assert b"connection: close" in answer
    assert known(database, workspace, ["ann"]) == ["ann"]


def takes_no_more(port: int) -> bool:
    """Whether nobody listens there any more."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=60).close()
    except ConnectionError:
        return True
    return False


def test_idle_connections_hold_no_end_up(database: str, tmp_path: Path) -> None:
    with running_api(database, tmp_path) as api, api.client() as client:
        client.get("/openapi.json")
        started = time.monotonic()

        code = api.stop()

        assert code == 0
        assert time.monotonic() - started < GRACE_SECONDS  # for which calls under way would be waited for


def test_tls_is_served_from_files(database: str, workspace: MadeWorkspace, tmp_path: Path) -> None:
    with running_api(database, tmp_path, tls=True) as api:
        assert put(api, workspace).status_code == 200
        with api.client(workspace.track) as client:
            assert client.get("/api/v1/accounts/region").json()["url"] == api.url


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_old_tls_is_refused(database: str, tmp_path: Path) -> None:
    old = ssl.create_default_context(cafile=CERTIFICATE)
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1

    with (
        running_api(database, tmp_path, tls=True) as api,
        socket.create_connection(("127.0.0.1", api.port)) as plain,
        pytest.raises(ssl.SSLError),
    ):
        old.wrap_socket(plain, server_hostname="localhost")


def test_links_begin_with_the_public_url(database: str, workspace: MadeWorkspace, tmp_path: Path) -> None:
    options = ("--public-url", "https://people.example.com/")

    with running_api(database, tmp_path, options=options) as api, api.client(workspace.track) as client:
        region = client.get("/api/v1/accounts/region").json()

    assert region["url"] == "https://people.example.com"


def test_process_that_dies_is_replaced(database: str, workspace: MadeWorkspace, tmp_path: Path) -> None:
    with running_api(database, tmp_path, processes=2) as api:
        first, second = wait_until(lambda: workers(api) if len(workers(api)) == 2 else None) or []

        os.kill(first.pid, signal.SIGKILL)
        wait_until(lambda: first.pid not in {each.pid for each in workers(api)} and len(workers(api)) == 2)

        assert second.is_running()
        assert {put(api, workspace, f"p{number}").status_code for number in range(20)} == {200}


def test_processes_end_with_their_parent(database: str, tmp_path: Path) -> None:
    with running_api(database, tmp_path, processes=2) as api:
        children = workers(api)
        assert len(children) == 2

        os.kill(api.pid, signal.SIGKILL)

        wait_until(lambda: not any(each.is_running() for each in children))


def test_access_log_is_lines_of_json(database: str, workspace: MadeWorkspace, tmp_path: Path) -> None:
    with running_api(database, tmp_path) as api:
        put(api, workspace, "ann%40example.com")

    text = api.log.read_text()
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    assert [each["status"] for each in lines if each["method"] == "PUT"] == [200]
    assert "ann" not in text
    assert workspace.keys.api_key not in text


def test_database_that_is_away_is_waited_for() -> None:
    url = f"postgresql://nobody@127.0.0.1:{free_port()}/none"
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}/healthz"
    command = ("run", "api", "--port", "0", "--health-endpoint", endpoint, "--database", url)
    with running(*command, end=signal.SIGTERM) as process:
        wait_until(lambda: status_of(endpoint) == 200, within=120)
        readiness = status_of(f"http://127.0.0.1:{port}/readyz")

    assert (readiness, process.returncode) == (503, 0)


@pytest.mark.parametrize(
    ("options", "words", "code"),
    [
        (("--tls-cert", str(CERTIFICATE)), "give both", 64),
        (("--tls-cert", str(KEY), "--tls-key", str(KEY)), "are not a certificate and its key", 1),
        (("--host", "203.0.113.1"), "cannot listen on 203.0.113.1", 1),
        (("--port", "70000"), "--port", 64),
        (("--processes", "0"), "processes", 64),
        (("--health-endpoint", "8080"), "must be http://HOST:PORT/PATH", 1),
        (("--health-endpoint", "http://203.0.113.1:1/healthz"), "cannot listen on 203.0.113.1:1", 1),
        (("--database", "mysql://x/y"), "not supported", 1),
    ],
)
def test_what_cannot_be_served_is_reported_at_once(
    tmp_path: Path, options: tuple[str, ...], words: str, code: int
) -> None:
    command = (*RUN, "--database", f"sqlite:///{tmp_path}/x.db", "--port", "0", *options)

    done = subprocess.run(command, capture_output=True, text=True, timeout=300)

    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_taken_port_is_reported(database: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = (*RUN, "--database", database, "--port", str(port))
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)

    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
    assert "choose another host or port" in done.stderr


NEEDS = """
import sys, tempfile
from workspace_operator import bootstrap
from workspace_operator.settings import APISettings

with tempfile.TemporaryDirectory() as folder:
    with bootstrap.open_store_lazily(f"sqlite:///{folder}/x.db") as store:
        bootstrap.make_api(store, APISettings(health_endpoint="http://127.0.0.1:8080/healthz"))
print([each for each in ("kopf", "kubernetes", "aiohttp", "alembic", "psycopg", "rich") if each in sys.modules])
"""


def test_api_loads_nothing_that_only_others_need() -> None:
    printed = subprocess.run([sys.executable, "-c", NEEDS], capture_output=True, text=True, check=True).stdout

    assert printed == "[]\n"
