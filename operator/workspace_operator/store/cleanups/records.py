"""Records of people that a cleanup has changed or deleted, kept until its undo ends.

An erasure, that is a deletion or suppression by anybody else, also deletes the records of the person, its id and its
address (identity-rules §6).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from workspace_operator.application.ports import ExecutedDecision
from workspace_operator.cleanups.decisions import DecisionKind
from workspace_operator.cleanups.undo import PersonRecord
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.values.devices import Device
from workspace_operator.store.engine.sql import any_of, encode_json, insert_rows
from workspace_operator.store.queries.record_readers import devices_of, segments_of
from workspace_operator.store.schema.cleanup_tables import cleanup_record
from workspace_operator.store.schema.mappers import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletedRecords:
    """The devices and manual segments of people that are to be deleted, by cio_id."""

    devices: Mapping[str, Sequence[Device]]
    segments: Mapping[str, Sequence[int]]

    @classmethod
    def read(cls, connection: sa.Connection, workspace_id: int, cio_ids: Collection[str]) -> "DeletedRecords":
        """Read them before the people are deleted."""
        if not cio_ids:
            return cls(devices={}, segments={})
        return cls(
            devices=devices_of(connection, workspace_id, cio_ids),
            segments=segments_of(connection, workspace_id, cio_ids),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRecord:
    """What is kept of a person."""

    person: PersonRecord
    devices: Sequence[Device]
    segments: Sequence[int]


RECORDED = frozenset({DecisionKind.CORRECT, DecisionKind.CLEAR, DecisionKind.DELETE})
"""Decisions that leave a record; a merge has its entry in the merge journal."""


def write_records(
    connection: sa.Connection, row: Row, executed: Sequence[ExecutedDecision], deleted: DeletedRecords
) -> None:
    """Keep what the people of a batch were before."""
    rows = [
        (
            row.workspace_id,
            row.number,
            each.before.cio_id,
            each.before.id,
            each.before.email_key,
            encode_json(
                {
                    "person": asdict(each.before),
                    "new_email": each.stored.decision.email,
                    "devices": [asdict(device) for device in deleted.devices.get(each.before.cio_id, ())],
                    "segments": list(deleted.segments.get(each.before.cio_id, ())),
                }
            ),
        )
        for each in executed
        if each.before is not None and each.stored.decision.kind in RECORDED
    ]
    insert_rows(connection, cleanup_record, rows)


def read_records(connection: sa.Connection, row: Row, cio_ids: Collection[str]) -> Mapping[str, StoredRecord]:
    """The records of people, by cio_id."""
    query = sa.select(cleanup_record.c.cio_id, cleanup_record.c.record).where(_of_people(row, cio_ids))
    return {each.cio_id: _record_of(each.record) for each in connection.execute(query)} if cio_ids else {}


def delete_records(connection: sa.Connection, row: Row, cio_ids: Collection[str]) -> None:
    """Delete the records of people, since they are restored."""
    if cio_ids:
        connection.execute(sa.delete(cleanup_record).where(_of_people(row, cio_ids)))


def _of_people(row: Row, cio_ids: Collection[str]) -> sa.ColumnElement[bool]:
    return sa.and_(
        cleanup_record.c.workspace_id == row.workspace_id,
        cleanup_record.c.cleanup_number == row.number,
        any_of(cleanup_record.c.cio_id, cio_ids),
    )


def _record_of(record: Mapping[str, Any]) -> StoredRecord:
    return StoredRecord(
        person=PersonRecord(before=Person(**record["person"]), new_email=record["new_email"]),
        devices=tuple(Device(**device) for device in record["devices"]),
        segments=tuple(record["segments"]),
    )
