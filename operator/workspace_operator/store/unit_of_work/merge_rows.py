"""Rows of merges: the records that a merge moved, and their owner now.

A row is kept as long as the owner of its data. Its record contains both people before the merge, so it is deleted with
the owner, also after an unmerge.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any

import sqlalchemy as sa

from workspace_operator.application.ports import Merge
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.person_events import PeopleMerged
from workspace_operator.identity.values.devices import Device
from workspace_operator.store.engine.sql import any_of, delete_any_of, encode_json
from workspace_operator.store.schema.mappers import Row
from workspace_operator.store.schema.tables import merge


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferredRecords:
    """The secondary's records besides activities, and the primary's duplicates of them."""

    devices: Sequence[Device]
    segments: Sequence[int]
    duplicate_tokens: Sequence[str]
    duplicate_segments: Sequence[int]


def merge_row(workspace_id: int, merge_id: str, event: PeopleMerged, records: TransferredRecords) -> tuple[object, ...]:
    """A merge as a row in the order of the table's columns."""
    record = {
        "primary": _document_of(event.primary),
        "secondary": _document_of(event.secondary),
        "survivor": _document_of(event.survivor),
        **_document_of(records),
        "devices": list(map(_document_of, records.devices)),
    }
    primary, secondary = event.primary.cio_id, event.secondary.cio_id
    at = event.at * 1_000_000  # microseconds
    return (
        workspace_id,
        merge_id,
        at,
        event.automatic,
        primary,
        secondary,
        primary,
        encode_json(record),
        None,
        event.migration_number,
    )


def _document_of(value: Person | TransferredRecords | Device) -> dict[str, object]:
    """The fields of a value by name, without the slow deep copy of `asdict`."""
    names, get = _FIELDS[type(value)]
    return dict(zip(names, get(value), strict=True))


_NAMES = {kind: tuple(field.name for field in fields(kind)) for kind in (Person, TransferredRecords, Device)}
_FIELDS = {kind: (names, attrgetter(*names)) for kind, names in _NAMES.items()}


def merge_rows(connection: sa.Connection, workspace_id: int, merge_ids: Collection[str]) -> Mapping[str, Row]:
    """The rows of merges by merge_id; those that do not exist are left out."""
    query = sa.select(merge).where(merge.c.workspace_id == workspace_id, any_of(merge.c.merge_id, merge_ids))
    return {row.merge_id: row for row in connection.execute(query)}


def merge_of(row: Row) -> Merge:
    """Read a merge from its row."""
    record: Mapping[str, Any] = row.record
    transferred = transferred_records(row)
    return Merge(
        merge_id=row.merge_id,
        workspace_id=row.workspace_id,
        at=row.at,
        automatic=row.automatic,
        primary=Person(**record["primary"]),
        secondary=Person(**record["secondary"]),
        survivor=Person(**record["survivor"]),
        holder=row.holder or row.primary_cio_id,
        devices=transferred.devices,
        segments=transferred.segments,
        undone_at=row.undone_at,
        migration_number=row.migration_number,
    )


def transferred_records(row: Row) -> TransferredRecords:
    """Read the records that a merge moved from its row."""
    record: Mapping[str, Any] = row.record
    return TransferredRecords(
        devices=tuple(Device(**device) for device in record["devices"]),
        segments=tuple(record["segments"]),
        duplicate_tokens=tuple(record["duplicate_tokens"]),
        duplicate_segments=tuple(record["duplicate_segments"]),
    )


def secondaries_of(connection: sa.Connection, workspace_id: int, cio_ids: Collection[str]) -> Sequence[str]:
    """The cio_ids of those who became part of these people, directly or through others."""
    of_workspace = merge.c.workspace_id == workspace_id
    query = sa.select(merge.c.secondary_cio_id).where(of_workspace, any_of(merge.c.holder, cio_ids))
    return connection.execute(query).scalars().all()


def purge_merges(connection: sa.Connection, workspace_id: int, cio_ids: Collection[str]) -> None:
    """Delete all merges of deleted people and of their secondaries (identity-rules §5)."""
    people = {*cio_ids, *secondaries_of(connection, workspace_id, cio_ids)}
    for column in (merge.c.primary_cio_id, merge.c.secondary_cio_id):  # each has an index of its own
        delete_any_of(connection, workspace_id, column, people)
