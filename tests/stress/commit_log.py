"""The order of commits, recorded by the store itself: a table that every transaction adds a line to before it ends.

All locks are held when the line is numbered, so transactions that touch the same things are numbered in the order in
which they took effect; others may be put in any order.
"""

import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa

from workspace_operator.application.people.command_execution import CommandOrError, execute_commands
from workspace_operator.application.ports import LoadedPeople, UnitOfWork
from workspace_operator.identity.model.commands import Command
from workspace_operator.identity.model.results import CommandResult, CommandResultOrError
from workspace_operator.identity.values.rules import IdentityRules
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.repositories.people import SQLPeople
from workspace_operator.store.schema.tables import workspace
from workspace_operator.store.schema.types import SerialNumber
from workspace_operator.store.unit_of_work.workspace_lock import SettingsSnapshot

T = TypeVar("T")

_metadata = sa.MetaData()
_record = sa.Table(
    "stress_record",
    _metadata,
    sa.Column("serial", SerialNumber, sa.Identity(), primary_key=True),
    sa.Column("row_version", sa.BigInteger, nullable=False),
    sa.Column("account", sa.LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)


@dataclass(frozen=True, kw_only=True)
class Record:
    """One transaction: what held, what was asked, what was answered. ``row_version`` is that of the settings."""

    serial: int
    row_version: int
    rules: IdentityRules
    calls: Sequence[Command]
    answers: Sequence[CommandResultOrError]
    now: int


def prepare(database: Database) -> None:
    """Make the table."""
    database.writing(_metadata.create_all)


@dataclass(frozen=True)
class RecordingUnits:
    """Units of work that record their commands and results, in the transaction itself."""

    people: SQLPeople
    now: int

    def rules(self, workspace_id: int) -> IdentityRules:
        return self.people.rules(workspace_id)

    def run_unit_of_work(self, workspace_id: int, work: Callable[[UnitOfWork], T], *, exclusive: bool = False) -> T:
        def recorded(unit: Any) -> T:
            unit = RecordingUnit(unit)
            answers = work(unit)
            done = [each for each in answers if isinstance(each, CommandResult)]  # type: ignore[attr-defined]
            _record_commit(unit.unit.connection, unit.unit.settings, unit.commands, done, self.now)
            return answers

        return self.people.run_unit_of_work(workspace_id, recorded, exclusive=exclusive)


class RecordingUnit:
    """A unit of work that keeps the commands which it loads."""

    def __init__(self, unit: Any) -> None:
        self.unit, self.rules, self.flush = unit, unit.rules, unit.flush
        self.commands: Sequence[Command] = ()

    def load(self, commands: Sequence[Command]) -> LoadedPeople:
        self.commands = commands
        loaded: LoadedPeople = self.unit.load(commands)
        return loaded


def execute_recorded(
    people: SQLPeople, workspace_id: int, commands: Sequence[CommandOrError], *, now: int
) -> Sequence[CommandResultOrError]:
    """Execute commands, and add a line in their transaction."""
    return execute_commands(RecordingUnits(people, now), workspace_id, commands, now=now)


def _record_commit(
    connection: sa.Connection,
    settings: SettingsSnapshot,
    calls: Sequence[Command],
    answers: Sequence[CommandResult],
    now: int,
) -> None:
    ours = workspace.c.workspace_id == settings.row.workspace_id
    row_version = connection.execute(sa.select(workspace.c.row_version).where(ours)).scalar_one()
    account = pickle.dumps((settings.rules, list(calls), list(answers), now))
    connection.execute(sa.insert(_record).values(row_version=row_version, account=account))


def records(database: Database) -> Iterator[Record]:
    """Everything in the order of commits."""
    with database.reading() as connection:
        for row in connection.execution_options(yield_per=1000).execute(sa.select(_record).order_by("serial")):
            rules, calls, answers, now = pickle.loads(row.account)
            yield Record(
                serial=row.serial, row_version=row.row_version, rules=rules, calls=calls, answers=answers, now=now
            )
