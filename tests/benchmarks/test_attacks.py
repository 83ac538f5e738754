"""What callers with a key notice of others who take what they can get, and what memory that takes."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.api.servers import make_workspace, running_api
from tests.benchmarks.measurement import at_most, print_table
from tests.benchmarks.test_api import DATABASES, database_url

SECONDS = float(os.environ.get("WORKSPACE_OPERATOR_BENCH_ATTACK_SECONDS", "15"))
ATTACKS = ("header", "chunks", "keys", "addresses")


def resident_megabytes(pid: int) -> float:
    [kilobytes] = re.findall(r"^VmRSS:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return int(kilobytes) * 1024 / 1e6


def lawful(port: int, authorization: str, seconds: float = SECONDS) -> dict[str, float]:
    command = [
        sys.executable,
        "-m",
        "tests.benchmarks.regular_clients",
        "127.0.0.1",
        str(port),
        authorization,
        str(seconds),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    told: dict[str, float] = json.loads(done.stdout)
    return told


@pytest.mark.bench
@pytest.mark.parametrize("kind", ATTACKS)
@pytest.mark.parametrize("title", DATABASES)
def test_callers_with_a_key_notice_little(title: str, kind: str, tmp_path: Path) -> None:
    with database_url(title, tmp_path) as url:
        ours, theirs = make_workspace(url), make_workspace(url, "other")
        key, other = ours.track["authorization"], theirs.track["authorization"]
        with running_api(url, tmp_path) as api:
            alone = lawful(api.port, key)
            before = resident_megabytes(api.pid)
            command = [sys.executable, "-m", "tests.benchmarks.attackers", kind, "127.0.0.1", str(api.port), other]
            with subprocess.Popen(command, stdout=subprocess.DEVNULL) as attacker:
                try:
                    meanwhile = lawful(api.port, key)
                    during = resident_megabytes(api.pid)
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
