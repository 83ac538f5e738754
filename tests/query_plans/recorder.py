"""Records every statement that is sent to a database, and the code that sends it."""

import re
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any, Final
from unittest.mock import patch

import sqlalchemy as sa

from tests.store.backends import on_statement
from workspace_operator import store
from workspace_operator.store.engine import sql

STORE: Final = str(Path(store.__file__).parent)
PLANNED: Final = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b")
CARRIERS: Final = ("sql", "databases", "row_batches")
"""Modules that send statements of other modules."""

WHOLE_DATABASE: Final = frozenset(file.stem for file in (Path(STORE) / "maintenance").glob("[!_]*.py"))
"""Modules that an administrator runs to check, copy or describe a database: they read all of it, as they are to do."""

CodeLocation = tuple[str, int]
"""A module of the store and a line."""

EXAMPLES: Final = 2
"""Number of parameter sets to keep per statement, since plans can depend on them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentStatement:
    """A statement that was sent to a database.

    Attributes:
        origin: module and function that built it.
        settings: earlier statements of the transaction that change planner settings.
    """

    origin: str
    text: str
    parameters: Any
    settings: tuple[str, ...]


@dataclass(slots=True)
class StatementRecorder:
    """The recorded statements, and the call sites of the store that sent them."""

    statements_seen: dict[tuple[str, str, tuple[str, ...]], list[SentStatement]] = field(default_factory=dict)
    places: set[CodeLocation] = field(default_factory=set)
    _settings: tuple[str, ...] = ()

    @property
    def statements(self) -> Iterator[SentStatement]:
        """All statements that have a plan, with some parameter sets."""
        for examples in self.statements_seen.values():
            yield from examples

    def begin(self, _: sa.Connection) -> None:
        """Forget planner settings at the start of a transaction."""
        self._settings = ()

    def record(self, text: str, parameters: Any) -> None:
        """Record a statement and its sender."""
        frames = list(_frames_of_store())
        self.places.update((module, line) for module, _, line in frames)
        if text.startswith("SET LOCAL") and "enable_" in text:
            self._settings = (*self._settings, text)
        if not PLANNED.match(text) or not frames or any(module in WHOLE_DATABASE for module, *_ in frames):
            return
        origin = next((f"{module}.{name}" for module, name, _ in frames if module not in CARRIERS), "")
        if not origin:
            return  # sent by a test itself
        examples = self.statements_seen.setdefault((origin, text, self._settings), [])
        if len(examples) < EXAMPLES:
            examples.append(SentStatement(origin=origin, text=text, parameters=parameters, settings=self._settings))


def _frames_of_store() -> Iterator[tuple[str, str, int]]:
    """Module, function and line of all callers within the store, innermost first."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename.startswith(STORE):
            code = frame.f_code
            yield _module_of(code.co_filename), _function_of(code.co_qualname), frame.f_lineno
        frame = frame.f_back


@cache
def _module_of(file: str) -> str:
    return Path(file).stem


@cache
def _function_of(qualified_name: str) -> str:
    """The outermost function or method of a nested one."""
    return qualified_name.partition(".<locals>")[0].rpartition(".")[2]


@contextmanager
def recorded_statements() -> Iterator[StatementRecorder]:
    """Record all statements of one thread to any database."""
    made, cursor_of = StatementRecorder(), sql.driver_cursor

    def cursor_recorded(connection: sa.Connection, statement: str) -> AbstractContextManager[Any]:
        # Settings, or only the sender: statements with a plan are recorded elsewhere.
        made.record(statement if statement.startswith("SET LOCAL") else "", None)
        return cursor_of(connection, statement)

    sa.event.listen(sa.Engine, "begin", made.begin)
    try:
        with on_statement(made.record, [sa.Engine]), patch.object(sql, "driver_cursor", cursor_recorded):
            yield made
    finally:
        sa.event.remove(sa.Engine, "begin", made.begin)
