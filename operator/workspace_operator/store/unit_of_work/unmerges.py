"""Undo of a merge in a transaction that has locked the workspace exclusively.

An undo is rare, and touches people, identifiers and records of two people, and perhaps of people merged into them. So
the workspace is locked instead of each row.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import sqlalchemy as sa

from workspace_operator.application.ports import Merge, UndoResult
from workspace_operator.errors import Conflict, NotFound
from workspace_operator.identity.merges.unmerge import unmerge
from workspace_operator.identity.model.lock_set import LockSet
from workspace_operator.identity.model.person_events import DeviceRemoved, DeviceUpserted, MembershipSet, PersonEvent
from workspace_operator.identity.model.working_set import WorkingSet
from workspace_operator.identity.values.rules import EMAIL, ID
from workspace_operator.store.engine.sql import any_of
from workspace_operator.store.queries.cleanups import delete_listed_calls
from workspace_operator.store.queries.record_readers import devices_of
from workspace_operator.store.schema.mappers import Row
from workspace_operator.store.schema.tables import activity, merge
from workspace_operator.store.unit_of_work.change_log import append_changes
from workspace_operator.store.unit_of_work.delivery_owners import restore_deliveries
from workspace_operator.store.unit_of_work.event_writer import write_events
from workspace_operator.store.unit_of_work.flush import write_people
from workspace_operator.store.unit_of_work.id_generator import CioIDGenerator
from workspace_operator.store.unit_of_work.loader import load_snapshot
from workspace_operator.store.unit_of_work.merge_rows import TransferredRecords, merge_of, transferred_records
from workspace_operator.store.unit_of_work.violation_rows import wake_blocked_migration
from workspace_operator.store.unit_of_work.workspace_lock import SettingsSnapshot


def undo_merge(
    connection: sa.Connection, settings: SettingsSnapshot, merge_id: str, *, now: int, new_id: CioIDGenerator
) -> UndoResult:
    """Restore the secondary of a merge, at ``now`` in Unix seconds.

    Raises:
        NotFound: there is no such merge, or its people were deleted.
        Conflict: it is already undone, or a later merge comes first.
        PendingMerge: a person has a pending merge.
    """
    workspace_id = settings.row.workspace_id
    row = merge_row_of(connection, workspace_id, merge_id)
    _raise_if_not_undoable(connection, row)
    entry, undone_at = merge_of(row), datetime.fromtimestamp(now, UTC)
    people = load_snapshot(connection, settings, _lock_set_of(entry))
    unmerged = unmerge(people, entry.event, now=now)
    record_events = _record_events(connection, entry, transferred_records(row))
    _restore_history(connection, entry)
    touched = [unmerged.survivor.cio_id]
    write_exclusively(connection, settings, people, touched, before=record_events, now=now, new_id=new_id)
    update = sa.update(merge).where(merge.c.workspace_id == workspace_id, merge.c.merge_id == merge_id)
    connection.execute(update.values(holder=None, undone_at=undone_at))
    return UndoResult(
        merge=replace(entry, undone_at=undone_at),
        restored=unmerged.restored,
        survivor=unmerged.survivor,
        unavailable=unmerged.unavailable,
    )


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
    query = sa.select(merge).where(merge.c.workspace_id == workspace_id, merge.c.merge_id == merge_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"there is no merge {merge_id}: `workspacectl merges list` lists them")
    return row


def _raise_if_not_undoable(connection: sa.Connection, row: Row) -> None:
    if row.undone_at is not None:
        raise Conflict(f"merge {row.merge_id} is already undone, since {row.undone_at.isoformat(timespec='seconds')}")
    if row.holder == row.primary_cio_id:
        return
    later = sa.select(merge.c.merge_id).where(
        merge.c.workspace_id == row.workspace_id,
        merge.c.secondary_cio_id == row.primary_cio_id,
        merge.c.undone_at.is_(None),
    )
    raise Conflict(
        f"the survivor of merge {row.merge_id} was later merged into {row.holder}: "
        f"undo merge {connection.execute(later).scalar_one()} first"
    )


def _lock_set_of(entry: Merge) -> LockSet:
    """The survivor, and the secondary's identifiers with their current owners."""
    secondary = entry.secondary
    values = ((ID, secondary.id), (EMAIL, secondary.email_key))
    return LockSet(
        identifiers=tuple((kind, key) for kind, key in values if key is not None),
        cio_ids=(entry.primary.cio_id,),
    )


def _record_events(connection: sa.Connection, entry: Merge, transferred: TransferredRecords) -> Sequence[PersonEvent]:
    """Move records back; the survivor keeps its own, and devices changed since."""
    survivor, restored = entry.primary.cio_id, entry.secondary.cio_id
    unchanged = devices_of(connection, entry.workspace_id, [survivor]).get(survivor, ())
    own_tokens, own_segments = transferred.duplicate_tokens, transferred.duplicate_segments
    returned = [device for device in transferred.devices if device in unchanged and device.token not in own_tokens]
    left = [segment for segment in transferred.segments if segment not in own_segments]
    return [
        *(DeviceRemoved(cio_id=survivor, token=device.token) for device in returned),
        *(DeviceUpserted(cio_id=restored, device=device) for device in transferred.devices),
        *(MembershipSet(cio_id=survivor, segment=segment, member=False) for segment in left),
        *(MembershipSet(cio_id=restored, segment=segment, member=True) for segment in transferred.segments),
    ]


def _restore_history(connection: sa.Connection, entry: Merge) -> None:
    """Move activities, deliveries and merges of the secondary, and of its own secondaries, back to it."""
    survivor, restored = entry.primary.cio_id, entry.secondary.cio_id
    is_held = sa.and_(merge.c.workspace_id == entry.workspace_id, merge.c.holder == survivor)
    rows = connection.execute(sa.select(merge.c.primary_cio_id, merge.c.secondary_cio_id).where(is_held))
    origins = _with_secondaries(restored, [(row.primary_cio_id, row.secondary_cio_id) for row in rows])
    connection.execute(sa.update(merge).where(is_held, any_of(merge.c.primary_cio_id, origins)).values(holder=restored))
    is_moved = sa.and_(activity.c.workspace_id == entry.workspace_id, activity.c.cio_id == survivor)
    connection.execute(sa.update(activity).where(is_moved, any_of(activity.c.origin, origins)).values(cio_id=restored))
    restore_deliveries(connection, entry.workspace_id, origins, survivor=survivor, restored=restored)


def _with_secondaries(cio_id: str, merges: Collection[tuple[str, str]]) -> Collection[str]:
    """A person, the people merged into that person, those merged into them, and so on."""
    found = {cio_id}
    while more := {secondary for primary, secondary in merges if primary in found and secondary not in found}:
        found |= more
    return found
