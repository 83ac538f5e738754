"""Import of new people with five attributes through the command line: its rate, and flat memory."""

import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.benchmarks.measurement import databases, megabytes_in, print_table
from tests.benchmarks.migrations.environments import new_database
from tests.workspaces import create_workspace
from workspace_operator import bootstrap

MANY = int(os.environ.get("WORKSPACE_OPERATOR_BENCH_PEOPLE", "1000000"))
FEW = MANY // 10
RUNS_OF_FEW = 3
GOALS = {"SQLite": 20_000, "PostgreSQL": 15_000}
FLAT_MB = 20

# What wait4 says of memory counts the process that forked this one, too: here it tells its own peak, on Linux.
TELLING = """
import atexit, sys
from pathlib import Path
from workspace_operator.cli.app import main
atexit.register(lambda: print(Path("/proc/self/status").read_text(), file=sys.stderr))
main()
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One import: how fast it was, and what it needed at most."""

    people: int
    seconds: float
    cpu_seconds: float
    megabytes: float

    @property
    def rate(self) -> float:
        return self.people / self.seconds


@dataclass(slots=True, kw_only=True)
class Target:
    """A database that people are imported into, each time into a workspace of its own."""

    url: str
    workspaces: int = 0

    def workspace(self) -> str:
        """Make one; its name."""
        self.workspaces += 1
        name = f"crm-{self.workspaces}"
        with bootstrap.open_store(self.url) as store:
            create_workspace(store.workspaces, name, now=bootstrap.utc_now())
        return f"default/{name}"

    def take(self, file: Path, people: int) -> Measured:
        """Import a file by a process of its own."""
        workspace = self.workspace()
        command = [sys.executable, "-c", TELLING, "people", "import", str(file), "-w", workspace]
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run([*command, "--database", self.url], capture_output=True, text=True)
        seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        last = done.stdout.splitlines()[-1]
        assert last == f"{people} rows: {people} created, 0 updated, 0 skipped, 0 rejected", done.stderr
        return Measured(
            people=people,
            seconds=seconds,
            cpu_seconds=after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
            megabytes=megabytes_in(done.stderr),
        )


def written(path: Path, people: int) -> Path:
    with path.open("w") as file:
        file.write("id,email,first_name,last_name,plan,city,score\n")
        file.writelines(
            f"user-{number},person{number}@example{number % 50}.com,"
            f"First{number % 1000},Last{number % 700},premium,Springfield,{number * 7 % 1000}\n"
            for number in range(people)
        )
    return path


@pytest.mark.bench
@databases
def test_import_is_fast_and_flat(title: str, tmp_path: Path) -> None:
    few, many = written(tmp_path / "few.csv", FEW), written(tmp_path / "many.csv", MANY)

    with new_database(title, tmp_path) as url:
        target = Target(url=url)
        of_few = [target.take(few, FEW) for _ in range(RUNS_OF_FEW)]
        of_many = target.take(many, MANY)

    best = max(of_few, key=lambda run: run.rate)
    goal = f">= {GOALS[title]:,}"
    growth = of_many.megabytes - best.megabytes
    print_table(
        f"Import of new people with five attributes, {title}",
        [
            (f"people a second, {FEW:,}, best of {RUNS_OF_FEW}", goal, f"{best.rate:,.0f}"),
            (f"people a second, {MANY:,}", goal, f"{of_many.rate:,.0f}"),
            ("people a second of our processor time", "", f"{MANY / of_many.cpu_seconds:,.0f}"),
            (f"peak RSS, {FEW:,}", "", f"{best.megabytes:.0f} MB"),
            (f"peak RSS, {MANY:,}", f"within {FLAT_MB} MB", f"{of_many.megabytes:.0f} MB ({growth:+.1f})"),
        ],
    )
    assert abs(growth) <= FLAT_MB
