"""Undo of merges in a transaction that has locked the workspace exclusively.

An undo is rare, and touches people, identifiers and records of two people, and perhaps of people merged into them. So
the workspace is locked instead of each row. While it is, every other writer waits: merges are undone together, with a
few statements for all of them.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from workspace_operator.application.ports import Merge, UndoResult
from workspace_operator.errors import Conflict, NotFound
from workspace_operator.identity.merges.unmerge import unmerge
from workspace_operator.identity.model.lock_set import lock_set_of_undo
from workspace_operator.identity.model.person_events import DeviceRemoved, DeviceUpserted, MembershipSet, PersonEvent
from workspace_operator.identity.model.working_set import WorkingSet
from workspace_operator.identity.values.devices import Device
from workspace_operator.store.engine.sql import CompiledStatement, any_of, encode_json, json_recordset
from workspace_operator.store.queries.cleanups import delete_listed_calls
from workspace_operator.store.queries.record_readers import devices_of
from workspace_operator.store.schema.mappers import Row
from workspace_operator.store.schema.sending_tables import delivery
from workspace_operator.store.schema.tables import activity, merge
from workspace_operator.store.unit_of_work.change_log import append_changes
from workspace_operator.store.unit_of_work.event_writer import write_events
from workspace_operator.store.unit_of_work.flush import write_people
from workspace_operator.store.unit_of_work.id_generator import CioIDGenerator
from workspace_operator.store.unit_of_work.loader import load_snapshot
from workspace_operator.store.unit_of_work.merge_rows import (
    TransferredRecords,
    merge_of,
    merge_rows,
    transferred_records,
)
from workspace_operator.store.unit_of_work.violation_rows import wake_blocked_migration
from workspace_operator.store.unit_of_work.workspace_lock import SettingsSnapshot


class AlreadyUndone(Conflict):
    """The merge is undone."""


def undo_merge(
    connection: sa.Connection, settings: SettingsSnapshot, merge_id: str, *, now: int, new_id: CioIDGenerator
) -> UndoResult:
    """Restore the secondary of a merge, at ``now`` in Unix seconds.

    Raises:
        NotFound: there is no such merge, or its people were deleted.
        Conflict: it is already undone, or a later merge comes first.
        PendingMerge: a person has a pending merge.
    """
    result = undo_merges(connection, settings, [merge_id], now=now, new_id=new_id)[merge_id]
    if isinstance(result, UndoResult):
        return result
    raise result


def undo_merges(
    connection: sa.Connection, settings: SettingsSnapshot, merge_ids: Sequence[str], *, now: int, new_id: CioIDGenerator
) -> Mapping[str, UndoResult | NotFound | Conflict]:
    """Restore the secondaries of merges, one after the other, at ``now`` in Unix seconds.

    Returns for each merge its result, or why it cannot be undone, as `undo_merge` raises it. Raises PendingMerge.
    """
    results: dict[str, UndoResult | NotFound | Conflict] = {}
    left = list(merge_ids)
    while left:
        rows = merge_rows(connection, settings.row.workspace_id, left)
        together = left[: _independent(left, rows)]
        errors = {merge_id: _error(connection, merge_id, rows.get(merge_id)) for merge_id in together}
        results |= {merge_id: error for merge_id, error in errors.items() if error is not None}
        undoable = [rows[merge_id] for merge_id in together if errors[merge_id] is None]
        if undoable:
            undone = _undo_rows(connection, settings, undoable, now=now, new_id=new_id)
            results |= {result.merge.merge_id: result for result in undone}
        left = left[len(together) :]
    return results


def _independent(merge_ids: Sequence[str], rows: Mapping[str, Row]) -> int:
    """How many of the merges can be undone before the survivor of the next one is restored."""
    restored: set[str] = set()
    for place, merge_id in enumerate(merge_ids):
        row = rows.get(merge_id)
        if row is None:
            continue
        if row.primary_cio_id in restored:
            return place
        restored.add(row.secondary_cio_id)
    return len(merge_ids)


def _undo_rows(
    connection: sa.Connection, settings: SettingsSnapshot, rows: Sequence[Row], *, now: int, new_id: CioIDGenerator
) -> Sequence[UndoResult]:
    """Undo merges that can be undone, of which none restores the survivor of another."""
    workspace_id, undone_at = settings.row.workspace_id, datetime.fromtimestamp(now, UTC)
    entries = [merge_of(row) for row in rows]
    survivors = [entry.primary.cio_id for entry in entries]
    people = load_snapshot(connection, settings, lock_set_of_undo([entry.secondary for entry in entries], survivors))
    unmerged = [unmerge(people, entry.event, now=now) for entry in entries]
    devices = devices_of(connection, workspace_id, survivors)
    record_events = [
        event
        for row, entry in zip(rows, entries, strict=True)
        for event in _record_events(entry, transferred_records(row), devices.get(entry.primary.cio_id, ()))
    ]
    _restore_history(connection, workspace_id, entries)
    write_exclusively(connection, settings, people, survivors, before=record_events, now=now, new_id=new_id)
    is_undone = any_of(merge.c.merge_id, [entry.merge_id for entry in entries])
    update = sa.update(merge).where(merge.c.workspace_id == workspace_id, is_undone)
    connection.execute(update.values(holder=None, undone_at=undone_at))
    return [
        UndoResult(
            merge=replace(entry, undone_at=undone_at),
            restored=result.restored,
            survivor=result.survivor,
            unavailable=result.unavailable,
        )
        for entry, result in zip(entries, unmerged, strict=True)
    ]


def write_exclusively(
    connection: sa.Connection,
    settings: SettingsSnapshot,
    people: WorkingSet,
    touched: Collection[str],
    *,
    before: Sequence[PersonEvent] = (),
    now: int,
    new_id: CioIDGenerator,
) -> None:
    """Write the changes of a working set, and its events after those ``before``.

    A migration that ``touched`` people block is checked again.
    """
    workspace_id, changes = settings.row.workspace_id, people.changes()
    write_people(connection, workspace_id, changes, {})
    if settings.row.change_log_enabled:
        append_changes(connection, workspace_id, changes, new_id=new_id)
    if changes.removed and settings.row.calls_recorded_since is not None:
        delete_listed_calls(connection, workspace_id, [person.cio_id for person in changes.removed])
    wake_blocked_migration(connection, settings.row, touched, freed=False, now=datetime.fromtimestamp(now, UTC))
    write_events(connection, workspace_id, [*before, *changes.events], new_id=new_id)


def merge_row_of(connection: sa.Connection, workspace_id: int, merge_id: str) -> Row:
    """Read the row of a merge. Raises NotFound."""
    row = merge_rows(connection, workspace_id, [merge_id]).get(merge_id)
    if row is None:
        raise _not_found(merge_id)
    return row


def _not_found(merge_id: str) -> NotFound:
    return NotFound(f"there is no merge {merge_id}: `workspacectl merges list` lists them")


def _error(connection: sa.Connection, merge_id: str, row: Row | None) -> NotFound | Conflict | None:
    """Why a merge cannot be undone; None: it can."""
    if row is None:
        return _not_found(merge_id)
    if row.undone_at is not None:
        return AlreadyUndone(f"merge {merge_id} is already undone, since {row.undone_at.isoformat(timespec='seconds')}")
    if row.holder == row.primary_cio_id:
        return None
    later = sa.select(merge.c.merge_id).where(
        merge.c.workspace_id == row.workspace_id,
        merge.c.secondary_cio_id == row.primary_cio_id,
        merge.c.undone_at.is_(None),
    )
    return Conflict(
        f"the survivor of merge {merge_id} was later merged into {row.holder}: "
        f"undo merge {connection.execute(later).scalar_one()} first"
    )


def _record_events(entry: Merge, transferred: TransferredRecords, unchanged: Sequence[Device]) -> Sequence[PersonEvent]:
    """Move records back; the survivor keeps its own, and devices that are not ``unchanged`` there."""
    survivor, restored = entry.primary.cio_id, entry.secondary.cio_id
    own_tokens, own_segments = transferred.duplicate_tokens, transferred.duplicate_segments
    returned = [device for device in transferred.devices if device in unchanged and device.token not in own_tokens]
    left = [segment for segment in transferred.segments if segment not in own_segments]
    return [
        *(DeviceRemoved(cio_id=survivor, token=device.token) for device in returned),
        *(DeviceUpserted(cio_id=restored, device=device) for device in transferred.devices),
        *(MembershipSet(cio_id=survivor, segment=segment, member=False) for segment in left),
        *(MembershipSet(cio_id=restored, segment=segment, member=True) for segment in transferred.segments),
    ]


class _Return(NamedTuple):
    """Records that came from ``origin`` return from the survivor of a merge to the restored secondary."""

    survivor: str
    origin: str
    restored: str


def _restore_history(connection: sa.Connection, workspace_id: int, entries: Sequence[Merge]) -> None:
    """Move activities, deliveries and merges of the secondaries, and of their own secondaries, back to them."""
    of_survivors = any_of(merge.c.holder, {entry.primary.cio_id for entry in entries})
    query = sa.select(merge.c.holder, merge.c.primary_cio_id, merge.c.secondary_cio_id)
    held: dict[str, list[tuple[str, str]]] = {}
    for holder, primary, secondary in connection.execute(
        query.where(merge.c.workspace_id == workspace_id, of_survivors)
    ):
        held.setdefault(holder, []).append((primary, secondary))
    returns = [
        _Return(entry.primary.cio_id, origin, entry.secondary.cio_id)
        for entry in entries
        for origin in _with_secondaries(entry.secondary.cio_id, held.get(entry.primary.cio_id, ()))
    ]
    primaries = {(holder, primary) for holder, merges in held.items() for primary, _ in merges}
    _give_back(connection, workspace_id, merge, [each for each in returns if (each.survivor, each.origin) in primaries])
    _give_back(connection, workspace_id, activity, returns)
    _give_back(connection, workspace_id, delivery, returns)


def _with_secondaries(cio_id: str, merges: Collection[tuple[str, str]]) -> Collection[str]:
    """A person, the people merged into that person, those merged into them, and so on."""
    found = {cio_id}
    while more := {secondary for primary, secondary in merges if primary in found and secondary not in found}:
        found |= more
    return found


_OWNER_AND_ORIGIN: Final[Mapping[sa.Table, tuple[sa.Column[Any], sa.Column[Any]]]] = {
    merge: (merge.c.holder, merge.c.primary_cio_id),
    activity: (activity.c.cio_id, activity.c.origin),
    delivery: (delivery.c.cio_id, delivery.c.origin),
}


def _give_back_one(table: sa.Table) -> sa.Update:
    owner, origin = _OWNER_AND_ORIGIN[table]
    is_one = sa.and_(owner == sa.bindparam("survivor"), origin == sa.bindparam("returned"))
    of_workspace = table.c.workspace_id == sa.bindparam("of_workspace")
    return sa.update(table).where(of_workspace, is_one).values({owner.name: sa.bindparam("restored")})


def _give_back_many(table: sa.Table) -> sa.Update:
    """Give the records of many `_Return` objects back, which are a JSON array; not for SQLite."""
    owner, origin = _OWNER_AND_ORIGIN[table]
    new = json_recordset("returns", [sa.column(name, sa.Text) for name in _Return._fields])
    return (
        sa.update(table)
        .where(
            table.c.workspace_id == sa.bindparam("of_workspace"),
            owner == new.c.survivor,
            origin == new.c.origin,
            # A redundant condition, so that each value is looked up in the index.
            any_of(owner, sa.bindparam("survivors", type_=sa.Text)),
        )
        .values({owner.name: new.c.restored})
    )


_GIVE_BACK_ONE = {table: _give_back_one(table) for table in _OWNER_AND_ORIGIN}
_GIVE_BACK_MANY = {
    table: CompiledStatement(lambda _, table=table: _give_back_many(table))  # type: ignore[misc]
    for table in _OWNER_AND_ORIGIN
}


def _give_back(connection: sa.Connection, workspace_id: int, table: sa.Table, returns: Sequence[_Return]) -> None:
    if not returns:
        return
    if connection.dialect.name == "sqlite":
        rows = [
            {"of_workspace": workspace_id, "survivor": survivor, "returned": origin, "restored": restored}
            for survivor, origin, restored in returns
        ]
        connection.execute(_GIVE_BACK_ONE[table], rows)
        return
    values = {
        "of_workspace": workspace_id,
        "returns": encode_json([each._asdict() for each in returns]),
        "survivors": encode_json(sorted({each.survivor for each in returns})),
    }
    _GIVE_BACK_MANY[table].run(connection, values)
