"""The writers' processes: they say one thing after another until told to stop, wait for a database that is away, and
look now and then whether anybody is half changed."""

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
from workspace_operator.errors import StoreUnavailable
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.values.references import Reference, reference_of_kind
from workspace_operator.identity.values.rules import ID, Mode
from workspace_operator.store.repositories.people import SQLPeople

T = TypeVar("T")

MAX_PAUSE = 0.015
"""Seconds between two sayings, so that all processes of a run get their turn on a machine of two processors."""

READ_SHARE = 0.1
"""How often a writer looks at people instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterArguments:
    """What a writer's process needs to know.

    Attributes:
        groups: ids of people who share an address, the eldest first, whom nobody says anything of.
        place: where to stop.
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


@dataclass(slots=True, kw_only=True)
class RetryingClient:
    """Says things until they are answered, and keeps account of that."""

    people: SQLPeople
    workspace_id: int
    log: Log
    mode: str = field(default="", init=False)

    def apply(self, operations: Sequence[Operation]) -> None:
        """Say this, and again while the database is away."""
        self.log.write(commands=operations)
        self.retry(operations)

    def retry(self, operations: Sequence[Operation]) -> None:
        """Say what the log says was to be said."""
        commands = [command_of(each, self.on_mode) for each in operations]

        def perform() -> list[Line]:
            answers = self.people.perform(self.workspace_id, commands, now=int(time.time()))
            return [result_of(each) for each in answers]

        since, answers = self.call_with_retry(perform)
        self.log.write(since=since, until=time.monotonic(), mode=self.mode, results=answers)

    def read_group(self, groups: Sequence[Sequence[str]], rng: Random) -> None:
        """Look at people who share an address: they are several before the switch, one from then on."""
        group = rng.choice(groups)

        def find() -> Sequence[Person]:
            return self.people.find_many(self.workspace_id, [self._by_id(each) for each in group])

        since, found = self.call_with_retry(find)
        self.log.write(since=since, until=time.monotonic(), mode=self.mode)
        expected = set(group) if self.mode == Mode.ID_ONLY else {group[0]}
        if {each.id for each in found} != expected:
            self.log.write(wrong=f"{group} are {[each.id for each in found]} in mode {self.mode}")

    def call_with_retry(self, ask: Callable[[], T]) -> tuple[float, T]:
        """When it was asked last, and the answer."""
        while True:
            since = time.monotonic()
            try:
                return since, ask()
            except StoreUnavailable:
                self.log.write(again=True)
                time.sleep(0.05)

    def on_mode(self, mode: Mode) -> None:
        self.mode = mode.value

    def _by_id(self, id_: str) -> Callable[[Mode], Reference]:
        def ask(mode: Mode) -> Reference:
            self.on_mode(mode)
            return reference_of_kind(id_, ID, mode)

        return ask


def write(part: WriterArguments, parent: Connection) -> None:
    """Write until told to stop; whatever goes wrong is in the log."""
    log = Log(part.log)
    stops = Breakpoints(parent, part.point, method="perform")
    with closing(BreakpointDatabase(part.url, stops)) as database:
        client = RetryingClient(people=SQLPeople(database), workspace_id=part.workspace_id, log=log)
        try:
            _write_until_stopped(part, client, stops)
        except Exception:  # noqa: BLE001 - whatever it is, a caller has seen it
            log.write(wrong=traceback.format_exc())


def _write_until_stopped(part: WriterArguments, client: RetryingClient, stops: Breakpoints) -> None:
    generator, unanswered, lines = _resumed(part, client.log)
    generator.random = rng = Random(f"{part.seed}/{part.number}/{lines}")
    if unanswered:
        client.log.write(again=True)
        client.retry(unanswered)
        generator.apply_locally(unanswered)
    while "stop" not in stops.heard:
        if part.groups and rng.random() < READ_SHARE:
            client.read_group(part.groups, rng)
        else:
            operations = generator.next()
            client.apply(operations)
            generator.apply_locally(operations)
        if "calm" in stops.heard:
            _fix_own_violations(generator, client, stops)
        time.sleep(rng.uniform(0, MAX_PAUSE))
        stops.listen()


def _fix_own_violations(generator: OperationGenerator, client: RetryingClient, stops: Breakpoints) -> None:
    generator.adds_violations = False
    stops.heard.remove("calm")
    fixes = generator.fixes()
    if fixes:
        client.apply(fixes)
        generator.apply_locally(fixes)
    stops.parent.send(("calm", ""))


def _resumed(part: WriterArguments, log: Log) -> tuple[OperationGenerator, Sequence[Operation], int]:
    """A speaker as the one before it was, what that one had no answer to, and how many lines it wrote."""
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
