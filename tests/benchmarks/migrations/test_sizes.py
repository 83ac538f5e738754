"""How a change grows with its people: memory, time a person, violations."""

import os
from pathlib import Path

import pytest

from tests.benchmarks.bulk_data import HALF_A_PERCENT, ViolationShares
from tests.benchmarks.measurement import at_least, at_most, databases, print_table
from tests.benchmarks.migrations.environments import Environment, environment
from tests.benchmarks.migrations.processes import percentile_99, run, work, writers
from tests.benchmarks.migrations.worker_process import WorkerReport
from workspace_operator.application.people.command_execution import execute_commands
from workspace_operator.identity.model.commands import DeletePerson
from workspace_operator.identity.values.references import reference_of_kind
from workspace_operator.identity.values.rules import CIO_ID, Mode
from workspace_operator.store.repositories.people import SQLPeople

FEW = int(os.environ.get("WORKSPACE_OPERATOR_BENCH_FEW", "100000"))
PEOPLE = int(os.environ.get("WORKSPACE_OPERATOR_BENCH_PEOPLE", "1000000"))
MANY = int(os.environ.get("WORKSPACE_OPERATOR_BENCH_MANY", "5000000"))
MOST_MEGABYTES = 20
MOST_GROWTH = 1.2
EXPORTED_A_SECOND = 200_000
RUNS = 3
PAIRS = ViolationShares(sharing=1)
"""Everybody shares an address with somebody."""


@pytest.mark.bench
@pytest.mark.postgres
def test_many_people_cost_no_more_each(tmp_path: Path) -> None:
    best = {people: _best(people, tmp_path) for people in (FEW, PEOPLE, MANY)}

    each = {people: report.seconds / people for people, report in best.items()}
    grown = each[MANY] / each[PEOPLE]
    needed = best[MANY].megabytes - best[FEW].megabytes
    print_table(
        "Whole change of clean people by their number, PostgreSQL",
        [
            *(
                (f"{people:,} people", "", f"{report.seconds:.2f} s, {1e6 * each[people]:.2f} us each")
                for people, report in best.items()
            ),
            at_most("time each, against 1 M", grown, MOST_GROWTH),
            ("worker's memory, fewest and most", "", f"{best[FEW].megabytes:.0f}, {best[MANY].megabytes:.0f} MB"),
            at_most("growth", needed, MOST_MEGABYTES, "{:.1f} MB"),
        ],
    )


def _best(people: int, folder: Path) -> WorkerReport:
    with environment("PostgreSQL", folder, people) as env:
        reports = []
        for _ in range(RUNS):
            reports.append(work(env))
            assert (reports[-1].stage, env.emails_owned()) == ("Completed", people)
            env.start_over()
    return min(reports, key=lambda report: report.seconds)


@pytest.mark.bench
@pytest.mark.parametrize(
    ("title", "people"),
    [
        ("SQLite", PEOPLE),
        pytest.param("PostgreSQL", PEOPLE, marks=pytest.mark.postgres),
        pytest.param("PostgreSQL", MANY, marks=pytest.mark.postgres),
    ],
)
def test_violations_are_reported(title: str, people: int, tmp_path: Path) -> None:
    with environment(title, tmp_path, people, HALF_A_PERCENT) as env:
        first = work(env)
        _fix_one(env)
        again = work(env, on_conflict=None)

    assert (first.stage, again.stage) == ("Blocked", "Blocked")
    print_table(
        f"0.5 % violations among {people:,} people, {title}",
        [
            ("until Blocked, with the report", "", f"{first.seconds:.2f} s (check {first.spent('check'):.2f} s)"),
            ("checked again after a fix", "", f"{again.seconds:.2f} s (check {again.spent('check'):.2f} s)"),
            ("worker's memory", "", f"{first.megabytes:.0f} MB"),
        ],
    )


def _fix_one(env: Environment) -> None:
    """Delete somebody who is listed; the change is made due at once, for nobody waits in here."""
    with env.database.reading() as connection:
        cio_id = connection.exec_driver_sql("SELECT min(cio_id) FROM violation").scalar_one()
    call = DeletePerson(reference=reference_of_kind(cio_id, CIO_ID, Mode.ID_ONLY))
    execute_commands(SQLPeople(env.database), env.workspace_id, [call], now=1_700_000_000)


@pytest.mark.bench
@databases
def test_everybody_violates(title: str, tmp_path: Path) -> None:
    few_folder = tmp_path / "few"
    few_folder.mkdir()
    with environment(title, tmp_path, PEOPLE, PAIRS) as env:
        with writers(env, PEOPLE) as beside:
            report = work(env)
        env.rest()
        exported = run("export_process", env.url, env.workspace_id)
    with environment(title, few_folder, FEW, PAIRS) as env:
        few = work(env)

    calls = beside.latencies(report.start, report.end)
    rows, flat = exported["rows"], exported["megabytes"] - exported["first_megabytes"]
    grown = report.megabytes - few.megabytes
    assert (report.stage, few.stage) == ("Blocked", "Blocked")
    print_table(
        f"Everybody of {PEOPLE:,} people shares an address, 4 writers, {title}",
        [
            ("until Blocked, with the report", "", f"{report.seconds:.1f} s"),
            at_most(f"worker's memory beyond that for {FEW:,}", grown, MOST_MEGABYTES, "{:.1f} MB"),
            ("worker's memory", "", f"{report.megabytes:.0f} MB"),
            ("writers meanwhile, p99, longest", "", f"{1000 * percentile_99(calls):.0f}, {1000 * calls[-1]:.0f} ms"),
            ("report as CSV", "", f"{rows:,} rows in {exported['seconds']:.1f} s"),
            at_least("rows a second", rows / exported["seconds"], EXPORTED_A_SECOND, "{:,.0f}"),
            at_most("its memory beyond that for the first rows", flat, MOST_MEGABYTES, "{:.1f} MB"),
        ],
    )
