"""docs/monitoring.md lists every metric with its type, process and labels, and processes export what it lists."""

import re
import signal
from pathlib import Path

import httpx
import pytest

from tests.api.servers import running_api
from tests.commands import running, status_of
from tests.docs.pages import text_of
from tests.e2e.waiting import wait_until
from tests.monitoring.exports import PAGE, PREFIX, exports, families, listed
from tests.network_ports import free_port
from workspace_operator.application.migrations.metrics import MAX_MIGRATIONS

UNITS = ("_seconds", "_total", "_bytes", "_info")

WITHOUT_UNIT = {
    "workspaces", "accounts", "workqueue_depth", "migrations", "migration_people", "migration_violations",
    "migration_leases", "command_batch_size", "command_queue_length", "messages_in_flight", "transport_up",
    "sending_leases", "store_writable",
}  # fmt: skip
"""Numbers of things, and yes or no."""

RESOURCE_LABELS = {"cluster", "namespace", "name"}


def test_page_lists_what_is_exported() -> None:
    assert listed() == {name: family for name, family in exports().items() if not name.startswith("process_")}


def test_names_have_prefix_and_base_unit() -> None:
    odd = [name for name in listed() if not name.startswith(PREFIX) or not name.endswith(UNITS)]

    assert {name.removeprefix(PREFIX) for name in odd} == WITHOUT_UNIT


def test_only_the_oldest_migrations_name_resources() -> None:
    naming = {name for name, family in listed().items() if family.labels & RESOURCE_LABELS}

    assert naming == {f"{PREFIX}migration_people", f"{PREFIX}migration_violations"}
    assert f"the {MAX_MIGRATIONS} oldest migrations" in text_of(PAGE)


@pytest.mark.parametrize(
    ("part", "processes"),
    [("worker", {"worker", "sender", "all"}), ("sender", {"sender", "all"}), ("console", {"console", "all"})],
)
def test_process_exports_what_the_page_says(part: str, processes: set[str], tmp_path: Path) -> None:
    text = scraped(part, tmp_path)

    assert families(text) == {name for name, family in listed().items() if family.process in processes}
    assert repeated(text) == set()


def test_api_exports_what_the_page_says(tmp_path: Path) -> None:
    with running_api(f"sqlite:///{tmp_path}/store.db", tmp_path) as api:
        text = httpx.get(f"{api.health}/metrics").text

    assert families(text) == {name for name, family in listed().items() if family.process in {"api", "all"}}
    assert repeated(text) == set()
    assert "process_resident_memory_bytes" in text


def test_several_processes_export_their_sums(tmp_path: Path) -> None:
    with running_api(f"sqlite:///{tmp_path}/store.db", tmp_path, processes=2) as api:
        httpx.get(f"{api.url}/api/v1/accounts/region")
        text = wait_until(lambda: with_requests(httpx.get(f"{api.health}/metrics").text))

    assert families(text) <= listed().keys()
    assert families(text) >= {f"{PREFIX}store_transaction_duration_seconds", f"{PREFIX}build_info"}
    assert repeated(text) == set()
    assert "process_resident_memory_bytes" not in text


def with_requests(text: str) -> str:
    """A scrape that has requests; empty before."""
    return text if f"{PREFIX}http_requests_total{{" in text else ""


def repeated(text: str) -> set[str]:
    """Families that a scrape has twice."""
    types = re.findall(r"^# TYPE (\S+)", text, re.MULTILINE)
    return {name for name in types if types.count(name) > 1}


def scraped(part: str, folder: Path) -> str:
    """The metrics of a process that is ready."""
    url = f"http://127.0.0.1:{free_port()}"
    command = ("run", part, "--database", f"sqlite:///{folder}/store.db", "--health-endpoint", f"{url}/healthz")
    port = ("--port", "0") if part == "console" else ()
    with running(*command, *port, end=signal.SIGTERM):
        wait_until(lambda: status_of(f"{url}/readyz") == 200)
        return httpx.get(f"{url}/metrics", timeout=60).text
