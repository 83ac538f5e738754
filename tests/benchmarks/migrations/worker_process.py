"""A worker process that carries a migration out, and reports its time and memory. Run as a program.

    python -m tests.benchmarks.migrations.worker_process URL WORKSPACE [Block | Merge]

With the last argument it first requests the migration, which is part of the measurement. It prints a `WorkerReport`
as JSON.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, cast

import sqlalchemy as sa

from tests.benchmarks.measurement import memory_megabytes
from tests.fakes.migrations.port_calls import call_name
from workspace_operator import bootstrap
from workspace_operator.application.ports import Migrations
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import OnConflict
from workspace_operator.reconcile.model.actions import RequestMigration


@dataclass(slots=True, kw_only=True)
class WorkerReport:
    """The report of a worker. Times are seconds of the clock that all processes of a machine share.

    Attributes:
        holds: from when to when each attempt at the switch kept writers out, at most.
        parts: of each method of the port how often it was called, how long that took in all, and at most.
        megabytes: the most memory that the process has needed.
    """

    start: float
    end: float
    stage: str = ""
    holds: list[tuple[float, float]] = field(default_factory=list)
    parts: dict[str, tuple[int, float, float]] = field(default_factory=dict)
    megabytes: float = 0.0

    @property
    def seconds(self) -> float:
        return self.end - self.start

    @property
    def longest_hold(self) -> float:
        return max((until - since for since, until in self.holds), default=0.0)

    def spent(self, part: str) -> float:
        """Seconds in a method of the port."""
        return self.parts.get(part, (0, 0.0, 0.0))[1]


@dataclass(slots=True)
class Timed:
    """The port, which records the duration of each call."""

    migrations: Migrations
    report: WorkerReport
    _begun: float = 0.0

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self.migrations, name)

        def timed(*arguments: Any, **named: Any) -> Any:
            call = call_name(name, arguments)
            start = time.perf_counter()
            answer = method(*arguments, **named)
            end = time.perf_counter()
            calls, total, longest = self.report.parts.get(call, (0, 0.0, 0.0))
            self.report.parts[call] = (calls + 1, total + end - start, max(longest, end - start))
            if name == "cut_over":
                self.report.holds.append((self._begun, end))
            return answer

        return timed

    def transaction_begins(self, _: sa.Connection) -> None:
        """Note when: the last before a switch has returned is the switch itself."""
        self._begun = time.perf_counter()


def work(url: str, workspace_id: int, on_conflict: OnConflict | None) -> WorkerReport:
    """Work until nothing is due."""
    with bootstrap.open_store_lazily(url) as store:
        store.workspaces.get(workspace_id)  # what opening takes is not part of it
        report = WorkerReport(start=time.perf_counter(), end=0.0)
        timed = Timed(store.migrations, report)
        sa.event.listen(sa.Engine, "begin", timed.transaction_begins)
        store.migrations = cast("Migrations", timed)
        worker = bootstrap.make_migration_worker(store)
        if on_conflict is not None:
            action = RequestMigration(
                workspace_id=workspace_id, from_mode=Mode.ID_ONLY, to_mode=Mode.EMAIL_OR_ID, on_conflict=on_conflict
            )
            store.workspaces.apply(action, now=bootstrap.utc_now())
        while worker.work_once():
            pass
        report.end = time.perf_counter()
        newest = store.migrations.newest(workspace_id)
        report.stage = "" if newest is None else newest.stage.value
    report.megabytes = memory_megabytes()
    return report


if __name__ == "__main__":
    on_conflict = OnConflict(sys.argv[3]) if len(sys.argv) > 3 else None
    print(json.dumps(asdict(work(sys.argv[1], int(sys.argv[2]), on_conflict))))
