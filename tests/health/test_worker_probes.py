"""``workspacectl run worker`` with an endpoint of probes and metrics."""

import signal
from pathlib import Path

import httpx
import pytest

from tests.commands import running, status_of
from tests.e2e.waiting import wait_until
from tests.network_ports import free_port


def command(folder: Path, url: str) -> tuple[str, ...]:
    """A worker with a database of its own."""
    return ("run", "worker", "--database", f"sqlite:///{folder}/store.db", "--health-endpoint", f"{url}/healthz")


@pytest.fixture
def url() -> str:
    return f"http://127.0.0.1:{free_port()}"


def test_worker_serves_probes_and_metrics(url: str, tmp_path: Path) -> None:
    with running(*command(tmp_path, url)):
        wait_until(lambda: status_of(f"{url}/readyz") == 200)
        alive = httpx.get(f"{url}/healthz", timeout=60)
        metrics = httpx.get(f"{url}/metrics", timeout=60)

    assert (alive.status_code, metrics.status_code) == (200, 200)
    assert 'workspace_operator_migrations{stage="Merging"} 0' in metrics.text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_worker_with_probes_stops_in_good_order(url: str, tmp_path: Path, number: signal.Signals) -> None:
    with running(*command(tmp_path, url)) as process:
        wait_until(lambda: status_of(f"{url}/readyz") == 200)

        process.send_signal(number)

        assert process.wait(timeout=300) == 0
