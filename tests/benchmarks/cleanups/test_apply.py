"""A cleanup of many decisions of every kind, applied and undone beside writers at full speed."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.benchmarks.bulk_data import ViolationShares
from tests.benchmarks.measurement import at_least, at_most, databases, print_table
from tests.benchmarks.migrations.environments import NAME, Environment, environment
from tests.benchmarks.migrations.processes import Writers, percentile_99, writers
from tests.store.backends import Clock, sql_store
from tests.store.fixtures import WorkspaceEnv, owner
from workspace_operator.application.ports import Actor, ApplyRequest, Cleanups, DecisionRequest
from workspace_operator.cleanups.decisions import CLEAR, DELETE, Decision, correct_to, merge_into
from workspace_operator.cleanups.model import Cleanup, CleanupState
from workspace_operator.identity.values.rules import Mode

DECISIONS = int(os.environ.get("WORKSPACE_OPERATOR_BENCH_DECISIONS", "100000"))
PEOPLE = 2 * DECISIONS
"""All of them share their addresses in pairs; the younger one of each is decided about."""

PART = 1000
ACTOR = Actor.installation("bench")
ALONE_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A cleanup with decisions about half of the people: merged, cleared, corrected and deleted in turns."""

    made: Environment
    cleanups: Cleanups

    @classmethod
    def of(cls, made: Environment) -> "Draft":
        store = sql_store(made.database, Clock(datetime.now(UTC)))
        env = WorkspaceEnv(store=store, owner=owner(NAME), workspace_id=made.workspace_id)
        assert env.migrate_to(Mode.EMAIL_OR_ID).violations.people_concerned == PEOPLE
        draft = cls(made=made, cleanups=store.sql_cleanups)
        draft.cleanups.open(made.workspace_id, actor=ACTOR, now=datetime.now(UTC))
        for first in range(0, DECISIONS, PART):
            requests = [decision(number) for number in range(first, min(first + PART, DECISIONS))]
            draft.cleanups.decide(made.workspace_id, 1, requests, actor=ACTOR, now=datetime.now(UTC))
        assert draft.cleanup.people_blocking_after == 0
        made.rest()
        return draft

    @property
    def cleanup(self) -> Cleanup:
        return self.cleanups.get(self.made.workspace_id, 1)

    def apply(self) -> None:
        seen = self.cleanup
        request = ApplyRequest(version=seen.version, deletions=seen.deletions)
        self.cleanups.apply(self.made.workspace_id, 1, request, actor=ACTOR, now=datetime.now(UTC))

    def undo(self) -> None:
        self.cleanups.undo(self.made.workspace_id, 1, None, actor=ACTOR, now=datetime.now(UTC))


def decision(number: int) -> DecisionRequest:
    """The decision about the younger one of a pair."""
    made: Decision = (merge_into(f"{number:024x}"), CLEAR, correct_to(f"new{number}@example.org"), DELETE)[number % 4]
    return DecisionRequest(f"{number + DECISIONS:024x}", made)


@pytest.mark.bench
@databases
def test_apply_and_undo_beside_writers(title: str, tmp_path: Path) -> None:
    with environment(title, tmp_path, PEOPLE, ViolationShares(sharing=1)) as made:
        draft = Draft.of(made)
        with writers(made, PEOPLE) as before:
            alone = _span(lambda: time.sleep(ALONE_SECONDS))
        draft.apply()
        with writers(made, PEOPLE) as beside:
            applying = _span(lambda: _work(made.url))
        applied = draft.cleanup
        draft.undo()
        with writers(made, PEOPLE) as beside_undo:
            undoing = _span(lambda: _work(made.url))
        undone = draft.cleanup
    assert (applied.state, applied.applied + applied.skipped) == (CleanupState.APPLIED, DECISIONS)
    assert undone.undone + undone.undone_in_part + undone.not_undone == applied.applied
    calls = beside.latencies(*applying)
    print_table(
        f"A cleanup of {DECISIONS:,} decisions among {PEOPLE:,} people, 4 writers, {title}; "
        f"load average {os.getloadavg()[0]:.1f}",
        [
            at_least("people a second, Apply", DECISIONS / (applying[1] - applying[0]), 1000, "{:,.0f}"),
            ("left alone, since a writer had changed them", "", f"{applied.skipped:,}"),
            ("people a second, Undo", "", f"{applied.applied / (undoing[1] - undoing[0]):,.0f}"),
            ("undone, in part, not", "", f"{undone.undone:,}, {undone.undone_in_part:,}, {undone.not_undone:,}"),
            ("writers undisturbed", "", _shown(before, alone)),
            ("beside Apply", "", _shown(beside, applying)),
            ("beside Undo", "", _shown(beside_undo, undoing)),
            at_least("throughput kept beside Apply", beside.rate(*applying) / before.rate(*alone), 0.6),
            at_most("p99 beside Apply, ms", 1000 * percentile_99(calls), 100),
            ("throughput kept beside Undo", "", f"{beside_undo.rate(*undoing) / before.rate(*alone):.2f}"),
        ],
    )


def _work(url: str) -> None:
    """Have a worker of its own do what is requested."""
    command = [sys.executable, "-m", "tests.benchmarks.cleanups.apply_process", url]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["seconds"] > 0


def _span(work: Callable[[], object]) -> tuple[float, float]:
    """From when to when something was done, while writers had begun already."""
    time.sleep(1)
    start = time.perf_counter()
    work()
    return start, time.perf_counter()


def _shown(who: Writers, span: tuple[float, float]) -> str:
    calls = who.latencies(*span)
    return f"{who.rate(*span):,.0f}/s, p99 {1000 * percentile_99(calls):.1f} ms, longest {1000 * calls[-1]:.0f} ms"
