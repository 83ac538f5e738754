"""One run: its processes are started, the change is wished for, blows fall, and the change comes to rest."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import sqlalchemy as sa

from tests.fault_injection.actions import TEST_WRITER, Actions
from tests.fault_injection.checks.observer import Observer
from tests.fault_injection.environments import Environment, TestDatabase
from tests.fault_injection.faults.breakpoints import Breakpoint
from tests.fault_injection.faults.schedules import ActionKind, Fault, Phase, Schedule, Victim
from tests.fault_injection.faults.worker_process import WorkerArguments, work
from tests.fault_injection.processes import NOWHERE, Process
from tests.fault_injection.workload.ledger import Log
from tests.fault_injection.workload.population import RESERVED, WRITERS, SeedPerson, groups_of, plain
from tests.fault_injection.workload.writer_process import RetryingClient, WriterArguments, write
from workspace_operator.migrations.model import OnConflict
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.repositories.people import SQLPeople
from workspace_operator.store.schema.tables import migration

REST_TIMEOUT = 120
"""Seconds until a change has come to rest, or a writer has answered, on a busy machine."""

BREAKPOINT_TIMEOUT = 8
"""Seconds until a process has come to a place, unless the change rests before."""

POLL_SECONDS = 0.02
"""Seconds between two looks at the change."""

LARGE = 10_000
"""People from which on a change takes so long that delays are taken in full."""

REST_STAGES = {Stage.COMPLETED, Stage.BLOCKED, Stage.CANCELLED}


@dataclass(slots=True, kw_only=True)
class Run:
    """A run as it goes.

    Attributes:
        groups: those who become one.
        struck: what was killed where, how often.
        wrongs: what processes logged that nobody should ever see.
        looks: how often somebody looked in between whether anything was half changed.
        violates: whether writers put people in the way just now.
        asked: writers who are to say when they have mended everybody.
    """

    plan: Schedule
    environment: Environment
    target: TestDatabase
    folder: Path
    population: Sequence[SeedPerson]
    database: Database
    actions: Actions = field(init=False)
    groups: Sequence[Sequence[SeedPerson]] = field(init=False)
    since: float = field(default_factory=time.time)
    generation: int = 0
    worker: Process | None = None
    writers: list[Process] = field(default_factory=list)
    fault_counts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    reads: int = 0
    adds_violations: bool = field(init=False)
    draining: list[Process] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.adds_violations = self.plan.scenario.adds_violations
        self.groups = groups_of(self.population) if self.merges else []
        client = RetryingClient(
            people=SQLPeople(self.database), workspace_id=self.target.workspace_id, log=Log(self.log_of(TEST_WRITER))
        )
        self.actions = Actions(
            scenario=self.plan.scenario,
            workspace_id=self.target.workspace_id,
            population=self.population,
            database=self.database,
            client=client,
        )

    @property
    def merges(self) -> bool:
        return self.plan.scenario.on_conflict is OnConflict.MERGE

    def log_of(self, writer: int) -> Path:
        return self.folder / f"writer-{writer}.log"

    def carry_out(self) -> None:
        """Everything; when it returns, all is at rest and no process is left."""
        of_group = {each.cio_id: number for number, group in enumerate(self.groups) for each in group}
        observer = Observer(target=self.target, groups=of_group, rng=Random(self.plan.number))
        try:
            self.writers = [self._start_writer(number) for number in range(WRITERS)]
            for phase in self.plan.phases:
                self._run_phase(phase)
            time.sleep(0.2)  # writers go on under the new rules
            while self.writers:
                self.writers.pop().end()
        finally:
            for each in (*self.writers, *([self.worker] if self.worker else [])):
                self._kill(each)
            observer.stop()
        self.failures += observer.failures
        self.reads = observer.reads

    def _run_phase(self, phase: Phase) -> None:
        on_worker = [each for each in phase.faults if not self._targets_writer(each)]
        places = iter([each.point or NOWHERE for each in on_worker])
        self._ensure_worker(next(places, NOWHERE))
        self.actions.perform(ActionKind.MEND if phase.action is ActionKind.MEND else ActionKind.WISH)
        for fault in phase.faults:
            if self._targets_writer(fault):
                self._inject_into_writer(fault)
            else:
                self._inject(fault, following=next(places, NOWHERE))
            self.fault_counts["blows"] += 1
        self._await_fixes()
        self._await_rest(phase.end)

    def _inject(self, fault: Fault, *, following: Breakpoint) -> None:
        """Let the blow fall on the worker, or the database, and have a worker go on to the following place."""
        worker = self._ensure_worker(fault.point or NOWHERE)
        self._wait_for_breakpoint(worker, fault)
        moment = fault.name if worker.stopped or fault.point is None else f"{fault.name}, missed"
        self.actions.perform(fault.action)
        if fault.victim is Victim.NOBODY:
            self._replace_worker(worker, following)
        elif fault.victim is Victim.DATABASE and self.environment.has_server:
            self.environment.kill()
        else:
            self._kill(worker)
            self.worker = None
        self._ensure_worker(following).release()
        self.actions.finish(fault.action)
        self.fault_counts[f"{fault.victim}: {moment}"] += 1

    def _targets_writer(self, fault: Fault) -> bool:
        """Without a server the database is part of the process that is at work: at a place, that is the worker's."""
        is_in_writer = fault.victim is Victim.DATABASE and not self.environment.has_server and fault.point is None
        return fault.victim is Victim.WRITER or is_in_writer

    def _wait_for_breakpoint(self, worker: Process, fault: Fault) -> None:
        """Until the worker has stopped at the place, or never will since all is at rest."""
        if fault.point is None:
            time.sleep(fault.delay * min(self.environment.people / LARGE, 1))
            return
        started = time.monotonic()
        while not worker.received("stopped", within=POLL_SECONDS) and time.monotonic() < started + BREAKPOINT_TIMEOUT:
            if self._rest() is not None and not worker.received("stopped", within=20 * POLL_SECONDS):
                return
            if time.monotonic() > started + BREAKPOINT_TIMEOUT / 3:
                # With people in the way all the time the change may never come there. Nobody waits until they have:
                # the worker may stop at any moment, and on SQLite, inside a transaction, that stops them, too.
                self._request_fixes()

    def _inject_into_writer(self, fault: Fault) -> None:
        """In the middle of a transaction, or anywhere; another one goes on with its part."""
        number = self.plan.rng.randrange(WRITERS)
        writer = self.writers[number]
        time.sleep(self.plan.rng.uniform(0, 0.3))
        if fault.victim is Victim.DATABASE or self.plan.rng.random() < 0.5:
            writer.set_breakpoint(Breakpoint(method="perform"))
            writer.received("stopped", within=BREAKPOINT_TIMEOUT)
        moment = "in a transaction" if writer.stopped else "somewhere"
        self._kill(writer)
        self.writers[number] = self._start_writer(number)
        if writer in self.draining:
            self.draining[self.draining.index(writer)] = self.writers[number]
            self.writers[number].send("calm")
        self.fault_counts[f"{Victim.WRITER}: {moment}"] += 1

    def _replace_worker(self, worker: Process, following: Breakpoint) -> None:
        """Another worker takes over from one that stands still, which then goes on as if it had not been away."""
        worker.set_breakpoint(NOWHERE)
        self.worker = None
        other = self._ensure_worker(following)
        time.sleep(self.plan.rng.uniform(0, 0.5))
        worker.release()
        time.sleep(self.plan.rng.uniform(0, 0.5))
        self._kill(worker)
        self.worker = other

    def _ensure_worker(self, point: Breakpoint) -> Process:
        """The worker, or a new one if it was killed; it stops at the place."""
        if self.worker is None:
            self.generation += 1
            job = WorkerArguments(
                url=self.target.url,
                generation=self.generation,
                since=self.since,
                batch=max(self.environment.people // 40, 1),
                point=point,
            )
            self.worker = Process.start(work, job)
        self.worker.set_breakpoint(point)
        return self.worker

    def _start_writer(self, number: int) -> Process:
        with_ids = [[str(each.id) for each in group] for group in self.groups if all(each.id for each in group)]
        happening = {plain(each) for each in range(RESERVED, 2 * RESERVED)} | {
            each for group in with_ids[1::2] for each in group
        }
        part = WriterArguments(
            url=self.target.url,
            workspace_id=self.target.workspace_id,
            number=number,
            seed=str(self.plan.number),
            log=self.log_of(number),
            shared_people=[
                (each.id, str(each.email)) for each in self.population if each.id is not None and each.id in happening
            ],
            groups=with_ids[::2],
            adds_violations=self.adds_violations,
        )
        return Process.start(write, part)

    def _request_fixes(self) -> None:
        """Have writers put nobody in the way any more, and mend whom they have put there."""
        if not self.adds_violations:
            return
        self.adds_violations = False
        for each in self.writers:
            each.send("calm")
        self.draining = [*self.writers]

    def _await_fixes(self) -> None:
        """The same, and wait until they have."""
        self._request_fixes()
        if not all(each.received("calm", within=REST_TIMEOUT) for each in self.draining):
            self.failures.append("a writer does not answer")
        self.draining = []

    def _kill(self, actor: Process) -> None:
        actor.kill()
        bad = {"ERROR"} if self.environment.has_server else {"ERROR", "WARNING"}
        self.failures += [text for word, text in actor.said if word in bad]

    def _await_rest(self, end: Stage) -> None:
        limit = time.monotonic() + REST_TIMEOUT
        while self._rest() is not end:
            if time.monotonic() > limit:
                self.failures.append(f"the change should have come to be {end}, and is {self.actions.migration}")
                return
            time.sleep(POLL_SECONDS)

    def _rest(self) -> Stage | None:
        """Where the change rests; None while somebody has to do with it."""
        query = sa.select(migration.c.stage, migration.c.due_at).order_by(migration.c.number.desc()).limit(1)
        with self.database.reading() as connection:
            stage, due_at = connection.execute(query).one()
        return Stage(stage) if due_at is None and Stage(stage) in REST_STAGES else None
