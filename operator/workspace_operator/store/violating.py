"""Violations as rows: written down at one moment for an export, read back as a stream, and watched for mending."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from workspace_operator.application.ports import Export, ViolationRow
from workspace_operator.errors import NotFound
from workspace_operator.migrations.records import Migration, ViolationCounts
from workspace_operator.migrations.stages import Stage
from workspace_operator.store.counting import BLOCKED_KEYS
from workspace_operator.store.dialects import among
from workspace_operator.store.engines import Database
from workspace_operator.store.rows import Row
from workspace_operator.store.tables import export, migration, person, violation, workspace

KEPT_EXPORTS = 3
ROWS_AT_A_TIME = 2000
MENDING_SETTLES = timedelta(seconds=5)
"""How long after a mend a blocked change is looked at again: people are rarely mended one by one."""

_COLUMNS = tuple(column.name for column in violation.columns)
_OURS = person.c.workspace_id == sa.bindparam("workspace_id")

_SHARED = (
    sa.select(person.c.email_key, sa.func.count().label("sharing"))
    .where(_OURS, person.c.email_key.is_not(None))
    .group_by(person.c.email_key)
    .having(sa.func.count() > 1)
    .cte("shared")
)
_CONCERNED = sa.union(
    sa.select(person.c.cio_id).join(_SHARED, _SHARED.c.email_key == person.c.email_key).where(_OURS),
    sa.select(person.c.cio_id).join(BLOCKED_KEYS, BLOCKED_KEYS.c.value_key == person.c.email_key).where(_OURS),
    sa.select(person.c.cio_id).where(_OURS, person.c.email_is_invalid),
    sa.select(person.c.cio_id).where(_OURS, person.c.id_is_another_email),
).subquery("concerned")
_VIOLATING = (
    sa.select(
        person.c.workspace_id,
        sa.bindparam("export_number", type_=sa.BigInteger),
        person.c.cio_id,
        person.c.id,
        person.c.email,
        person.c.email_key,
        person.c.created_at,
        sa.func.coalesce(_SHARED.c.sharing, 1),
        person.c.email_is_invalid,
        BLOCKED_KEYS.c.value_key.is_not(None),
        person.c.id_is_another_email,
    )
    .select_from(_CONCERNED.join(person, sa.and_(_OURS, person.c.cio_id == _CONCERNED.c.cio_id)))
    .outerjoin(_SHARED, _SHARED.c.email_key == person.c.email_key)
    .outerjoin(BLOCKED_KEYS, BLOCKED_KEYS.c.value_key == person.c.email_key)
)


def write_export(connection: sa.Connection, change: Migration, now: datetime) -> tuple[int | None, ViolationCounts]:
    """Write everybody who stands in the way down as a new export; None if there is nobody."""
    of_workspace = export.c.workspace_id == change.workspace_id
    newest = connection.execute(sa.select(sa.func.max(export.c.number)).where(of_workspace)).scalar_one()
    number = (newest or 0) + 1
    parameters = {"workspace_id": change.workspace_id, "export_number": number}
    connection.execute(sa.insert(violation).from_select(_COLUMNS, _VIOLATING), parameters)
    counts = _counts(connection, change.workspace_id, number)
    if counts.people_concerned == 0:
        return None, counts
    values = {"workspace_id": change.workspace_id, "number": number, "migration_number": change.number}
    description = f"people who stand in the way of {change.from_mode} to {change.to_mode}"
    connection.execute(
        sa.insert(export).values(
            values | {"created_at": now, "description": description, "total": counts.people_concerned}
        )
    )
    _forget(connection, change.workspace_id, up_to=number - KEPT_EXPORTS)
    return number, counts


def _counts(connection: sa.Connection, workspace_id: int, number: int) -> ViolationCounts:
    def people(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
        return sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0)

    query = sa.select(
        people(violation.c.sharing > 1),
        people(violation.c.invalid_email),
        people(violation.c.suppressed_email),
        people(violation.c.id_is_another_email),
        sa.func.count(),
    ).where(violation.c.workspace_id == workspace_id, violation.c.export_number == number)
    duplicate, invalid, suppressed, another, concerned = connection.execute(query).one()
    return ViolationCounts(
        duplicate_email=int(duplicate),
        invalid_email=int(invalid),
        suppressed_email=int(suppressed),
        id_is_another_email=int(another),
        people_concerned=concerned,
    )


def _forget(connection: sa.Connection, workspace_id: int, *, up_to: int) -> None:
    connection.execute(
        sa.delete(violation).where(violation.c.workspace_id == workspace_id, violation.c.export_number <= up_to)
    )
    connection.execute(sa.delete(export).where(export.c.workspace_id == workspace_id, export.c.number <= up_to))


def note_mending(
    connection: sa.Connection, workspace_row: Row, cio_ids: Collection[str], *, freed: bool, now: datetime
) -> None:
    """Wake a blocked change if one of those who stand in its way was changed, or an address was freed.

    Only the first of them writes, so that writers do not queue here; the row may be remembered from before, so it is
    asked whether somebody still waits.
    """
    if workspace_row.blocked_export is None:
        return
    ours = violation.c.workspace_id == workspace_row.workspace_id
    mended = sa.select(violation.c.cio_id).where(
        ours, violation.c.export_number == workspace_row.blocked_export, among(violation.c.cio_id, cio_ids)
    )
    if not freed and connection.execute(mended.limit(1)).first() is None:
        return
    watching = sa.update(workspace).where(
        workspace.c.workspace_id == workspace_row.workspace_id,
        workspace.c.blocked_export == workspace_row.blocked_export,
    )
    if connection.execute(watching.values(blocked_export=None)).rowcount == 0:
        return  # somebody else has said so already
    connection.execute(
        sa.update(migration)
        .where(migration.c.workspace_id == workspace_row.workspace_id, migration.c.stage == Stage.BLOCKED.value)
        .values(due_at=now + MENDING_SETTLES)
    )


def purge_violations(connection: sa.Connection, workspace_id: int, cio_ids: Collection[str]) -> None:
    """Take deleted people out of every export (identity-rules §5)."""
    ours = violation.c.workspace_id == workspace_id
    connection.execute(sa.delete(violation).where(ours, among(violation.c.cio_id, cio_ids)))


@dataclass(frozen=True, slots=True)
class SQLExports:
    """Implements the port ``Exports``."""

    database: Database

    def exports(self, workspace_id: int) -> Sequence[Export]:
        """All exports of a workspace, newest first."""
        query = sa.select(export).where(export.c.workspace_id == workspace_id).order_by(export.c.number.desc())
        with self.database.reading() as connection:
            return [Export(**row._mapping) for row in connection.execute(query)]  # noqa: SLF001 - SQLAlchemy's public name

    def violations(self, workspace_id: int, number: int) -> Iterator[ViolationRow]:
        """Stream an export's people by (e-mail key, age, cio_id), those without a key first. Raises NotFound."""
        ours = sa.and_(violation.c.workspace_id == workspace_id, violation.c.export_number == number)
        order = (violation.c.email_key.asc().nulls_first(), violation.c.created_at, violation.c.cio_id)
        columns = [column for column in violation.columns if column.name not in {"workspace_id", "export_number"}]
        with self.database.reading() as connection:
            known = sa.select(export.c.number).filter_by(workspace_id=workspace_id, number=number)
            if connection.execute(known).first() is None:
                raise NotFound(f"workspace number {workspace_id} has no export {number}")
            streaming = connection.execution_options(yield_per=ROWS_AT_A_TIME)
            for row in streaming.execute(sa.select(*columns).where(ours).order_by(*order)):
                yield ViolationRow(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
