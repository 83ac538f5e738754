"""``workspacectl run worker`` with an endpoint: a process that tells how it is."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.e2e.waiting import wait_until
from tests.network_ports import free_port

RUN = (sys.executable, "-m", "workspace_operator", "run", "worker")


@contextmanager
def running(folder: Path) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """The worker on a database of its own, and where it answers."""
    url = f"http://127.0.0.1:{free_port()}"
    command = (*RUN, "--database", f"sqlite:///{folder}/store.db", "--health-endpoint", f"{url}/healthz")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield url, process
        finally:
            process.kill()


def is_answered(url: str) -> bool:
    try:
        return httpx.get(url, timeout=60).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def test_worker_reports_how_it_is(tmp_path: Path) -> None:
    with running(tmp_path) as (url, _):
        wait_until(lambda: is_answered(f"{url}/readyz"))
        alive = httpx.get(f"{url}/healthz", timeout=60)
        metrics = httpx.get(f"{url}/metrics", timeout=60)

    assert (alive.status_code, metrics.status_code) == (200, 200)
    assert 'workspace_operator_migrations{stage="Merging"} 0' in metrics.text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_worker_with_probes_stops_in_good_order(tmp_path: Path, number: signal.Signals) -> None:
    with running(tmp_path) as (url, process):
        wait_until(lambda: is_answered(f"{url}/readyz"))

        process.send_signal(number)

        assert process.wait(timeout=300) == 0
