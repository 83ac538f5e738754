"""The fast path for an identify of an existing person that keeps their identifiers.

PostgreSQL only. It takes two statements without a transaction: the first reads without a lock, the second writes if
nothing has changed since. Two versions prove that: the workspace lock's, and PostgreSQL's own version of the person's
row, which every change of the person's identifiers also writes. On Citus, the activity is a third statement, so there
is a transaction around them. Every other command, and every conflict, takes the regular path (`sql_unit_of_work`).
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.sql.dml import ReturningUpdate

from workspace_operator.application.ports import AuditEntry, LoadedPeople, UnitOfWork
from workspace_operator.errors import CommitUnknown, Conflict, LockTimeout, StoreUnavailable
from workspace_operator.identity.command_handlers.dispatch import NewCioID
from workspace_operator.identity.model.commands import ABSENT, DELETE, Command, Identify
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.person_events import ActivityLogged
from workspace_operator.identity.model.working_set import WorkingSet
from workspace_operator.identity.values.rules import CIO_ID, ID_ONLY, IdentifierKind, IdentityRules
from workspace_operator.store.engine.citus import is_citus
from workspace_operator.store.engine.databases import LOCK_TIMEOUT_SECONDS, Database
from workspace_operator.store.engine.sql import CompiledStatement, encode_json, insert_rows, lock_timeout_condition
from workspace_operator.store.schema.tables import activity, identifier, person, workspace_lock
from workspace_operator.store.unit_of_work.change_log import entries_for
from workspace_operator.store.unit_of_work.event_writer import activity_row
from workspace_operator.store.unit_of_work.flush import PERSON_VALUE_PARAMETERS, activities_only, person_values
from workspace_operator.store.unit_of_work.loader import KIND_NUMBERS, PERSON_COLUMNS, person_of
from workspace_operator.store.unit_of_work.workspace_lock import IS_SLOT, SLOT_VERSION, SettingsSnapshot, lock_slot

T = TypeVar("T")

_WORKSPACE = sa.bindparam("workspace_id", type_=sa.BigInteger)
_LOCK_LIMIT = lock_timeout_condition(LOCK_TIMEOUT_SECONDS)
_ROW_VERSION: sa.ColumnElement[str] = sa.cast(sa.literal_column("person.xmin"), sa.Text)


class NotEligible(Exception):
    """The commands must take the regular path; nothing was written."""


@dataclass(slots=True, kw_only=True)
class FastUnitOfWork:
    """Implements the port ``UnitOfWork`` for a single command.

    Attributes:
        connect: opens an autocommit connection, once the command is known to be eligible.
        settings: from the cache.
        has_written: whether the write was sent.
    """

    connect: Callable[[], sa.Connection]
    settings: SettingsSnapshot
    new_cio_id: NewCioID
    has_written: bool = False
    connection: sa.Connection = field(init=False)
    _working_set: WorkingSet = field(init=False)
    _row_version: str = field(init=False)

    @property
    def rules(self) -> IdentityRules:
        """The identity rules of the settings; `flush` checks that they are in force."""
        return self.settings.rules

    @property
    def records_calls(self) -> bool:
        """Whether it is recorded which people calls name."""
        return self.settings.row.calls_recorded_since is not None

    def load(self, commands: Sequence[Command]) -> LoadedPeople:
        """Read the person that the command names, without a lock. Raises NotEligible."""
        if len(commands) != 1 or not isinstance(commands[0], Identify) or not _is_eligible(commands[0]):
            raise NotEligible
        self.connection = self.connect()
        reference = commands[0].reference
        values = {"workspace_id": self.settings.row.workspace_id, "slot": lock_slot(), "key": reference.key}
        rows = _READS[reference.kind].run(self.connection, values)
        if not rows or rows[0][0] != self.settings.version or rows[0][1] is None:
            raise NotEligible
        self._row_version, found = rows[0][1], person_of(rows[0][2:])
        if not _keeps_identifiers(self.settings, commands[0], found):
            raise NotEligible
        self._working_set = WorkingSet(mode=self.rules.mode, people=[found])
        return LoadedPeople(working_set=self._working_set, new_cio_ids=[self.new_cio_id])

    def flush(self, *, now: int) -> None:  # noqa: ARG002 - the changes have their own times
        """Write the person and the activity in one statement. Raises NotEligible if a version has changed."""
        changes = self._working_set.changes()
        activities = activities_only(changes)
        has_entries = self.settings.row.change_log_enabled and entries_for(changes)
        if activities is None or len(activities) > 1 or has_entries:
            raise NotEligible
        updated = changes.replaced[0].after
        values: dict[str, Any] = {
            "workspace_id": self.settings.row.workspace_id,
            "slot": lock_slot(),
            "version": self.settings.version,
            "of_person": updated.cio_id,
            "row_version": self._row_version,
            **person_values(updated),
        }
        rows = [self._activity_row(logged) for logged in activities]
        self.has_written = True
        if is_citus(self.connection):
            self._write_one_by_one(values, rows)
            return
        for row in rows:
            values |= dict(zip(_ACTIVITY_PARAMETERS, row, strict=True))
        if not _WRITES[len(rows)].run(self.connection, values):
            raise NotEligible

    def record(self, entry: AuditEntry) -> None:  # pragma: no cover - `load` refuses the commands that are recorded
        """Refuse: what `flush` wrote is committed."""
        raise AssertionError(f"{entry.action} cannot be recorded on the fast path")

    def _activity_row(self, logged: ActivityLogged) -> tuple[object, ...]:
        *row, data = activity_row(self.settings.row.workspace_id, self.new_cio_id(), logged)
        return (*row, encode_json(data))

    def _write_one_by_one(self, values: Mapping[str, Any], rows: Sequence[tuple[object, ...]]) -> None:
        """Write person and activity by statements that Citus passes to the shard as they are.

        It would fetch the result of an UPDATE in an INSERT … SELECT to the coordinator first.
        """
        if not _UPDATE.run(self.connection, values):
            raise NotEligible
        insert_rows(self.connection, activity, rows)


def _is_eligible(command: Identify) -> bool:
    """Whether the command can take the fast path, judging by the command alone."""
    return not command.by_import and command.cio_id is ABSENT and DELETE not in (command.id, command.email)


def run_fast_unit_of_work(
    database: Database,
    settings: SettingsSnapshot,
    work: Callable[[UnitOfWork], T],
    new_cio_id: NewCioID,
    *,
    in_transaction: bool,
) -> T:
    """Run ``work`` in a fast unit of work.

    Raises:
        NotEligible: nothing was written; the regular path has other connections and its own limits.
        LockTimeout: a lock was not granted in time.
        CommitUnknown: the write may have been committed.
    """
    if settings.row.blocked_export is not None or settings.row.merges_pending:
        raise NotEligible  # a blocked migration waits for fixes, or a merge is pending
    stack = ExitStack()
    unit = FastUnitOfWork(
        connect=lambda: stack.enter_context(database.autocommit(in_transaction=in_transaction or database.is_citus)),
        settings=settings,
        new_cio_id=new_cio_id,
    )
    try:
        with stack:
            return work(unit)
    except Conflict as error:  # a deadlock or a lost race
        raise NotEligible from error
    except StoreUnavailable as error:
        if isinstance(error, LockTimeout) or (unit.has_written and isinstance(error, CommitUnknown)):
            raise
        raise NotEligible from error


def _keeps_identifiers(settings: SettingsSnapshot, command: Identify, found: Person) -> bool:
    if command.id is not ABSENT and command.id != found.id:
        return False
    return (
        command.email is ABSENT
        or settings.rules.mode is ID_ONLY
        or (command.email_key is not None and command.email_key == found.email_key)
    )


def _read_statement(kind: IdentifierKind) -> sa.ClauseElement:
    key = sa.bindparam("key", type_=sa.Text)
    query = sa.select(workspace_lock.c.version, _ROW_VERSION, *PERSON_COLUMNS)
    if kind is CIO_ID:
        is_person = sa.and_(person.c.workspace_id == _WORKSPACE, person.c.cio_id == key)
        return query.select_from(workspace_lock.outerjoin(person, is_person)).where(IS_SLOT)
    is_identifier = sa.and_(
        identifier.c.workspace_id == _WORKSPACE,
        identifier.c.kind == sa.literal_column(str(KIND_NUMBERS[kind])),
        identifier.c.value_key == key,
    )
    is_person = sa.and_(person.c.workspace_id == _WORKSPACE, person.c.cio_id == identifier.c.cio_id)
    tables = workspace_lock.outerjoin(identifier, is_identifier).outerjoin(person, is_person)
    return query.select_from(tables).where(IS_SLOT)


def _update_statement(*limits: sa.ColumnElement[bool]) -> ReturningUpdate[tuple[str]]:
    is_current = workspace_lock.c.version == sa.bindparam("version", type_=sa.BigInteger)
    lock = SLOT_VERSION.where(is_current, *limits).with_for_update(read=True, key_share=True)
    locked = lock.cte("locked")
    return (
        sa.update(person)
        .where(
            sa.exists(sa.select(locked.c.version)),
            person.c.workspace_id == _WORKSPACE,
            person.c.cio_id == sa.bindparam("of_person", type_=sa.Text),
            sa.bindparam("row_version", type_=sa.Text) == _ROW_VERSION,
        )
        .values(PERSON_VALUE_PARAMETERS)
        .returning(person.c.cio_id)
    )


def _write_statement(*, with_activity: bool) -> sa.ClauseElement:
    updated = _update_statement(_LOCK_LIMIT)
    if not with_activity:
        return updated
    done = updated.cte("done")
    row = [
        sa.cast(sa.bindparam(name, type_=column.type), column.type)
        for name, column in zip(_ACTIVITY_PARAMETERS, activity.columns, strict=True)
    ]
    insert = sa.insert(activity).from_select(activity.columns.keys(), sa.select(*row).select_from(done))
    return insert.returning(activity.c.activity_id)


_ACTIVITY_PARAMETERS = tuple(f"logged_{name}" for name in activity.columns.keys())  # noqa: SIM118 - a column collection is not a dict
_READS = {kind: CompiledStatement(lambda _, kind=kind: _read_statement(kind)) for kind in IdentifierKind}  # type: ignore[misc]
_WRITES = tuple(
    CompiledStatement(lambda _, with_activity=with_activity: _write_statement(with_activity=with_activity))  # type: ignore[misc]
    for with_activity in (False, True)
)
_UPDATE = CompiledStatement(lambda _: _update_statement())  # in a transaction, which has the limit
