"""The order of commits, recorded by the store itself: a table that every transaction adds a line to before it ends.

All locks are held when the line is numbered, so transactions that touch the same things are numbered in the order in
which they took effect; others may be put in any order.
"""

import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from workspace_operator.application.ports import CommandResultOrError
from workspace_operator.identity.model.commands import Command
from workspace_operator.identity.values.rules import IdentityRules
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.schema.tables import workspace
from workspace_operator.store.schema.types import SerialNumber
from workspace_operator.store.unit_of_work.workspace_lock import SettingsSnapshot

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


def record_commit(
    connection: sa.Connection,
    standing: SettingsSnapshot,
    calls: Sequence[Command],
    answers: Sequence[CommandResultOrError],
    now: int,
) -> None:
    """Add a line, in the transaction itself."""
    ours = workspace.c.workspace_id == standing.row.workspace_id
    row_version = connection.execute(sa.select(workspace.c.row_version).where(ours)).scalar_one()
    account = pickle.dumps((standing.rules, list(calls), list(answers), now))
    connection.execute(sa.insert(_record).values(row_version=row_version, account=account))


def records(database: Database) -> Iterator[Record]:
    """Everything in the order of commits."""
    with database.reading() as connection:
        for row in connection.execution_options(yield_per=1000).execute(sa.select(_record).order_by("serial")):
            rules, calls, answers, now = pickle.loads(row.account)
            yield Record(
                serial=row.serial, row_version=row.row_version, rules=rules, calls=calls, answers=answers, now=now
            )
