"""Import of new people with five attributes through the command line: its rate, and flat memory.

The rate is compared with bare INSERTs of the same rows in the same run: executemany on SQLite, COPY on PostgreSQL, in
transactions of the same size.
"""

import os
import resource
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.benchmarks.measurement import at_least, databases, megabytes_in, print_table, seconds
from tests.benchmarks.migrations.environments import new_database
from tests.store.backends import upgraded
from tests.workspaces import create_workspace
from workspace_operator import bootstrap
from workspace_operator.application.people.csv_import import BATCH
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.engine.sql import insert_rows
from workspace_operator.store.schema.tables import activity, identifier, person

MANY = int(os.environ.get("WORKSPACE_OPERATOR_BENCH_PEOPLE", "1000000"))
FEW = MANY // 10
RUNS_OF_FEW = 3
ROWS = {person: 1, identifier: 2, activity: 1}
"""The tables that an import writes, with the number of rows of a person."""
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
    workspace_id: int
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

    def workspace(self) -> tuple[str, int]:
        """Make one; its name and number."""
        self.workspaces += 1
        name = f"crm-{self.workspaces}"
        with bootstrap.open_store(self.url) as store:
            made = create_workspace(store.workspaces, name, now=bootstrap.utc_now())
        return f"default/{name}", made.workspace_id

    def take(self, file: Path, people: int) -> Measured:
        """Import a file by a process of its own."""
        workspace, number = self.workspace()
        command = [sys.executable, "-c", TELLING, "people", "import", str(file), "-w", workspace]
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run([*command, "--database", self.url], capture_output=True, text=True)
        duration, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        last = done.stdout.splitlines()[-1]
        assert last == f"{people} rows: {people} created, 0 updated, 0 skipped, 0 rejected", done.stderr
        return Measured(
            people=people,
            workspace_id=number,
            seconds=duration,
            cpu_seconds=after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
            megabytes=megabytes_in(done.stderr),
        )

    def insert_bare(self, imported: Measured) -> float:
        """People a second if the rows of an import are only inserted, as rows of another workspace."""
        _, number = self.workspace()
        with closing(upgraded(self.url)) as database:
            rows = {table: rows_of(database, table, imported.workspace_id, number) for table in ROWS}
            return imported.people / seconds(lambda: insert(database, rows))


def rows_of(database: Database, table: sa.Table, workspace_id: int, other: int) -> list[tuple[Any, ...]]:
    """The rows of a workspace in the order of their people, for `insert_rows`, as rows of another workspace."""
    columns = [sa.cast(column, sa.Text) if isinstance(column.type, sa.JSON) else column for column in table.columns]
    query = sa.select(*columns[1:]).filter_by(workspace_id=workspace_id).order_by(table.c.cio_id)
    with database.reading() as connection:
        return [(other, *row) for row in connection.execute(query)]


def insert(database: Database, rows: dict[sa.Table, list[tuple[Any, ...]]]) -> None:
    """Insert the rows of BATCH people in each transaction."""
    for batch in range(0, len(rows[person]), BATCH):

        def write(connection: sa.Connection, first: int = batch) -> None:
            for table, count in ROWS.items():
                insert_rows(connection, table, rows[table][count * first : count * (first + BATCH)])

        database.writing(write)


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
        bare = [target.insert_bare(run) for run in of_few]
        of_many = target.take(many, MANY)

    rates = [run.rate for run in of_few]
    megabytes = max(run.megabytes for run in of_few)
    growth = of_many.megabytes - megabytes
    print_table(
        f"Import of new people with five attributes, {title}",
        [
            at_least(f"people a second, {FEW:,}, slowest of {RUNS_OF_FEW}", min(rates), GOALS[title], "{:,.0f}"),
            (f"the same, fastest of {RUNS_OF_FEW}", "", f"{max(rates):,.0f}"),
            at_least(f"people a second, {MANY:,}", of_many.rate, GOALS[title], "{:,.0f}"),
            ("people a second of our processor time", "", f"{MANY / of_many.cpu_seconds:,.0f}"),
            (f"rate of INSERTs alone, {FEW:,}, fastest", "", f"{max(rates) / max(bare):.2f} of {max(bare):,.0f}"),
            ("load average of the last minute, of this and others", "", f"{os.getloadavg()[0]:.1f}"),
            (f"peak RSS, {FEW:,}", "", f"{megabytes:.0f} MB"),
            (f"peak RSS, {MANY:,}", f"within {FLAT_MB} MB", f"{of_many.megabytes:.0f} MB ({growth:+.1f})"),
        ],
    )
    assert abs(growth) <= FLAT_MB
