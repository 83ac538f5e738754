"""Every statement of the store concerns one workspace: of hash partitions, the planner leaves one of each table.

A distributed PostgreSQL sends such a statement to one machine, and every other one to all. The statements that tests
send are planned with their values; one that touches several partitions of a table fails the test that sent it.
"""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Final

from tests.store.backends import SentStatement, on_statement
from workspace_operator import store
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.schema.tables import WORKSPACE_TABLES

STORE: Final = str(Path(store.__file__).parent)

WHOLE_DATABASE: Final[Mapping[str, str]] = {
    "invariants": "`database check` reads all rows",
    "integrity": "`database check` reads all rows",
    "people_counts": "`database status` counts the people of all workspaces",
}
"""Modules of the store whose statements may touch all workspaces, and why."""

_PLANNED: Final = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b")
_PARTITION: Final = re.compile(rf"({'|'.join(table.name for table in WORKSPACE_TABLES)})_\d+")


@dataclass(slots=True)
class PruningCheck:
    """Plans each statement text of the store once, on one partitioned database.

    Attributes:
        origins: module and function that sent each text that is known.
        wide: what touches several partitions: origin, tables and text.
    """

    database: Database
    origins: dict[str, str] = field(default_factory=dict)
    _new: list[SentStatement] = field(default_factory=list)

    @contextmanager
    def checked(self) -> Iterator[None]:
        """Fail at the end of the block if a statement in it, which was not seen before, is wide."""
        engines = [self.database.engine, self.database._writing_engine]
        with on_statement(self._record, engines):
            yield
        wide = self.wide_statements()
        assert not wide, "\n".join(wide)

    def _record(self, text: str, parameters: Any) -> None:
        if text in self.origins:
            return
        self.origins[text] = origin = _origin()
        if origin and origin.partition(".")[0] not in WHOLE_DATABASE and _PLANNED.match(text):
            self._new.append((text, parameters))

    def wide_statements(self) -> Sequence[str]:
        """The new statements that touch several partitions of a table, with the tables."""
        new, self._new = self._new, []
        found: list[str] = []
        with self.database._writing_engine.connect() as connection:
            driver: Any = connection.connection.dbapi_connection
            for text, parameters in new:
                if wide := wide_tables(driver, text, parameters):
                    found.append(f"{self.origins[text]} touches several partitions of {', '.join(wide)}: {text}")
        return found


def wide_tables(driver: Any, text: str, parameters: Any) -> Sequence[str]:
    """The tables of which a statement touches several partitions; ``driver`` is a connection of psycopg."""
    [[[document]]] = driver.execute(f"EXPLAIN (FORMAT JSON) {text}", parameters, prepare=False).fetchall()
    return sorted(table for table, partitions in _partitions(document["Plan"]).items() if len(partitions) > 1)


def _partitions(plan: Mapping[str, Any]) -> dict[str, set[str]]:
    """The partitions that a plan reads or writes, by table."""
    found: dict[str, set[str]] = {}
    for node in _nodes(plan):
        if match := _PARTITION.fullmatch(node.get("Relation Name", "")):
            found.setdefault(match[1], set()).add(match[0])
    return found


def _nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for child in (*plan.get("Plans", ()), *plan.get("Target Tables", ())):
        yield from _nodes(child)


def _origin() -> str:
    """Module and function of the store that sends a statement; empty if a test itself does."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        if code.co_filename.startswith(STORE) and Path(code.co_filename).parent.name != "engine":
            return f"{Path(code.co_filename).stem}.{code.co_qualname}"
        frame = frame.f_back
    return ""
