"""A run: starts its processes, requests the migration, injects faults, and waits until the migration rests."""

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
"""Seconds until a migration rests, or a writer responds, on a busy machine."""

BREAKPOINT_TIMEOUT = 8
"""Seconds until a process reaches a breakpoint, unless the migration rests before."""

POLL_SECONDS = 0.02
"""Seconds between two reads of the migration."""

LARGE = 10_000
"""From this number of people on, a migration takes long enough for full delays."""

REST_STAGES = {Stage.COMPLETED, Stage.BLOCKED, Stage.CANCELLED}


@dataclass(slots=True, kw_only=True)
class Run:
    """The state of a run.

    Attributes:
        groups: people who are merged into one.
        fault_counts: number of faults by victim and moment.
        failures: errors that processes logged, and other failures.
        reads: number of checks by the observer.
        adds_violations: whether writers add violations now.
        draining: writers that have to report that they have fixed their violations.
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
        """Carry out the run; afterwards, all is at rest and all processes have ended."""
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
        self.actions.perform(ActionKind.FIX if phase.action is ActionKind.FIX else ActionKind.REQUEST)
        for fault in phase.faults:
            if self._targets_writer(fault):
                self._inject_into_writer(fault)
            else:
                self._inject(fault, following=next(places, NOWHERE))
            self.fault_counts["faults"] += 1
        self._await_fixes()
        self._await_rest(phase.end)

    def _inject(self, fault: Fault, *, following: Breakpoint) -> None:
        """Kill the worker or the database, and have a worker continue to the following breakpoint."""
        worker = self._ensure_worker(fault.point or NOWHERE)
        self._wait_for_breakpoint(worker, fault)
        moment = fault.name if worker.stopped or fault.point is None else f"{fault.name}, missed"
        self.actions.perform(fault.action)
        if fault.victim is Victim.NONE:
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
        """Without a server, the database is part of each process: at a breakpoint, of the worker."""
        is_in_writer = fault.victim is Victim.DATABASE and not self.environment.has_server and fault.point is None
        return fault.victim is Victim.WRITER or is_in_writer

    def _wait_for_breakpoint(self, worker: Process, fault: Fault) -> None:
        """Wait until the worker has stopped at the breakpoint, or never will since the migration rests."""
        if fault.point is None:
            time.sleep(fault.delay * min(self.environment.people / LARGE, 1))
            return
        started = time.monotonic()
        while not worker.received("stopped", within=POLL_SECONDS) and time.monotonic() < started + BREAKPOINT_TIMEOUT:
            if self._rest() is not None and not worker.received("stopped", within=20 * POLL_SECONDS):
                return
            if time.monotonic() > started + BREAKPOINT_TIMEOUT / 3:
                # With new violations all the time, the migration may never get there. Do not wait for the fixes: the
                # worker may stop at any moment and, inside a transaction on SQLite, would stop the writers, too.
                self._request_fixes()

    def _inject_into_writer(self, fault: Fault) -> None:
        """Kill a writer inside a transaction or anywhere, and start another one in its place."""
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
            self.writers[number].send("fix")
        self.fault_counts[f"{Victim.WRITER}: {moment}"] += 1

    def _replace_worker(self, worker: Process, following: Breakpoint) -> None:
        """Have another worker take over from a paused one, which then continues."""
        worker.set_breakpoint(NOWHERE)
        self.worker = None
        other = self._ensure_worker(following)
        time.sleep(self.plan.rng.uniform(0, 0.5))
        worker.release()
        time.sleep(self.plan.rng.uniform(0, 0.5))
        self._kill(worker)
        self.worker = other

    def _ensure_worker(self, point: Breakpoint) -> Process:
        """Return the worker, or a new one if it was killed, with this breakpoint."""
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
        """Have writers stop adding violations, and fix those that they have added."""
        if not self.adds_violations:
            return
        self.adds_violations = False
        for each in self.writers:
            each.send("fix")
        self.draining = [*self.writers]

    def _await_fixes(self) -> None:
        """Do the same, and wait for the writers."""
        self._request_fixes()
        if not all(each.received("fix", within=REST_TIMEOUT) for each in self.draining):
            self.failures.append("a writer does not respond")
        self.draining = []

    def _kill(self, actor: Process) -> None:
        actor.kill()
        bad = {"ERROR"} if self.environment.has_server else {"ERROR", "WARNING"}
        self.failures += [text for word, text in actor.messages if word in bad]

    def _await_rest(self, end: Stage) -> None:
        limit = time.monotonic() + REST_TIMEOUT
        while self._rest() is not end:
            if time.monotonic() > limit:
                self.failures.append(f"the migration should be {end}, and is {self.actions.migration}")
                return
            time.sleep(POLL_SECONDS)

    def _rest(self) -> Stage | None:
        """The stage at which the migration rests; None while it is due."""
        query = sa.select(migration.c.stage, migration.c.due_at).order_by(migration.c.number.desc()).limit(1)
        with self.database.reading() as connection:
            stage, due_at = connection.execute(query).one()
        return Stage(stage) if due_at is None and Stage(stage) in REST_STAGES else None
