"""A whole change of clean people against one INSERT … SELECT of as many rows, alone and among writers."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pytest

from tests.benchmarks.measurement import print_table, seconds
from tests.benchmarks.migrations.environments import environment
from tests.benchmarks.migrations.processes import Writers, percentile_99, work, writers
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.state_machine import Step

PEOPLE = int(os.environ.get("WORKSPACE_OPERATOR_BENCH_PEOPLE", "1000000"))
RUNS = 3
UNDISTURBED_SECONDS = 10.0
GOAL = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Goals:
    """What writers may have to put up with: their throughput as a part of what it was, and milliseconds."""

    kept: float
    longest: int


GOALS = {"SQLite": Goals(kept=0.4, longest=100), "PostgreSQL": Goals(kept=0.5, longest=50)}
databases = pytest.mark.parametrize("title", ["SQLite", pytest.param("PostgreSQL", marks=pytest.mark.postgres)])


@pytest.mark.bench
@databases
def test_whole_migration_against_one_insert(title: str, tmp_path: Path) -> None:
    with environment(title, tmp_path, PEOPLE) as crowd:
        bare, tolds = [], []
        for _ in range(RUNS):
            bare.append(seconds(crowd.insert_all))
            assert crowd.emails_owned() == PEOPLE
            crowd.start_over()
            told = work(crowd)
            tolds.append(told)
            assert (told.stage, crowd.mode(), crowd.emails_owned()) == ("Completed", Mode.EMAIL_OR_ID, PEOPLE)
            crowd.start_over()
        order = crowd.plan_of_insert()

    ours = [each.seconds for each in tolds]
    told = tolds[ours.index(min(ours))]
    ratios = [each / against for each, against in zip(ours, bare, strict=True)]
    print_table(
        f"Whole change, {PEOPLE:,} clean people, no writers, {title}",
        [
            ("one INSERT … SELECT, best", "", f"{min(bare):.2f} s ({order})"),
            ("whole change, best", "", f"{min(ours):.2f} s"),
            ("of that: check, prepare", "", f"{told.spent('check'):.2f}, {told.spent(Step.BACKFILL):.2f} s"),
            ("ratio of the best", f"<= {GOAL}", _judged(min(ours) / min(bare), GOAL)),
            ("ratio, median of the pairs", f"<= {GOAL}", _judged(median(ratios), GOAL)),
        ],
    )


@pytest.mark.bench
@databases
def test_whole_migration_among_writers(title: str, tmp_path: Path) -> None:
    goals = GOALS[title]
    with environment(title, tmp_path, PEOPLE) as crowd:
        with writers(crowd, PEOPLE) as before:
            alone = _meanwhile(lambda: time.sleep(UNDISTURBED_SECONDS))
        crowd.rest()
        with writers(crowd, PEOPLE) as beside_insert:
            inserting = _meanwhile(crowd.insert_all)
        crowd.start_over()
        with writers(crowd, PEOPLE) as beside:
            time.sleep(1)
            told = work(crowd)
            time.sleep(1)
        assert (told.stage, crowd.mode()) == ("Completed", Mode.EMAIL_OR_ID)
        assert crowd.emails_owned() == crowd.emails()

    during = (told.start, told.end)
    calls = beside.latencies(*during)
    kept = beside.rate(*during) / before.rate(*alone)
    ratio = told.seconds / (inserting[1] - inserting[0])
    ms = 1000 * percentile_99(calls)
    print_table(
        f"Whole change, {PEOPLE:,} clean people, 4 writers, {title}",
        [
            ("one INSERT … SELECT beside them", "", f"{inserting[1] - inserting[0]:.2f} s"),
            ("whole change beside them", "", f"{told.seconds:.2f} s"),
            ("ratio", f"<= {GOAL}", _judged(ratio, GOAL)),
            ("writers undisturbed", "", _shown(before, alone)),
            ("beside the INSERT", "", _shown(beside_insert, inserting)),
            ("beside the change", "", _shown(beside, during)),
            ("throughput kept", f">= {goals.kept}", f"{kept:.2f}{'' if kept >= goals.kept else ' missed'}"),
            ("p99 during it", f"<= {goals.longest} ms", _judged(ms, goals.longest)),
            ("fence held at the switch", f"<= {goals.longest} ms", _judged(1000 * told.longest_hold, goals.longest)),
            (
                "longest call across the switch",
                f"<= {goals.longest} ms",
                _judged(1000 * beside.longest_across(told.holds), goals.longest),
            ),
            ("longest call of all", "", f"{1000 * calls[-1]:.0f} ms"),
            ("parts (calls, s, longest)", "", _parts(told.parts)),
        ],
    )


def _meanwhile(work: Callable[[], object]) -> tuple[float, float]:
    """From when to when something was done, while writers had begun already."""
    time.sleep(1)
    start = time.perf_counter()
    work()
    return start, time.perf_counter()


def _shown(who: Writers, span: tuple[float, float]) -> str:
    calls = who.latencies(*span)
    p99, longest = percentile_99(calls), max(calls, default=0.0)
    return f"{who.rate(*span):,.0f}/s, p99 {1000 * p99:.1f} ms, longest {1000 * longest:.0f} ms"


def _judged(value: float, goal: float) -> str:
    return f"{value:.2f}{'' if value <= goal else ' missed'}"


def _parts(parts: dict[str, tuple[int, float, float]]) -> str:
    longest = sorted(parts.items(), key=lambda each: -each[1][1])[:4]
    return ", ".join(f"{name} {calls} {total:.2f} {most:.3f}" for name, (calls, total, most) in longest)
