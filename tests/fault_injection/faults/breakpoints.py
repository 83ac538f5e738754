"""Where a process is stopped so that it can be killed at that very moment, without a change to what runs in it.

The process tells its parent that it has come to a place, and waits there. Places are transactions that write: before
one, inside it just before it commits, or after it; those of one method of a port are counted.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from multiprocessing.connection import Connection
from typing import Any, TypeVar

import sqlalchemy as sa

from tests.fakes.migrations.port_calls import call_name
from workspace_operator.application.ports import Migrations
from workspace_operator.store.engine.databases import Database

T = TypeVar("T")


class Position(StrEnum):
    """Where at a transaction."""

    BEFORE = "before"
    INSIDE = "inside"
    AFTER = "after"


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakpoint:
    """The so many-th transaction of a method from when the process hears of it."""

    method: str
    number: int = 1
    position: Position = Position.INSIDE

    def __str__(self) -> str:
        return f"{self.position} transaction {self.number} of {self.method}"


@dataclass(slots=True)
class Breakpoints:
    """What a process does at each transaction: hears where to stop, and stops there once."""

    parent: Connection
    point: Breakpoint | None = None
    method: str = ""
    passed: int = 0
    heard: list[str] = field(default_factory=list)

    def at(self, position: Position) -> None:
        """Called at each position of each transaction."""
        self.listen()
        if self.point is None or self.point.method != self.method:
            return
        if position is Position.BEFORE:
            self.passed += 1
        if (self.passed, position) == (self.point.number, self.point.position):
            self.point = None
            self.parent.send(("stopped", ""))
            while "go on" not in self.heard:
                self._read_line()
            self.heard.remove("go on")

    def listen(self) -> None:
        """Take what the parent has said: a place to stop at, or words, which are kept."""
        while self.parent.poll():
            self._read_line()

    def _read_line(self) -> None:
        said = self.parent.recv()
        if isinstance(said, Breakpoint):
            self.point, self.passed = said, 0
        else:
            self.heard.append(said)


class BreakpointDatabase(Database):
    """A database whose transactions may be stopped at."""

    def __init__(self, url: str, stops: Breakpoints) -> None:
        super().__init__(url)
        self.stops = stops

    def writing(self, work: Callable[[sa.Connection], T]) -> T:
        """As its own, with stops."""

        def stopping(connection: sa.Connection) -> T:
            result = work(connection)
            self.stops.at(Position.INSIDE)
            return result

        self.stops.at(Position.BEFORE)
        result = super().writing(stopping)
        self.stops.at(Position.AFTER)
        return result


@dataclass(slots=True)
class Named:
    """The port, which says which of its methods is at work."""

    migrations: Migrations
    stops: Breakpoints

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.migrations, name)

        def call(*arguments: Any, **named: Any) -> Any:
            self.stops.method = call_name(name, arguments)
            return method(*arguments, **named)

        return call
