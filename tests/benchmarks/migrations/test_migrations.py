"""A whole change of clean people against one INSERT … SELECT of as many rows, alone and among writers."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pytest

from tests.benchmarks.measurement import at_least, at_most, databases, print_table, seconds
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


@pytest.mark.bench
@databases
def test_whole_migration_against_one_insert(title: str, tmp_path: Path) -> None:
    with environment(title, tmp_path, PEOPLE) as env:
        bare, reports = [], []
        for _ in range(RUNS):
            bare.append(seconds(env.insert_all))
            assert env.emails_owned() == PEOPLE
            env.start_over()
            report = work(env)
            reports.append(report)
            assert (report.stage, env.mode(), env.emails_owned()) == ("Completed", Mode.EMAIL_OR_ID, PEOPLE)
            env.start_over()
        order = env.plan_of_insert()

    ours = [each.seconds for each in reports]
    report = reports[ours.index(min(ours))]
    ratios = [each / against for each, against in zip(ours, bare, strict=True)]
    print_table(
        f"Whole change, {PEOPLE:,} clean people, no writers, {title}",
        [
            ("one INSERT … SELECT, best", "", f"{min(bare):.2f} s ({order})"),
            ("whole change, best", "", f"{min(ours):.2f} s"),
            ("of that: check, prepare", "", f"{report.spent('check'):.2f}, {report.spent(Step.BACKFILL):.2f} s"),
            at_most("ratio of the best", min(ours) / min(bare), GOAL),
            at_most("ratio, median of the pairs", median(ratios), GOAL),
        ],
    )


@pytest.mark.bench
@databases
def test_whole_migration_among_writers(title: str, tmp_path: Path) -> None:
    goals = GOALS[title]
    with environment(title, tmp_path, PEOPLE) as env:
        with writers(env, PEOPLE) as before:
            alone = _meanwhile(lambda: time.sleep(UNDISTURBED_SECONDS))
        env.rest()
        with writers(env, PEOPLE) as beside_insert:
            inserting = _meanwhile(env.insert_all)
        env.start_over()
        with writers(env, PEOPLE) as beside:
            time.sleep(1)
            report = work(env)
            time.sleep(1)
        assert (report.stage, env.mode()) == ("Completed", Mode.EMAIL_OR_ID)
        assert env.emails_owned() == env.emails()

    during = (report.start, report.end)
    calls = beside.latencies(*during)
    kept = beside.rate(*during) / before.rate(*alone)
    ratio = report.seconds / (inserting[1] - inserting[0])
    print_table(
        f"Whole change, {PEOPLE:,} clean people, 4 writers, {title}",
        [
            ("one INSERT … SELECT beside them", "", f"{inserting[1] - inserting[0]:.2f} s"),
            ("whole change beside them", "", f"{report.seconds:.2f} s"),
            at_most("ratio", ratio, GOAL),
            ("writers undisturbed", "", _shown(before, alone)),
            ("beside the INSERT", "", _shown(beside_insert, inserting)),
            ("beside the change", "", _shown(beside, during)),
            at_least("throughput kept", kept, goals.kept),
            at_most("p99 during it, ms", 1000 * percentile_99(calls), goals.longest),
            at_most("exclusive lock at the cut-over, ms", 1000 * report.longest_hold, goals.longest),
            at_most("longest call across the cut-over, ms", 1000 * beside.longest_across(report.holds), goals.longest),
            ("longest call of all", "", f"{1000 * calls[-1]:.0f} ms"),
            ("parts (calls, s, longest)", "", _parts(report.parts)),
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


def _parts(parts: dict[str, tuple[int, float, float]]) -> str:
    longest = sorted(parts.items(), key=lambda each: -each[1][1])[:4]
    return ", ".join(f"{name} {calls} {total:.2f} {most:.3f}" for name, (calls, total, most) in longest)
