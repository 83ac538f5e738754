"""Logs of the operations and results of writers, which outlive them; and the expected state from all logs."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from tests.fault_injection.workload.operations import Operation
from workspace_operator.identity.model.results import CommandResult, CommandResultOrError

Line: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Log:
    """Lines of JSON, each written at once, so that a killed process leaves whole lines."""

    path: Path

    def write(self, **line: object) -> None:
        with self.path.open("ab", buffering=0) as file:
            file.write(json.dumps(line).encode() + b"\n")

    def lines(self) -> Iterator[Line]:
        """All lines so far."""
        if self.path.exists():
            with self.path.open() as lines:
                yield from map(json.loads, lines)


def result_of(answer: CommandResultOrError) -> Line:
    """A result as JSON."""
    if not isinstance(answer, CommandResult):
        raise TypeError(f"a command was refused: {answer}")
    shown: Line = {"effect": answer.effect.value}
    if answer.person is not None:
        shown["cio_id"] = answer.person.cio_id
        shown["person"] = [answer.person.id, answer.person.email, answer.person.attributes.get("command_id")]
    return shown


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedPerson:
    """A person as in the last result of a writer."""

    at: float
    id: str | None
    email: str | None
    command_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A command or a read, its start and end, and its mode."""

    since: float
    until: float
    mode: str


@dataclass(slots=True)
class Ledger:
    """The expected state from the results of writers.

    Attributes:
        known: people by cio_id, without the deleted ones in ``gone``.
        again: ids of commands that were repeated because their result was lost.
        events: owners of events.
        devices: whether a person has a device, by (cio_id, token).
        members: whether a person is in a segment, by (cio_id, segment).
        calls: number of results.
    """

    known: dict[str, ExpectedPerson] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    again: set[str] = field(default_factory=set)
    events: dict[str, str] = field(default_factory=dict)
    devices: dict[tuple[str, str], bool] = field(default_factory=dict)
    members: dict[tuple[str, int], bool] = field(default_factory=dict)
    seen: list[Observation] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    calls: int = 0

    def read(self, log: Log) -> None:
        """Add the results of one writer."""
        asked: Sequence[Operation] = ()
        names: dict[str, str] = {}
        for line in log.lines():
            if "commands" in line:
                asked = line["commands"]
            elif "again" in line:
                self.again.update(each["command_id"] for each in asked)
            elif "wrong" in line:
                self.failures.append(line["wrong"])
            else:
                self.seen.append(Observation(since=line["since"], until=line["until"], mode=line["mode"]))
                for operation, answer in zip(asked, line.get("results", ()), strict="results" in line):
                    self._read_line(operation, answer, names, at=line["until"])
                asked = asked if "results" not in line else ()

    def _read_line(self, operation: Operation, answer: Line, names: dict[str, str], *, at: float) -> None:
        self.calls += 1
        cio_id = answer.get("cio_id")
        if operation["do"] in {"delete", "suppress"}:
            # A repeated command may have taken effect before: then its result has no person.
            self.gone.update(each for each in (cio_id, names.get(operation["id"])) if each is not None)
            return
        if cio_id is None:
            return
        names[operation["id"]] = cio_id
        before = self.known.get(cio_id)
        if before is None or before.at < at:
            id_, email, command_id = answer["person"]
            self.known[cio_id] = ExpectedPerson(at=at, id=id_, email=email, command_id=command_id)
        self._read_records(operation, cio_id)

    def _read_records(self, operation: Operation, cio_id: str) -> None:
        match operation["do"]:
            case "happen":
                self.events[operation["command_id"]] = cio_id
            case "device" | "no device":
                self.devices[cio_id, operation["token"]] = operation["do"] == "device"
            case "segment":
                self.members[cio_id, operation["segment"]] = operation["joins"]
