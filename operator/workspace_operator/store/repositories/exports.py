"""Exports of violations, read for the API and the CLI."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import starmap
from typing import Any

import sqlalchemy as sa

from workspace_operator.application.ports import Export, ViolationRow
from workspace_operator.errors import NotFound
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.engine.row_batches import stream_rows
from workspace_operator.store.engine.sql import CompiledStatement, decode_json, encode_json, workspace_any_of
from workspace_operator.store.pending_merges.view import has_pending_merges, survivors_of
from workspace_operator.store.schema.tables import export, person, violation

ROW_BATCH_SIZE = 2000
_ROW_COLUMNS = [
    sa.func.nullif(violation.c.email_key, "").label(name) if name == "email_key" else violation.c[name]
    for name in ViolationRow._fields
    if name != "values"
]


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
        """Stream an export by (e-mail key, age, cio_id), without a key first. Raises NotFound."""
        of_export = sa.and_(violation.c.workspace_id == workspace_id, violation.c.export_number == number)
        order = (violation.c.email_key, violation.c.created_at, violation.c.cio_id)
        with self.database.reading_one_snapshot() as connection:
            known = sa.select(export.c.number).filter_by(workspace_id=workspace_id, number=number)
            if connection.execute(known).first() is None:
                raise NotFound(f"there is no export {number}: `workspacectl exports list` lists them")
            merges_pending = has_pending_merges(connection, workspace_id)
            query = sa.select(*_ROW_COLUMNS).where(of_export).order_by(*order).limit(limit)
            with stream_rows(connection, query, size=ROW_BATCH_SIZE) as result:
                if not merges_pending and not attributes:
                    yield from starmap(ViolationRow, result)
                    return
                for partition in result.partitions():
                    rows = list(starmap(ViolationRow, partition))
                    yield from _merged_rows(connection, workspace_id, rows, attributes, merges_pending=merges_pending)


def _merged_rows(
    connection: sa.Connection,
    workspace_id: int,
    rows: Sequence[ViolationRow],
    attributes: Sequence[str],
    *,
    merges_pending: bool,
) -> Iterator[ViolationRow]:
    """The rows with the values of attributes, without people that are merged into others."""
    cio_ids = [row.cio_id for row in rows]
    survivors = survivors_of(connection, workspace_id, cio_ids) if merges_pending else {}
    parameters = {"of_workspace": workspace_id, "cio_ids": encode_json(cio_ids)}
    found = ATTRIBUTES.run(connection, parameters) if attributes else ()
    stored: Mapping[str, Mapping[str, Any]] = {cio_id: decode_json(document) for cio_id, document in found}
    for row in rows:
        survivor = survivors.get(row.cio_id)
        if survivor is None:
            values = stored.get(row.cio_id, {})
        elif survivor.cio_id == row.cio_id:
            values = survivor.attributes
        else:
            continue
        yield row._replace(values=tuple(map(values.get, attributes))) if attributes else row


ATTRIBUTES = CompiledStatement(
    lambda _: sa.select(person.c.cio_id, person.c.attributes).where(workspace_any_of(person.c.cio_id, "cio_ids"))
)
