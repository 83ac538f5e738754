"""The journal of merges as rows: what one took, who has it now, and whose data it may still name.

A row stays as long as whoever has its data. Its record keeps both people as they were, so it goes with that person,
also when it is undone.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any

import sqlalchemy as sa

from workspace_operator.application.ports import Merge
from workspace_operator.identity.devices import Device
from workspace_operator.identity.people import Person
from workspace_operator.identity.trail import Absorbed
from workspace_operator.store.dialects import among, delete_among, json_text
from workspace_operator.store.rows import Row
from workspace_operator.store.tables import merge


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What hung on the secondary besides activities, and what of that the primary had, too, and keeps as its own."""

    devices: Sequence[Device]
    segments: Sequence[int]
    doubled_tokens: Sequence[str]
    doubled_segments: Sequence[int]


def journal_row(workspace_id: int, merge_id: str, step: Absorbed, taken: Taken) -> tuple[object, ...]:
    """Write a merge as a row in the order of the table's columns."""
    record = {
        "primary": _document_of(step.primary),
        "secondary": _document_of(step.secondary),
        "survivor": _document_of(step.survivor),
        **_document_of(taken),
        "devices": list(map(_document_of, taken.devices)),
    }
    own, its = step.primary.cio_id, step.secondary.cio_id
    microseconds = step.at * 1_000_000
    return (workspace_id, merge_id, microseconds, step.automatic, own, its, own, json_text(record), None)


def _document_of(value: Person | Taken | Device) -> dict[str, object]:
    """What a value says, by field; `asdict` would copy all of it, which takes longer than to write it."""
    names, get = _FIELDS[type(value)]
    return dict(zip(names, get(value), strict=True))


_NAMES = {kind: tuple(each.name for each in fields(kind)) for kind in (Person, Taken, Device)}
_FIELDS = {kind: (names, attrgetter(*names)) for kind, names in _NAMES.items()}


def merge_of(row: Row) -> Merge:
    """Read a merge from its row."""
    record: Mapping[str, Any] = row.record
    taken = taken_by(row)
    return Merge(
        merge_id=row.merge_id,
        workspace_id=row.workspace_id,
        at=row.at,
        automatic=row.automatic,
        primary=Person(**record["primary"]),
        secondary=Person(**record["secondary"]),
        survivor=Person(**record["survivor"]),
        holder=row.holder or row.primary_cio_id,
        devices=taken.devices,
        segments=taken.segments,
        undone_at=row.undone_at,
    )


def taken_by(row: Row) -> Taken:
    """Read from a merge's row what it took."""
    record: Mapping[str, Any] = row.record
    return Taken(
        devices=tuple(Device(**each) for each in record["devices"]),
        segments=tuple(record["segments"]),
        doubled_tokens=tuple(record["doubled_tokens"]),
        doubled_segments=tuple(record["doubled_segments"]),
    )


def purge_journal(connection: sa.Connection, workspace_id: int, cio_ids: Collection[str]) -> None:
    """Remove every merge that people who are gone had a part in, also by whom they absorbed (identity-rules §5)."""
    ours = merge.c.workspace_id == workspace_id
    absorbed = sa.select(merge.c.secondary_cio_id).where(ours, among(merge.c.holder, cio_ids))
    named = {*cio_ids, *connection.execute(absorbed).scalars()}
    for side in (merge.c.primary_cio_id, merge.c.secondary_cio_id):  # each has an index of its own
        delete_among(connection, workspace_id, side, named)
