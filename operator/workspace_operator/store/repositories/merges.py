"""The journal of merges in the database, and taking one back.

An undo is rare, and touches people, identifiers and belongings of two people and perhaps of those whom they absorbed:
it closes the fence instead of locking each of them.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import sqlalchemy as sa

from workspace_operator.application.ports import Merge, UndoResult
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
from workspace_operator.store.unit_of_work.change_log import append_changes
from workspace_operator.store.unit_of_work.event_writer import write_events
from workspace_operator.store.unit_of_work.flush import write_people
from workspace_operator.store.unit_of_work.id_generator import CioIDGenerator
from workspace_operator.store.unit_of_work.loader import load_snapshot
from workspace_operator.store.unit_of_work.merge_rows import TransferredRecords, merge_of, transferred_records
from workspace_operator.store.unit_of_work.violation_rows import wake_blocked_migration
from workspace_operator.store.unit_of_work.workspace_lock import lock_exclusive, read_settings


@dataclass(frozen=True, slots=True)
class SQLMergeJournal(MergeOnTouchRepository):
    """Implements the port ``Merges``."""

    new_id: Callable[[], str] = field(default_factory=CioIDGenerator)

    def merges(
        self, workspace_id: int, *, cio_id: str | None = None, before: str | None = None, limit: int
    ) -> Sequence[Merge]:
        """List merges, newest first; of one person on either side, whose group is folded before."""
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

    def undo(self, workspace_id: int, merge_id: str, *, now: int) -> UndoResult:
        """Bring the secondary back. Raises NotFound; Conflict if it is undone, or a later one is first."""

        def unmerge() -> UndoResult:
            return self.database.writing(lambda connection: self._undo(connection, workspace_id, merge_id, now))

        return self.merge_on_touch.run(workspace_id, unmerge)

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
        ended = sa.update(merge).where(merge.c.workspace_id == workspace_id, merge.c.merge_id == merge_id)
        connection.execute(ended.values(holder=None, undone_at=undone_at))
        return UndoResult(
            merge=replace(entry, undone_at=undone_at),
            restored=unmerged.restored,
            survivor=unmerged.survivor,
            unavailable=unmerged.unavailable,
        )


def _merged_view(connection: sa.Connection, workspace_id: int, merges: Sequence[Merge]) -> Sequence[Merge]:
    """Held by survivors, whether or not those whom they consist of are folded."""
    if not has_pending_merges(connection, workspace_id):
        return merges
    settings = {each.holder for each in merges if each.undone_at is None}
    survivors = {cio_id: each.cio_id for cio_id, each in survivors_of(connection, workspace_id, settings).items()}
    return [
        replace(each, holder=survivors[each.holder]) if each.undone_at is None and each.holder in survivors else each
        for each in merges
    ]


def _merge_ids_of_person(workspace_id: int, cio_id: str) -> sa.CompoundSelect[str]:
    """By two indexes, which one condition with "or" would not use on SQLite."""
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
        raise Conflict(f"merge {row.merge_id} is undone already, since {row.undone_at.isoformat(timespec='seconds')}")
    if row.holder == row.primary_cio_id:
        return
    later = sa.select(merge.c.merge_id).where(
        merge.c.workspace_id == row.workspace_id,
        merge.c.secondary_cio_id == row.primary_cio_id,
        merge.c.undone_at.is_(None),
    )
    raise Conflict(
        f"the survivor of merge {row.merge_id} became part of {row.holder} since: "
        f"undo merge {connection.execute(later).scalar_one()} first"
    )


def _lock_set_of(entry: Merge) -> LockSet:
    """The survivor, and the secondary's identifiers with whoever has them."""
    secondary = entry.secondary
    values = ((ID, secondary.id), (EMAIL, secondary.email_key))
    return LockSet(
        identifiers=tuple((kind, key) for kind, key in values if key is not None),
        cio_ids=(entry.primary.cio_id,),
    )


def _record_events(connection: sa.Connection, entry: Merge, transferred: TransferredRecords) -> Sequence[PersonEvent]:
    """Devices and segments: the secondary has what they had, the survivor only what was theirs or changed since."""
    survivor, restored = entry.primary.cio_id, entry.secondary.cio_id
    current = devices_of(connection, entry.workspace_id, [survivor]).get(survivor, ())
    given = [each for each in transferred.devices if each in current and each.token not in transferred.duplicate_tokens]
    left = [each for each in transferred.segments if each not in transferred.duplicate_segments]
    return [
        *(DeviceRemoved(cio_id=survivor, token=each.token) for each in given),
        *(DeviceUpserted(cio_id=restored, device=each) for each in transferred.devices),
        *(MembershipSet(cio_id=survivor, segment=each, member=False) for each in left),
        *(MembershipSet(cio_id=restored, segment=each, member=True) for each in transferred.segments),
    ]


def _restore_history(connection: sa.Connection, entry: Merge) -> None:
    """What the secondary had done by then, also as those whom they had absorbed, is theirs again."""
    survivor, restored = entry.primary.cio_id, entry.secondary.cio_id
    held = sa.and_(merge.c.workspace_id == entry.workspace_id, merge.c.holder == survivor)
    rows = connection.execute(sa.select(merge.c.primary_cio_id, merge.c.secondary_cio_id).where(held))
    theirs = _with_secondaries(restored, [(row.primary_cio_id, row.secondary_cio_id) for row in rows])
    connection.execute(sa.update(merge).where(held, any_of(merge.c.primary_cio_id, theirs)).values(holder=restored))
    moved = sa.and_(activity.c.workspace_id == entry.workspace_id, activity.c.cio_id == survivor)
    connection.execute(sa.update(activity).where(moved, any_of(activity.c.origin, theirs)).values(cio_id=restored))


def _with_secondaries(cio_id: str, merges: Collection[tuple[str, str]]) -> Collection[str]:
    """A person, those whom they absorbed, those whom these had absorbed, and so on."""
    found = {cio_id}
    while more := {secondary for primary, secondary in merges if primary in found and secondary not in found}:
        found |= more
    return found
