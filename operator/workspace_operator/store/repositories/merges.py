"""The merge journal in the database, and the undo of a merge.

An undo is rare, and touches people, identifiers and records of two people, and perhaps of people merged into them. So
it locks the workspace exclusively instead of each row.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import sqlalchemy as sa

from workspace_operator.application.ports import Actor, Merge, UndoResult
from workspace_operator.errors import Conflict, NotFound
from workspace_operator.identity.merges.unmerge import unmerge
from workspace_operator.identity.model.lock_set import LockSet
from workspace_operator.identity.model.person_events import DeviceRemoved, DeviceUpserted, MembershipSet, PersonEvent
from workspace_operator.identity.values.rules import EMAIL, ID
from workspace_operator.store.engine.sql import any_of
from workspace_operator.store.pending_merges.merge_on_touch import MergeOnTouchRepository
from workspace_operator.store.pending_merges.view import has_pending_merges, raise_if_people_pending, survivors_of
from workspace_operator.store.queries.record_readers import devices_of
from workspace_operator.store.schema.mappers import Row
from workspace_operator.store.schema.tables import activity, merge
from workspace_operator.store.unit_of_work.audit_rows import write_audit_entry
from workspace_operator.store.unit_of_work.change_log import append_changes
from workspace_operator.store.unit_of_work.delivery_owners import restore_deliveries
from workspace_operator.store.unit_of_work.event_writer import write_events
from workspace_operator.store.unit_of_work.flush import write_people
from workspace_operator.store.unit_of_work.id_generator import CioIDGenerator
from workspace_operator.store.unit_of_work.loader import load_snapshot
from workspace_operator.store.unit_of_work.merge_rows import TransferredRecords, merge_of, transferred_records
from workspace_operator.store.unit_of_work.violation_rows import wake_blocked_migration
from workspace_operator.store.unit_of_work.workspace_lock import lock_exclusive, read_settings


@dataclass(frozen=True, slots=True)
class SQLMergeJournal(MergeOnTouchRepository):
    """Implements the port ``MergeJournal``."""

    new_id: CioIDGenerator = field(default_factory=CioIDGenerator)

    def merges(
        self, workspace_id: int, *, cio_id: str | None = None, before: str | None = None, limit: int
    ) -> Sequence[Merge]:
        """List merges, newest first; with ``cio_id``, first do that person's pending merge."""
        query = sa.select(merge).where(merge.c.workspace_id == workspace_id)
        if cio_id is not None:
            query = query.where(merge.c.merge_id.in_(_merge_ids_of_person(workspace_id, cio_id)))
        if before is not None:
            query = query.where(merge.c.merge_id < before)

        def find() -> Sequence[Merge]:
            with self.database.reading_one_snapshot() as connection:
                if cio_id is not None and has_pending_merges(connection, workspace_id):
                    raise_if_people_pending(connection, workspace_id, [cio_id])
                rows = connection.execute(query.order_by(merge.c.merge_id.desc()).limit(limit))
                return _merged_view(connection, workspace_id, [merge_of(row) for row in rows])

        return self.merge_on_touch.run(workspace_id, find)

    def get(self, workspace_id: int, merge_id: str) -> Merge:
        """Find a merge. Raises NotFound."""
        with self.database.reading_one_snapshot() as connection:
            [found] = _merged_view(connection, workspace_id, [merge_of(_row(connection, workspace_id, merge_id))])
            return found

    def undo(self, workspace_id: int, merge_id: str, *, now: int, actor: Actor | None = None) -> UndoResult:
        """Restore the secondary of a merge. Raises NotFound or Conflict (`ports.merge_journal`)."""

        def work(connection: sa.Connection) -> UndoResult:
            result = self._undo(connection, workspace_id, merge_id, now)
            if actor is not None:
                write_audit_entry(connection, result.audit_entry(actor), new_id=self.new_id)
            return result

        return self.merge_on_touch.run(workspace_id, lambda: self.database.writing(work))

    def _undo(self, connection: sa.Connection, workspace_id: int, merge_id: str, now: int) -> UndoResult:
        lock_exclusive(connection, workspace_id)
        settings = read_settings(connection, workspace_id)
        row = _row(connection, workspace_id, merge_id)
        _raise_if_not_undoable(connection, row)
        entry, undone_at = merge_of(row), datetime.fromtimestamp(now, UTC)
        people = load_snapshot(connection, settings, _lock_set_of(entry))
        unmerged = unmerge(people, entry.event, now=now)
        changes = people.changes()
        write_people(connection, workspace_id, changes, {})
        if settings.row.change_log_enabled:
            append_changes(connection, workspace_id, changes, new_id=self.new_id)
        wake_blocked_migration(connection, settings.row, [unmerged.survivor.cio_id], freed=False, now=undone_at)
        record_events = _record_events(connection, entry, transferred_records(row))
        _restore_history(connection, entry)
        write_events(connection, workspace_id, [*record_events, *changes.events], new_id=self.new_id)
        update = sa.update(merge).where(merge.c.workspace_id == workspace_id, merge.c.merge_id == merge_id)
        connection.execute(update.values(holder=None, undone_at=undone_at))
        return UndoResult(
            merge=replace(entry, undone_at=undone_at),
            restored=unmerged.restored,
            survivor=unmerged.survivor,
            unavailable=unmerged.unavailable,
        )


def _merged_view(connection: sa.Connection, workspace_id: int, merges: Sequence[Merge]) -> Sequence[Merge]:
    """Replace the holders of merges that have a pending merge by their survivors."""
    if not has_pending_merges(connection, workspace_id):
        return merges
    current_owners = {entry.holder for entry in merges if entry.undone_at is None}
    survivors = survivors_of(connection, workspace_id, current_owners)
    return [
        replace(entry, holder=survivors[entry.holder].cio_id)
        if entry.undone_at is None and entry.holder in survivors
        else entry
        for entry in merges
    ]


def _merge_ids_of_person(workspace_id: int, cio_id: str) -> sa.CompoundSelect[str]:
    """A union, since SQLite would not use the two indexes for one condition with OR."""
    sides = (merge.c.primary_cio_id, merge.c.secondary_cio_id)
    return sa.union(
        *(sa.select(merge.c.merge_id).where(merge.c.workspace_id == workspace_id, side == cio_id) for side in sides)
    )


def _row(connection: sa.Connection, workspace_id: int, merge_id: str) -> Row:
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
