"""Breakpoints of a process, so that it can be killed at an exact moment without changes to its code.

The process reports to its parent that it has reached a breakpoint, and waits there. A breakpoint is before, inside
(right before the commit), or after the n-th writing transaction of a method of a port.
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
    """Position relative to a transaction."""

    BEFORE = "before"
    INSIDE = "inside"
    AFTER = "after"


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakpoint:
    """The n-th transaction of a method, counted from when the process receives it."""

    method: str
    number: int = 1
    position: Position = Position.INSIDE

    def __str__(self) -> str:
        return f"{self.position} transaction {self.number} of {self.method}"


@dataclass(slots=True)
class Breakpoints:
    """The breakpoint of a process, and the messages of its parent."""

    parent: Connection
    point: Breakpoint | None = None
    method: str = ""
    passed: int = 0
    messages: list[str] = field(default_factory=list)

    def at(self, position: Position) -> None:
        """Stop here if this is the breakpoint; called at each position of each transaction."""
        self.listen()
        if self.point is None or self.point.method != self.method:
            return
        if position is Position.BEFORE:
            self.passed += 1
        if (self.passed, position) == (self.point.number, self.point.position):
            self.point = None
            self.parent.send(("stopped", ""))
            while "continue" not in self.messages:
                self._read_line()
            self.messages.remove("continue")

    def listen(self) -> None:
        """Receive breakpoints and messages of the parent."""
        while self.parent.poll():
            self._read_line()

    def _read_line(self) -> None:
        received = self.parent.recv()
        if isinstance(received, Breakpoint):
            self.point, self.passed = received, 0
        else:
            self.messages.append(received)


class BreakpointDatabase(Database):
    """A database with breakpoints at its transactions."""

    def __init__(self, url: str, stops: Breakpoints) -> None:
        super().__init__(url)
        self.stops = stops

    def writing(self, work: Callable[[sa.Connection], T]) -> T:
        """Run a transaction with breakpoints."""

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
    """The port, which records the running method."""

    migrations: Migrations
    stops: Breakpoints

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.migrations, name)

        def call(*arguments: Any, **named: Any) -> Any:
            self.stops.method = call_name(name, arguments)
            return method(*arguments, **named)

        return call
