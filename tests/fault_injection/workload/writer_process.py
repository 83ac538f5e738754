"""The writer processes: they send operations until they are stopped, retry while the database is unavailable, and
sometimes check that a group of people is not partly merged."""

import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import TypeVar

from tests.fault_injection.faults.breakpoints import Breakpoint, BreakpointDatabase, Breakpoints
from tests.fault_injection.workload.ledger import Line, Log, result_of
from tests.fault_injection.workload.operations import Operation, OperationGenerator, command_of
from workspace_operator.application.people.command_execution import execute_commands
from workspace_operator.errors import ModeChanged, StoreUnavailable
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.values.references import Reference
from workspace_operator.identity.values.rules import ID, Mode
from workspace_operator.identity.values.value_objects import value_object
from workspace_operator.store.repositories.people import SQLPeople

T = TypeVar("T")

MAX_PAUSE = 0.015
"""Seconds between two operations, so that all processes of a run get their turn on two processors."""

READ_SHARE = 0.1
"""Share of reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterArguments:
    """Arguments of a writer process.

    Attributes:
        groups: ids of people who share an address, the oldest first, whom no writer changes.
        point: the initial breakpoint.
    """

    url: str
    workspace_id: int
    number: int
    seed: str
    log: Path
    shared_people: Sequence[tuple[str, str]]
    groups: Sequence[Sequence[str]]
    adds_violations: bool
    point: Breakpoint | None = None


@value_object(frozen=True, slots=True, kw_only=True)
class ObservingReference(Reference):
    """A reference that tells the mode in which it is resolved: the one in force in the snapshot that is read."""

    on_mode: Callable[[Mode], None]

    def in_mode(self, mode: Mode) -> Reference:
        self.on_mode(mode)
        return Reference.in_mode(self, mode)


@dataclass(slots=True, kw_only=True)
class RetryingClient:
    """Sends operations until they have results, and logs both."""

    people: SQLPeople
    workspace_id: int
    log: Log
    mode: str = field(default="", init=False)

    def apply(self, operations: Sequence[Operation]) -> None:
        """Send operations, and again while the database is unavailable."""
        self.log.write(commands=operations)
        self.retry(operations)

    def retry(self, operations: Sequence[Operation]) -> None:
        """Send operations that are in the log already."""

        def perform() -> list[Line]:
            while True:
                mode = Mode(self.mode or Mode.ID_ONLY)
                commands = [command_of(each, mode) for each in operations]
                try:
                    answers = execute_commands(
                        self.people, self.workspace_id, commands, now=int(time.time()), expected_mode=mode
                    )
                except ModeChanged as changed:
                    self.mode = changed.mode
                else:
                    self.mode = mode.value
                    return [result_of(each) for each in answers]

        since, answers = self.call_with_retry(perform)
        self.log.write(since=since, until=time.monotonic(), mode=self.mode, results=answers)

    def read_group(self, groups: Sequence[Sequence[str]], rng: Random) -> None:
        """Check a group with a shared address: several people before the cut-over, one from then on."""
        group = rng.choice(groups)

        def find() -> Sequence[Person]:
            return self.people.find_many(self.workspace_id, [self._by_id(each) for each in group])

        since, found = self.call_with_retry(find)
        self.log.write(since=since, until=time.monotonic(), mode=self.mode)
        expected = set(group) if self.mode == Mode.ID_ONLY else {group[0]}
        if {each.id for each in found} != expected:
            self.log.write(wrong=f"{group} are {[each.id for each in found]} in mode {self.mode}")

    def call_with_retry(self, ask: Callable[[], T]) -> tuple[float, T]:
        """Return the start of the last attempt, and the result."""
        while True:
            since = time.monotonic()
            try:
                return since, ask()
            except StoreUnavailable:
                self.log.write(again=True)
                time.sleep(0.05)

    def on_mode(self, mode: Mode) -> None:
        self.mode = mode.value

    def _by_id(self, id_: str) -> Reference:
        return ObservingReference(kind=ID, value=id_, key=id_, on_mode=self.on_mode)


def write(part: WriterArguments, parent: Connection) -> None:
    """Write until stopped; failures are in the log."""
    log = Log(part.log)
    stops = Breakpoints(parent, part.point, method="perform")
    with closing(BreakpointDatabase(part.url, stops)) as database:
        client = RetryingClient(people=SQLPeople(database), workspace_id=part.workspace_id, log=log)
        try:
            _write_until_stopped(part, client, stops)
        except Exception:  # noqa: BLE001 - a client would see any error
            log.write(wrong=traceback.format_exc())


def _write_until_stopped(part: WriterArguments, client: RetryingClient, stops: Breakpoints) -> None:
    generator, unanswered, lines = _resumed(part, client.log)
    generator.random = rng = Random(f"{part.seed}/{part.number}/{lines}")
    if unanswered:
        client.log.write(again=True)
        client.retry(unanswered)
        generator.apply_locally(unanswered)
    while "stop" not in stops.messages:
        if part.groups and rng.random() < READ_SHARE:
            client.read_group(part.groups, rng)
        else:
            operations = generator.next()
            client.apply(operations)
            generator.apply_locally(operations)
        if "fix" in stops.messages:
            _fix_own_violations(generator, client, stops)
        time.sleep(rng.uniform(0, MAX_PAUSE))
        stops.listen()


def _fix_own_violations(generator: OperationGenerator, client: RetryingClient, stops: Breakpoints) -> None:
    generator.adds_violations = False
    stops.messages.remove("fix")
    fixes = generator.fixes()
    if fixes:
        client.apply(fixes)
        generator.apply_locally(fixes)
    stops.parent.send(("fix", ""))


def _resumed(part: WriterArguments, log: Log) -> tuple[OperationGenerator, Sequence[Operation], int]:
    """The generator of the previous process, its operations without results, and the length of its log."""
    generator = OperationGenerator(
        number=part.number, random=Random(), shared_people=part.shared_people, adds_violations=part.adds_violations
    )
    asked: Sequence[Operation] = ()
    lines = 0
    for line in log.lines():
        lines += 1
        if "commands" in line:
            asked = line["commands"]
        elif "results" in line:
            generator.apply_locally(asked)
            asked = ()
    return generator, asked, lines
