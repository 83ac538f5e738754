"""Violations as rows: read back as a stream, and watched for mending. `reporting` writes them down."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import starmap
from typing import Any

import sqlalchemy as sa

from workspace_operator.application.ports import Export, ViolationRow
from workspace_operator.errors import NotFound
from workspace_operator.migrations.stages import Stage
from workspace_operator.store.dialects import Prepared, among, delete_keys, document, json_text, ours_among
from workspace_operator.store.engines import Database
from workspace_operator.store.rows import Row
from workspace_operator.store.streams import streamed
from workspace_operator.store.tables import export, listed_person, migration, person, violation, workspace
from workspace_operator.store.unfolded import has_unfolded, members_of

ROWS_AT_A_TIME = 2000
_ROW = [
    sa.func.nullif(violation.c.email_key, "").label(name) if name == "email_key" else violation.c[name]
    for name in ViolationRow._fields
    if name != "values"
]
_PLACE = [listed_person.c[column.name] for column in violation.primary_key]
MENDING_SETTLES = timedelta(seconds=5)
"""How long after a mend a blocked change is looked at again: people are rarely mended one by one."""


def note_mending(
    connection: sa.Connection, workspace_row: Row, cio_ids: Collection[str], *, freed: bool, now: datetime
) -> None:
    """Wake a blocked change if one of those who stand in its way was changed, or an address was freed.

    Only the first of them writes, so that writers do not queue here; the row may be remembered from before, so it is
    asked whether somebody still waits.
    """
    if workspace_row.blocked_export is None:
        return
    listed = listed_in(workspace_row.workspace_id, workspace_row.blocked_export)
    mended = sa.select(listed_person.c.cio_id).where(listed, among(listed_person.c.cio_id, cio_ids))
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
    """Take people who are no more out of every export, also out of one that is being written (identity-rules §5).

    They were deleted, or became part of somebody else. Of one that is being written, those go whose place is noted;
    whoever writes it takes out the others at its end, and sees then that there are fewer.
    """
    listed = connection.execute(sa.select(export.c.number).where(export.c.workspace_id == workspace_id)).scalars().all()
    numbers = [*listed, max(listed, default=0) + 1]
    take_out(connection, sa.and_(listed_in(workspace_id, *numbers), among(listed_person.c.cio_id, cio_ids)))


def listed_in(workspace_id: int, *numbers: int) -> sa.ColumnElement[bool]:
    """Say that people are listed in one of these exports."""
    return sa.and_(listed_person.c.workspace_id == workspace_id, listed_person.c.export_number.in_(numbers))


def take_out(connection: sa.Connection, which: sa.ColumnElement[bool]) -> None:
    """Take people out of exports: those of `listed_person` for whom this is so.

    First their rows, then their places: in the order in which exports are removed. Just these: a place that is noted
    between the two statements is somebody's whose row is still there, and who would never be found again.
    """
    places = connection.execute(sa.select(*_PLACE).where(which)).all()
    delete_keys(connection, violation, [tuple(place) for place in places])
    delete_keys(
        connection, listed_person, [(place.workspace_id, place.export_number, place.cio_id) for place in places]
    )


@dataclass(frozen=True, slots=True)
class SQLExports:
    """Implements the port ``Exports``."""

    database: Database

    def exports(self, workspace_id: int) -> Sequence[Export]:
        """All exports of a workspace, newest first."""
        query = sa.select(export).where(export.c.workspace_id == workspace_id).order_by(export.c.number.desc())
        with self.database.reading() as connection:
            return [Export(**row._mapping) for row in connection.execute(query)]  # noqa: SLF001 - SQLAlchemy's public name

    def violations(
        self, workspace_id: int, number: int, *, attributes: Sequence[str] = (), limit: int | None = None
    ) -> Iterator[ViolationRow]:
        """Stream an export's people by (e-mail key, age, cio_id), those without a key first. Raises NotFound."""
        ours = sa.and_(violation.c.workspace_id == workspace_id, violation.c.export_number == number)
        order = (violation.c.email_key, violation.c.created_at, violation.c.cio_id)
        with self.database.reading_one_snapshot() as connection:
            known = sa.select(export.c.number).filter_by(workspace_id=workspace_id, number=number)
            if connection.execute(known).first() is None:
                raise NotFound(f"there is no export {number}: `workspacectl exports list` lists them")
            folds = has_unfolded(connection, workspace_id)
            query = sa.select(*_ROW).where(ours).order_by(*order).limit(limit)
            with streamed(connection, query, size=ROWS_AT_A_TIME) as found:
                if not folds and not attributes:
                    yield from starmap(ViolationRow, found)
                    return
                for partition in found.partitions():
                    rows = list(starmap(ViolationRow, partition))
                    yield from _seen(connection, workspace_id, rows, attributes, folds=folds)


def _seen(
    connection: sa.Connection,
    workspace_id: int,
    rows: Sequence[ViolationRow],
    attributes: Sequence[str],
    *,
    folds: bool,
) -> Iterator[ViolationRow]:
    """These rows without people who have become part of somebody else, with the values of attributes."""
    cio_ids = [row.cio_id for row in rows]
    survivors = members_of(connection, workspace_id, cio_ids) if folds else {}
    found = dict(_attributes_of(connection, workspace_id, cio_ids)) if attributes else {}
    for row in rows:
        survivor = survivors.get(row.cio_id)
        if survivor is None:
            theirs = found.get(row.cio_id, {})
        elif survivor.cio_id == row.cio_id:
            theirs = survivor.attributes
        else:
            continue
        yield row._replace(values=tuple(map(theirs.get, attributes))) if attributes else row


def _attributes_of(
    connection: sa.Connection, workspace_id: int, cio_ids: Collection[str]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The attributes of people, by cio_id."""
    values = {"of_workspace": workspace_id, "cio_ids": json_text(list(cio_ids))}
    for cio_id, attributes in ATTRIBUTES.run(connection, values):
        yield cio_id, document(attributes)


ATTRIBUTES = Prepared(
    lambda _: sa.select(person.c.cio_id, person.c.attributes).where(ours_among(person.c.cio_id, "cio_ids"))
)
