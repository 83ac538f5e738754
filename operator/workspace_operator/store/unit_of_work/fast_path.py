"""The fast path for an identify of an existing person that keeps their identifiers.

PostgreSQL only. It takes two statements without a transaction: the first reads without a lock, the second writes if
nothing has changed since. Two versions prove that: the workspace lock's, and PostgreSQL's own version of the person's
row, which every change of the person's identifiers also writes. Every other command, and every conflict, takes the
regular path (`people`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from workspace_operator.identity.command_handlers.dispatch import handle
from workspace_operator.identity.model.commands import ABSENT, DELETE, Identify
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.person_events import ActivityLogged
from workspace_operator.identity.model.results import CommandResult
from workspace_operator.identity.model.working_set import WorkingSet
from workspace_operator.identity.values.rules import CIO_ID, ID_ONLY, IdentifierKind
from workspace_operator.store.engine.databases import LOCK_TIMEOUT_SECONDS
from workspace_operator.store.engine.sql import CompiledStatement, encode_json, lock_timeout_condition
from workspace_operator.store.schema.tables import activity, identifier, person, workspace_lock
from workspace_operator.store.unit_of_work.change_log import entries_for
from workspace_operator.store.unit_of_work.event_writer import activity_row
from workspace_operator.store.unit_of_work.flush import PERSON_VALUE_COLUMNS, activities_only, person_values
from workspace_operator.store.unit_of_work.loader import KIND_NUMBERS, PERSON_COLUMNS, person_of
from workspace_operator.store.unit_of_work.workspace_lock import SettingsSnapshot, lock_slot

_WORKSPACE = sa.bindparam("workspace_id", type_=sa.BigInteger)
_SLOT = sa.bindparam("slot", type_=sa.Integer)
_LOCK_LIMIT = lock_timeout_condition(LOCK_TIMEOUT_SECONDS)
_ROW_VERSION: sa.ColumnElement[str] = sa.cast(sa.literal_column("person.xmin"), sa.Text)


@dataclass(frozen=True, slots=True, kw_only=True)
class FastUpdate:
    """The outcome of a command, valid if the rows have not changed."""

    result: CommandResult
    person: Person
    activities: Sequence[ActivityLogged]
    row_version: str


def workspace_allows(settings: SettingsSnapshot) -> bool:
    """Whether no blocked migration waits for fixes, and no merge is pending."""
    return settings.row.blocked_export is None and not settings.row.merges_pending


def is_eligible(command: Identify) -> bool:
    """Whether the command can take the fast path, judging by the command alone."""
    return (
        not command.by_import and command.cio_id is ABSENT and command.id is not DELETE and command.email is not DELETE
    )


def decide(
    connection: sa.Connection, settings: SettingsSnapshot, command: Identify, *, now: int, new_cio_id: Callable[[], str]
) -> FastUpdate | None:
    """Read the person and evaluate the command; None if it must take the regular path."""
    kind = command.reference.kind
    values = {"workspace_id": settings.row.workspace_id, "slot": lock_slot(), "key": command.reference.key}
    rows = _READS[kind].run(connection, values)
    if not rows or rows[0][0] != settings.version or rows[0][1] is None:
        return None
    found = person_of(rows[0][2:])
    if not _keeps_identifiers(settings, command, found):
        return None
    working_set = WorkingSet(mode=settings.rules.mode, people=[found])
    result = handle(settings.rules, working_set, command, now=now, new_cio_id=new_cio_id)
    changes = working_set.changes()
    activities = activities_only(changes)
    if activities is None or len(activities) > 1 or (settings.row.change_log_enabled and entries_for(changes)):
        return None
    return FastUpdate(result=result, person=changes.replaced[0].after, activities=activities, row_version=rows[0][1])


def write(
    connection: sa.Connection, settings: SettingsSnapshot, update: FastUpdate, *, new_id: Callable[[], str]
) -> bool:
    """Write the person and the activity in one statement; False if a version has changed."""
    values: dict[str, Any] = {
        "workspace_id": settings.row.workspace_id,
        "slot": lock_slot(),
        "version": settings.version,
        "of_person": update.person.cio_id,
        "row_version": update.row_version,
        **person_values(update.person),
    }
    for logged in update.activities:
        *row, data = activity_row(settings.row.workspace_id, new_id(), logged)
        values |= dict(zip(_ACTIVITY_PARAMETERS, (*row, encode_json(data)), strict=True))
    return bool(_WRITES[len(update.activities)].run(connection, values))


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
    is_slot = sa.and_(workspace_lock.c.workspace_id == _WORKSPACE, workspace_lock.c.slot == _SLOT)
    if kind is CIO_ID:
        is_person = sa.and_(person.c.workspace_id == _WORKSPACE, person.c.cio_id == key)
        return query.select_from(workspace_lock.outerjoin(person, is_person)).where(is_slot)
    is_identifier = sa.and_(
        identifier.c.workspace_id == _WORKSPACE,
        identifier.c.kind == sa.literal_column(str(KIND_NUMBERS[kind])),
        identifier.c.value_key == key,
    )
    is_person = sa.and_(person.c.workspace_id == _WORKSPACE, person.c.cio_id == identifier.c.cio_id)
    tables = workspace_lock.outerjoin(identifier, is_identifier).outerjoin(person, is_person)
    return query.select_from(tables).where(is_slot)


def _write_statement(*, with_activity: bool) -> sa.ClauseElement:
    version = sa.bindparam("version", type_=sa.BigInteger)
    locked = (
        sa.select(workspace_lock.c.version)
        .where(
            workspace_lock.c.workspace_id == _WORKSPACE,
            workspace_lock.c.slot == _SLOT,
            workspace_lock.c.version == version,
            _LOCK_LIMIT,
        )
        .with_for_update(read=True, key_share=True)
        .cte("locked")
    )
    updated = (
        sa.update(person)
        .where(
            sa.exists(sa.select(locked.c.version)),
            person.c.workspace_id == _WORKSPACE,
            person.c.cio_id == sa.bindparam("of_person", type_=sa.Text),
            sa.bindparam("row_version", type_=sa.Text) == _ROW_VERSION,
        )
        .values({column.name: sa.bindparam(column.name, type_=column.type) for column in PERSON_VALUE_COLUMNS})
        .returning(person.c.cio_id)
    )
    if not with_activity:
        return updated
    done = updated.cte("done")
    row = [
        sa.cast(sa.bindparam(name, type_=column.type), column.type)
        for name, column in zip(_ACTIVITY_PARAMETERS, activity.columns, strict=True)
    ]
    return (
        sa.insert(activity)
        .from_select(activity.columns.keys(), sa.select(*row).select_from(done))
        .returning(activity.c.activity_id)
    )


_ACTIVITY_PARAMETERS = tuple(f"logged_{name}" for name in activity.columns.keys())  # noqa: SIM118 - a column collection is not a dict
_READS = {kind: CompiledStatement(lambda _, kind=kind: _read_statement(kind)) for kind in IdentifierKind}  # type: ignore[misc]
_WRITES = tuple(
    CompiledStatement(lambda _, with_activity=with_activity: _write_statement(with_activity=with_activity))  # type: ignore[misc]
    for with_activity in (False, True)
)
