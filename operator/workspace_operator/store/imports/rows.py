"""Rows of imports as values, and the lock of an import.

A transaction that changes an import locks its row last, after people and the workspace, so that it waits for no one
who waits for it.
"""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import sqlalchemy as sa

from workspace_operator.errors import NotFound
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.values.rules import IdentifierKind
from workspace_operator.imports.model import (
    FileColumn,
    FileFacts,
    ImportCounts,
    ImportJob,
    ImportMapping,
    ImportState,
    RowChange,
    ValueChange,
)
from workspace_operator.store.engine.sql import encode_json
from workspace_operator.store.schema.import_tables import import_job
from workspace_operator.store.schema.mappers import Row

COUNTERS: Final = ("made", "changed", "unchanged", "skipped", "rejected", "in_part", "addresses")
"""Columns with the numbers of `ImportCounts`."""

COMPRESSION_LEVEL: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedImport:
    """An import whose row this transaction has locked."""

    connection: sa.Connection
    row: Row

    @property
    def workspace_id(self) -> int:
        """The workspace of the import."""
        number: int = self.row.workspace_id
        return number

    @property
    def state(self) -> ImportState:
        """The state, as it was locked."""
        return ImportState(self.row.state)

    def of_import(self, table: sa.Table) -> sa.ColumnElement[bool]:
        """Condition that a row of a table belongs to this import."""
        return of_import(table, self.workspace_id, self.row.number)

    def update(self, **values: object) -> None:
        """Write columns of the import."""
        update = sa.update(import_job).filter_by(workspace_id=self.workspace_id, number=self.row.number)
        self.connection.execute(update.values(values))


def of_import(table: sa.Table, workspace_id: int, number: int) -> sa.ColumnElement[bool]:
    """Condition that a row of a table belongs to an import."""
    return sa.and_(table.c.workspace_id == workspace_id, table.c.import_number == number)


def read_import(connection: sa.Connection, workspace_id: int, number: int) -> Row:
    """The row of an import, without a lock. Raises NotFound."""
    query = sa.select(import_job).filter_by(workspace_id=workspace_id, number=number)
    return _found(connection.execute(query).one_or_none(), number)


def lock_import(connection: sa.Connection, workspace_id: int, number: int) -> LockedImport:
    """Lock an import. Raises NotFound."""
    query = sa.select(import_job).filter_by(workspace_id=workspace_id, number=number).with_for_update()
    return LockedImport(connection=connection, row=_found(connection.execute(query).one_or_none(), number))


def _found(row: Row | None, number: int) -> Row:
    if row is None:
        raise NotFound(f"there is no import {number}")
    return row


def job_of(row: Row) -> ImportJob:
    """Read an import from its row."""
    return ImportJob(
        workspace_id=row.workspace_id,
        number=row.number,
        state=ImportState(row.state),
        file_name=row.file_name,
        facts=None if row.facts is None else _facts_of(row.facts),
        mapping=None if row.mapping is None else _mapping_of(row.mapping),
        counts=ImportCounts(**{name: row._mapping[name] for name in COUNTERS}),  # noqa: SLF001 - public
        done=row.cursor,
        changes=tuple(_change_of(document) for document in row.changes),
        blocking=row.blocking,
        people=row.people,
        undone=row.undone,
        undone_in_part=row.undone_in_part,
        not_undone=row.not_undone,
        created_at=row.created_at,
        created_by=row.created_by,
        run_at=row.run_at,
        run_by=row.run_by,
        ended_at=row.ended_at,
        file_until=row.file_until,
        undo_until=row.undo_until,
    )


def facts_document(facts: FileFacts) -> Mapping[str, Any]:
    """The document of what an upload found out."""
    return asdict(facts)


def facts_without_values(row: Row) -> Mapping[str, Any] | None:
    """The document of the facts without the examples, which may be values of people."""
    if row.facts is None:
        return None
    return {**row.facts, "columns": [{**column, "samples": []} for column in row.facts["columns"]]}


def mapping_document(mapping: ImportMapping) -> Mapping[str, Any]:
    """The document of a mapping."""
    return asdict(mapping)


def change_documents(changes: Sequence[RowChange]) -> Sequence[Mapping[str, Any]]:
    """The documents of examples of changes."""
    return [asdict(change) for change in changes]


def _facts_of(document: Mapping[str, Any]) -> FileFacts:
    columns = [FileColumn(**{**column, "samples": tuple(column["samples"])}) for column in document["columns"]]
    return FileFacts(**{**document, "columns": tuple(columns)})


def _mapping_of(document: Mapping[str, Any]) -> ImportMapping:
    by = document["by"]
    values = {"targets": tuple(document["targets"]), "by": None if by is None else IdentifierKind(by)}
    return ImportMapping(**{**document, **values})


def _change_of(document: Mapping[str, Any]) -> RowChange:
    return RowChange(**{**document, "values": tuple(ValueChange(**value) for value in document["values"])})


def person_document(person: Person) -> Mapping[str, Any]:
    """The document of a person."""
    return asdict(person)


def person_of_document(document: Mapping[str, Any]) -> Person:
    """The person of a document."""
    return Person(**document)


def compressed(text: str) -> bytes:
    """A text as it is stored."""
    return zlib.compress(text.encode(), COMPRESSION_LEVEL)


def decompressed(content: bytes) -> str:
    """A stored text."""
    return zlib.decompress(content).decode()


def compressed_rejects(rejects: Sequence[Sequence[str]]) -> bytes:
    """Rejected rows as they are stored."""
    return compressed(encode_json(list(rejects)))


def rejects_of(content: bytes) -> Sequence[Sequence[str]]:
    """Stored rejected rows."""
    rejects: Sequence[Sequence[str]] = json.loads(decompressed(content))
    return rejects
