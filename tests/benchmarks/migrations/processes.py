"""Runs the programs of this folder and parses their output."""

import json
import subprocess
import sys
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any

from tests.benchmarks.migrations.environments import Environment
from tests.benchmarks.migrations.worker_process import WorkerReport
from workspace_operator.migrations.model import OnConflict

PROGRAMS = "tests.benchmarks.migrations"
WRITERS = 4
MOST_SECONDS = 3000
_numbers = count(1)


def work(environment: Environment, on_conflict: OnConflict | None = OnConflict.BLOCK) -> WorkerReport:
    """Have a worker request a migration, unless None, and run it as far as it goes."""
    requested = [] if on_conflict is None else [on_conflict.value]
    return WorkerReport(
        **run("worker_process", environment.url, environment.workspace_id, *requested, newest=environment.newest)
    )


def command_of(program: str, *arguments: object, newest: bool) -> list[str]:
    """The command that runs a program of this folder."""
    names = [f"{PROGRAMS}.newest_sqlite", program] if newest else [f"{PROGRAMS}.{program}"]
    return [sys.executable, "-m", *names, *map(str, arguments)]


def run(program: str, *arguments: object, newest: bool = False) -> dict[str, Any]:
    """What a program has printed."""
    command = command_of(program, *arguments, newest=newest)
    done = subprocess.run(command, capture_output=True, text=True, timeout=MOST_SECONDS)
    assert done.returncode == 0, done.stderr
    printed: dict[str, Any] = json.loads(done.stdout)
    return printed


@dataclass(slots=True, kw_only=True)
class Writers:
    """Writers at full speed; what they have noted is there when they have ended."""

    noted: list[tuple[float, float]] = field(default_factory=list)

    def rate(self, since: float, until: float) -> float:
        """Calls a second that were done in this time."""
        return sum(since <= start and start + took <= until for start, took in self.noted) / (until - since)

    def latencies(self, since: float, until: float) -> list[float]:
        """Seconds of each call that began in this time, the shortest first."""
        return sorted(took for start, took in self.noted if since <= start <= until)

    def longest_across(self, spans: list[tuple[float, float]]) -> float:
        """The longest call that was under way at any moment of these."""
        return max(
            (took for start, took in self.noted for since, until in spans if start <= until and start + took >= since),
            default=0.0,
        )


@contextmanager
def writers(environment: Environment, people: int) -> Iterator[Writers]:
    """Four of them, which have begun."""
    with TemporaryDirectory() as folder:
        files = [Path(folder) / f"{number}" for number in range(WRITERS)]
        processes = [_writer(environment, people, file) for file in files]
        made = Writers()
        try:
            for each in processes:
                assert each.stdout is not None
                assert each.stdout.readline() == "ready\n", "a writer has failed; see above"
            yield made
        finally:
            codes = [_end(each) for each in processes]
        assert codes == [0] * WRITERS, "a writer has failed; see above"
        for file in files:
            numbers = array("d", file.read_bytes())
            made.noted.extend(zip(numbers[::2], numbers[1::2], strict=True))


def _writer(environment: Environment, people: int, file: Path) -> "subprocess.Popen[str]":
    arguments = (environment.url, environment.workspace_id, people, f"w{next(_numbers)}", file)
    command = command_of("writer_process", *arguments, newest=environment.newest)
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _end(process: "subprocess.Popen[str]") -> int:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    try:
        return process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
    finally:
        process.stdout.close()


def percentile_99(latencies: list[float]) -> float:
    """The 99th percentile of sorted seconds; 0.0 if there are none."""
    return quantiles(latencies, n=100)[-1] if len(latencies) > 1 else max(latencies, default=0.0)
