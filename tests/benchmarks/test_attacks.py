"""Latency of clients with a key while others attack the API, and the memory that this takes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.api.servers import make_workspace, running_api
from tests.benchmarks.measurement import at_most, databases, memory_megabytes, print_table
from tests.benchmarks.migrations.environments import new_database

SECONDS = float(os.environ.get("WORKSPACE_OPERATOR_BENCH_ATTACK_SECONDS", "15"))


def regular_calls(port: int, authorization: str) -> dict[str, float]:
    program = [sys.executable, "-m", "tests.benchmarks.regular_clients", "127.0.0.1", str(port)]
    done = subprocess.run([*program, authorization, str(SECONDS)], capture_output=True, text=True, check=True)
    printed: dict[str, float] = json.loads(done.stdout)
    return printed


@pytest.mark.bench
@pytest.mark.parametrize("kind", ["header", "chunks", "keys", "addresses"])
@databases
def test_callers_with_a_key_notice_little(title: str, kind: str, tmp_path: Path) -> None:
    with new_database(title, tmp_path) as url:
        ours, theirs = make_workspace(url), make_workspace(url, "other")
        key, other = ours.track["authorization"], theirs.track["authorization"]
        with running_api(url, tmp_path) as api:
            alone = regular_calls(api.port, key)
            before = memory_megabytes(api.pid, "VmRSS")
            command = [sys.executable, "-m", "tests.benchmarks.attackers", kind, "127.0.0.1", str(api.port), other]
            with subprocess.Popen(command, stdout=subprocess.DEVNULL) as attacker:
                try:
                    meanwhile = regular_calls(api.port, key)
                    during = memory_megabytes(api.pid, "VmRSS")
                finally:
                    attacker.kill()

    assert set(meanwhile["statuses"]) == {"200"}  # type: ignore[call-overload]  # a dictionary of counts
    print_table(
        f"Calls with a key while others attack by {kind}, {title}; load average {os.getloadavg()[0]:.1f}",
        [
            at_most("p99, ms", meanwhile["p99"], 250, "{:.0f}"),
            ("longest, ms", "", f"{meanwhile['longest']:.0f}"),
            ("p99 alone, ms", "", f"{alone['p99']:.0f}"),
            ("calls", "", f"{meanwhile['calls']} ({alone['calls']} alone)"),
            ("memory, MB", "flat", f"{during:.0f} ({before:.0f} before)"),
        ],
    )
