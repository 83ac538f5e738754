"""How a change grows with its people: memory, time a person, violations, merges (issue 5, §1 and §3)."""

import os
from pathlib import Path

import pytest

from tests.benchmarks.crowds import HALF_A_PERCENT, Spoilt
from tests.benchmarks.measuring import tell
from tests.benchmarks.migrations.grounds import Ground, ground
from tests.benchmarks.migrations.processes import percentile_99, run, work, writers
from tests.benchmarks.migrations.working import Told
from workspace_operator.identity.calls import DeleteCall
from workspace_operator.identity.references import reference_by_kind
from workspace_operator.identity.rules import CIO_ID, Mode
from workspace_operator.migrations.records import OnConflict
from workspace_operator.store.people import SQLPeople

FEW = int(os.environ.get("WORKSPACE_OPERATOR_BENCH_FEW", "100000"))
PEOPLE = int(os.environ.get("WORKSPACE_OPERATOR_BENCH_PEOPLE", "1000000"))
MANY = int(os.environ.get("WORKSPACE_OPERATOR_BENCH_MANY", "5000000"))
MOST_MEGABYTES = 20
MOST_GROWTH = 1.2
RUNS = 3
PAIRS = Spoilt(sharing=1)
"""Everybody shares an address with somebody."""

databases = pytest.mark.parametrize("title", ["SQLite", pytest.param("PostgreSQL", marks=pytest.mark.postgres)])


@pytest.mark.bench
@pytest.mark.postgres
def test_many_people_cost_no_more_each(tmp_path: Path) -> None:
    best = {people: _best(people, tmp_path) for people in (FEW, PEOPLE, MANY)}

    each = {people: told.seconds / people for people, told in best.items()}
    grown = each[MANY] / each[PEOPLE]
    needed = best[MANY].megabytes - best[FEW].megabytes
    tell(
        "Whole change of clean people by their number, PostgreSQL",
        [
            *(
                (f"{people:,} people", "", f"{told.seconds:.2f} s, {1e6 * each[people]:.2f} us each")
                for people, told in best.items()
            ),
            ("time each, against 1 M", f"<= {MOST_GROWTH}", f"{grown:.2f}{'' if grown <= MOST_GROWTH else ' missed'}"),
            ("worker's memory, fewest and most", "", f"{best[FEW].megabytes:.0f}, {best[MANY].megabytes:.0f} MB"),
            ("growth", f"< {MOST_MEGABYTES} MB", f"{needed:.1f} MB{'' if needed < MOST_MEGABYTES else ' missed'}"),
        ],
    )


def _best(people: int, folder: Path) -> Told:
    with ground("PostgreSQL", folder, people) as crowd:
        tolds = []
        for _ in range(RUNS):
            tolds.append(work(crowd))
            assert (tolds[-1].stage, crowd.emails_owned()) == ("Completed", people)
            crowd.start_over()
    return min(tolds, key=lambda told: told.seconds)


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
    with ground(title, tmp_path, people, HALF_A_PERCENT) as crowd:
        first = work(crowd)
        _mend_one(crowd)
        again = work(crowd, on_conflict=None)

    assert (first.stage, again.stage) == ("Blocked", "Blocked")
    tell(
        f"0.5 % violations among {people:,} people, {title}",
        [
            ("until Blocked, with the report", "", f"{first.seconds:.2f} s (check {first.spent('check'):.2f} s)"),
            ("looked at again after a mend", "", f"{again.seconds:.2f} s (check {again.spent('check'):.2f} s)"),
            ("worker's memory", "", f"{first.megabytes:.0f} MB"),
        ],
    )


def _mend_one(crowd: Ground) -> None:
    """Delete somebody who is listed; the change is made due at once, for nobody waits in here."""
    with crowd.database.reading() as connection:
        cio_id = connection.exec_driver_sql("SELECT min(cio_id) FROM violation").scalar_one()
    call = DeleteCall(reference=reference_by_kind(cio_id, CIO_ID, Mode.ID_ONLY))
    SQLPeople(crowd.database).perform(crowd.workspace_id, [call], now=1_700_000_000)


@pytest.mark.bench
@databases
def test_everybody_violates(title: str, tmp_path: Path) -> None:
    with ground(title, tmp_path, PEOPLE, PAIRS) as crowd:
        with writers(crowd, PEOPLE) as beside:
            told = work(crowd)
        exported = run("exporting", crowd.url, crowd.workspace_id)

    calls = beside.latencies(told.start, told.end)
    assert told.stage == "Blocked"
    tell(
        f"Everybody of {PEOPLE:,} people shares an address, 4 writers, {title}",
        [
            ("until Blocked, with the report", "", f"{told.seconds:.1f} s"),
            ("worker's memory", "", f"{told.megabytes:.0f} MB"),
            ("writers meanwhile, p99, longest", "", f"{1000 * percentile_99(calls):.0f}, {1000 * calls[-1]:.0f} ms"),
            ("report as CSV", "", f"{exported['rows']:,} rows in {exported['seconds']:.1f} s"),
            ("its memory", "", f"{exported['megabytes']:.0f} MB"),
        ],
    )


@pytest.mark.bench
@databases
@pytest.mark.parametrize("one_in", [200, 10])
def test_groups_are_folded(title: str, one_in: int, tmp_path: Path) -> None:
    with ground(title, tmp_path, PEOPLE, Spoilt(sharing=one_in)) as crowd:
        before = crowd.people()
        told = work(crowd, OnConflict.MERGE)
        merged = before - crowd.people()

    assert told.stage == "Completed"
    assert merged > 0
    folding = told.spent("fold_batch")
    tell(
        f"Merge: one in {one_in} of {PEOPLE:,} people shares an address, {title}",
        [
            ("whole change", "", f"{told.seconds:.2f} s"),
            ("of that until the switch", "", f"{told.holds[-1][1] - told.start:.2f} s"),
            ("people merged", "", f"{merged:,} in {folding:.2f} s, {merged / folding:,.0f}/s"),
            ("fence held at the switch", "", f"{1000 * told.longest_hold:.1f} ms"),
        ],
    )
