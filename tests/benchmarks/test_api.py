"""The people API under load: against HTTP alone, against an import, and what memory it takes."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pytest

from tests.api.servers import MadeWorkspace, make_workspace, running_api
from tests.benchmarks.earlier_version import BEFORE_CONSOLE, EarlierVersion
from tests.benchmarks.load_generator import write_requests
from tests.benchmarks.measurement import (
    at_least,
    at_most,
    databases,
    memory_megabytes,
    print_table,
    processor_seconds,
    seconds,
)
from tests.benchmarks.migrations.environments import new_database

PAIRS = 15
"""Runs of both versions, one after the other, whose ratios are compared."""

CALLS = int(os.environ.get("WORKSPACE_OPERATOR_BENCH_PEOPLE", "1000000"))
PEOPLE = 10_000
CONNECTIONS = 32
LOAD = CALLS // 25
RUNS = 5
BATCH = 100
"""Operations a v2 batch: more would not fit into its 500 kB with these attributes."""


def request(workspace: MadeWorkspace, method: str, path: str, document: object) -> bytes:
    body = json.dumps(document).encode()
    head = (
        f"{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: {workspace.track['authorization']}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def attributes(number: int) -> dict[str, object]:
    return {
        "first_name": f"First{number % 1000}",
        "last_name": f"Last{number % 700}",
        "plan": "premium",
        "city": "Springfield",
        "score": number * 7 % 1000,
    }


def identifies(workspace: MadeWorkspace, calls: int, *, seed: int) -> Iterator[bytes]:
    """Each changes somebody of PEOPLE, or makes them."""
    rng = random.Random(seed)
    for number in range(calls):
        path = f"/api/v1/customers/user-{rng.randrange(PEOPLE)}"
        yield request(workspace, "PUT", path, attributes(number + seed))


def batches(workspace: MadeWorkspace, people: int, prefix: str) -> Iterator[bytes]:
    for start in range(0, people, BATCH):
        operations = [
            {
                "type": "person",
                "action": "identify",
                "identifiers": {"id": f"{prefix}{number}"},
                "attributes": {"email": f"{prefix}{number}@example{number % 50}.com", **attributes(number)},
            }
            for number in range(start, min(start + BATCH, people))
        ]
        yield request(workspace, "POST", "/api/v2/batch", {"batch": operations})


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Requests in a file, sent by a program of their own."""

    file: Path
    requests: int
    connections: int = CONNECTIONS

    @classmethod
    def of(cls, requests: Iterable[bytes], file: Path, *, connections: int = CONNECTIONS) -> "Load":
        made = list(requests)
        write_requests(made, file)
        return cls(file=file, requests=len(made), connections=connections)

    def send(self, port: int) -> float:
        """Requests a second; all must be answered with 200."""
        command = [sys.executable, "-m", "tests.benchmarks.load_generator", "127.0.0.1", str(port)]
        done = subprocess.run([*command, str(self.connections), str(self.file)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        printed = json.loads(done.stdout)
        assert printed["answers"] == {"200": self.requests}, printed
        return float(self.requests / printed["seconds"])


@pytest.mark.bench
@databases
def test_identify_costs_little_more_than_http(title: str, tmp_path: Path) -> None:
    """Both servers of the earlier version stay the measure, however much faster HTTP alone becomes."""
    earlier = EarlierVersion.extracted(tmp_path / "earlier")
    before, after = list[float](), list[float]()
    with new_database(title, tmp_path) as url, new_database(title, tmp_path / "earlier") as earlier_url:
        load = Load.of(identifies(make_workspace(url), LOAD, seed=1), tmp_path / "load")
        earlier_load = Load.of(identifies(earlier.make_workspace(earlier_url), LOAD, seed=1), tmp_path / "earlier-load")
        with (
            running_api(url, tmp_path) as api,
            earlier.serving(earlier_url) as old,
            earlier.serving(earlier_url, has_store=False) as bare,
        ):
            load.send(api.port)
            earlier_load.send(old.port)
            rates = list[tuple[float, float]]()
            for _ in range(RUNS):
                spent = processor_seconds(api.pid), old.processor_seconds()
                earlier_load.send(old.port)
                rates.append((earlier_load.send(bare.port), load.send(api.port)))
                after.append((processor_seconds(api.pid) - spent[0]) / LOAD)
                before.append((old.processor_seconds() - spent[1]) / LOAD)

    without, ours = max(pair[0] for pair in rates), max(pair[1] for pair in rates)
    print_table(
        f"HTTP identify, {CONNECTIONS} connections, {title}; load average {os.getloadavg()[0]:.1f}",
        [
            at_least(f"rate of the earlier server without a store, best of {RUNS}", ours / without, 0.45),
            ("calls a second", "", f"{ours:,.0f} of {without:,.0f}"),
            at_most(
                "processor time of the API for each, of that of the earlier version", min(after) / min(before), 0.6
            ),
            ("microseconds", "", f"{min(after) * 1e6:.0f} of {min(before) * 1e6:.0f}"),
        ],
    )


@pytest.mark.bench
@databases
def test_identify_costs_what_it_did_before_the_console(title: str, tmp_path: Path) -> None:
    earlier, ratios = EarlierVersion.extracted(tmp_path / "earlier", BEFORE_CONSOLE), list[float]()
    with new_database(title, tmp_path) as url, new_database(title, tmp_path / "earlier") as earlier_url:
        load = Load.of(identifies(make_workspace(url), LOAD, seed=1), tmp_path / "load")
        earlier_load = Load.of(identifies(earlier.make_workspace(earlier_url), LOAD, seed=1), tmp_path / "earlier-load")
        with running_api(url, tmp_path) as api, earlier.serving(earlier_url) as old:
            load.send(api.port)
            earlier_load.send(old.port)
            for _ in range(PAIRS):
                spent = processor_seconds(api.pid), old.processor_seconds()
                earlier_load.send(old.port)
                load.send(api.port)
                ratios.append((processor_seconds(api.pid) - spent[0]) / (old.processor_seconds() - spent[1]))

    print_table(
        f"HTTP identify beside the version before the console, {title}; load average {os.getloadavg()[0]:.1f}",
        [
            at_most(f"processor time of the API for each, of that before, median of {PAIRS}", median(ratios), 1.03),
            ("smallest, largest", "", f"{min(ratios):.3f}, {max(ratios):.3f}"),
        ],
    )


@pytest.mark.bench
@databases
def test_batches_against_an_import(title: str, tmp_path: Path) -> None:
    people = CALLS // 10
    csv = tmp_path / "people.csv"
    csv.write_text(
        "id,email,first_name,last_name,plan,city,score\n"
        + "".join(
            f"csv{number},csv{number}@example{number % 50}.com,{','.join(map(str, attributes(number).values()))}\n"
            for number in range(people)
        )
    )
    with new_database(title, tmp_path) as url:
        workspace = make_workspace(url)
        load = Load.of(batches(workspace, people, "api"), tmp_path / "load", connections=4)
        command = [sys.executable, "-m", "workspace_operator", "people", "import", str(csv), "-w", "default/shop"]
        with running_api(url, tmp_path) as api:
            ours = load.send(api.port) * BATCH
            imported = people / seconds(lambda: subprocess.run([*command, "--database", url], check=True))

    print_table(
        f"New people by v2 batches of {BATCH}, one process, {title}",
        [
            at_least("rate of a CSV import", ours / imported, 0.7),
            ("people a second", "", f"{ours:,.0f} of {imported:,.0f}"),
        ],
    )


@pytest.mark.bench
@databases
def test_memory_stays_small(title: str, tmp_path: Path) -> None:
    with new_database(title, tmp_path) as url:
        workspace = make_workspace(url)
        load = Load.of(identifies(workspace, LOAD, seed=1), tmp_path / "load")
        with running_api(url, tmp_path) as api:
            load.send(api.port)
            before = memory_megabytes(api.pid)
            for _ in range(CALLS // LOAD - 1):
                load.send(api.port)
            after = memory_megabytes(api.pid)

    print_table(
        f"Memory of an API process, {title}",
        [
            (f"peak RSS after {CALLS:,} calls", "< 120 MB", f"{after:.0f} MB"),
            (f"after {LOAD:,}", "", f"{before:.0f} MB"),
        ],
    )
