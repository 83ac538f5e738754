"""What a writer said and was told, in a file that outlives it; and what all of them were told, taken together."""

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
    """Lines of JSON, each written at once: a process that is killed leaves whole lines."""

    path: Path

    def write(self, **line: object) -> None:
        with self.path.open("ab", buffering=0) as file:
            file.write(json.dumps(line).encode() + b"\n")

    def lines(self) -> Iterator[Line]:
        """Everything that was written so far."""
        if self.path.exists():
            with self.path.open() as lines:
                yield from map(json.loads, lines)


def result_of(answer: CommandResultOrError) -> Line:
    """An answer as a line has it."""
    if not isinstance(answer, CommandResult):
        raise TypeError(f"an ask was refused: {answer}")
    shown: Line = {"effect": answer.effect.value}
    if answer.person is not None:
        shown["cio_id"] = answer.person.cio_id
        shown["person"] = [answer.person.id, answer.person.email, answer.person.attributes.get("said")]
    return shown


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedPerson:
    """Somebody as a writer was told last."""

    at: float
    id: str | None
    email: str | None
    said: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A call or a look, from when to when, and the mode that it was under."""

    since: float
    until: float
    mode: str


@dataclass(slots=True)
class Ledger:
    """What writers were told.

    Attributes:
        known: people by cio_id, as last told; ``gone`` are not among them.
        again: the numbers of what was said more than once, since nobody had answered.
        events: whose each event was told to be.
        devices: whether somebody has a device, by (cio_id, token).
        members: whether somebody is in a segment, by (cio_id, segment).
        calls: how many were answered.
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
        """Add what one writer was told."""
        asked: Sequence[Operation] = ()
        names: dict[str, str] = {}
        for line in log.lines():
            if "commands" in line:
                asked = line["commands"]
            elif "again" in line:
                self.again.update(each["said"] for each in asked)
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
            # Said again, it may have been done before: then nobody is told of.
            self.gone.update(each for each in (cio_id, names.get(operation["id"])) if each is not None)
            return
        if cio_id is None:
            return
        names[operation["id"]] = cio_id
        before = self.known.get(cio_id)
        if before is None or before.at < at:
            id_, email, said = answer["person"]
            self.known[cio_id] = ExpectedPerson(at=at, id=id_, email=email, said=said)
        self._read_records(operation, cio_id)

    def _read_records(self, operation: Operation, cio_id: str) -> None:
        match operation["do"]:
            case "happen":
                self.events[operation["said"]] = cio_id
            case "device" | "no device":
                self.devices[cio_id, operation["token"]] = operation["do"] == "device"
            case "segment":
                self.members[cio_id, operation["segment"]] = operation["joins"]
