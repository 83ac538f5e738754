"""Records of people whom an import changed or made, kept until its undo ends.

An erasure, that is a deletion or suppression by anybody else, also deletes the records of the person, its former id
and its former address (identity-rules §6).
"""

from collections.abc import Collection, Sequence

import sqlalchemy as sa

from workspace_operator.application.ports import ChangedPerson
from workspace_operator.imports.undo import ImportRecord
from workspace_operator.store.engine.sql import any_of, encode_json, insert_rows
from workspace_operator.store.imports.rows import of_import, person_document, person_of_document
from workspace_operator.store.schema.import_tables import import_record
from workspace_operator.store.schema.mappers import Row

_SET_AFTER = (
    sa.update(import_record)
    .where(
        import_record.c.workspace_id == sa.bindparam("of_workspace", type_=sa.BigInteger),
        import_record.c.import_number == sa.bindparam("of_import", type_=sa.BigInteger),
        import_record.c.cio_id == sa.bindparam("of_person", type_=sa.Text),
    )
    .values(after=sa.bindparam("new_after", type_=sa.JSON))
)
"""Writes what an import left of a person whom several rows change."""


def write_records(connection: sa.Connection, row: Row, people: Sequence[ChangedPerson]) -> int:
    """Keep what the people of a batch were and are; returns the number of new records."""
    first: dict[str, ChangedPerson] = {}
    last: dict[str, ChangedPerson] = {}
    for person in people:
        first.setdefault(person.after.cio_id, person)
        last[person.after.cio_id] = person
    known = _known(connection, row, first)
    new = [cio_id for cio_id in first if cio_id not in known]
    insert_rows(connection, import_record, [_values(row, first[cio_id], last[cio_id]) for cio_id in new])
    if known:
        values = [
            {
                "of_workspace": row.workspace_id,
                "of_import": row.number,
                "of_person": cio_id,
                "new_after": person_document(last[cio_id].after),
            }
            for cio_id in sorted(known)
        ]
        connection.execute(_SET_AFTER, values)
    return len(new)


def _known(connection: sa.Connection, row: Row, cio_ids: Collection[str]) -> Collection[str]:
    if not cio_ids:
        return ()
    known = sa.and_(of_import(import_record, row.workspace_id, row.number), any_of(import_record.c.cio_id, cio_ids))
    return {cio_id for (cio_id,) in connection.execute(sa.select(import_record.c.cio_id).where(known))}


def _values(row: Row, first: ChangedPerson, last: ChangedPerson) -> tuple[object, ...]:
    before = first.before
    return (
        row.workspace_id,
        row.number,
        first.after.cio_id,
        first.row,
        None if before is None else before.id,
        None if before is None else before.email_key,
        None if before is None else encode_json(person_document(before)),
        encode_json(person_document(last.after)),
    )


def last_records(connection: sa.Connection, row: Row, *, before_row: int, size: int) -> Sequence[ImportRecord]:
    """The last records before a row, from the last one on."""
    condition = sa.and_(of_import(import_record, row.workspace_id, row.number), import_record.c.first_row < before_row)
    query = sa.select(import_record).where(condition).order_by(import_record.c.first_row.desc()).limit(size)
    return [_record_of(found) for found in connection.execute(query)]


def _record_of(row: Row) -> ImportRecord:
    return ImportRecord(
        position=row.first_row,
        before=None if row.before is None else person_of_document(row.before),
        after=person_of_document(row.after),
    )


def delete_records(connection: sa.Connection, row: Row, cio_ids: Collection[str]) -> None:
    """Delete the records of people, since their changes are undone."""
    if cio_ids:
        of_people = any_of(import_record.c.cio_id, cio_ids)
        connection.execute(
            sa.delete(import_record).where(of_import(import_record, row.workspace_id, row.number), of_people)
        )
