"""Preview of an undo: the rules of undoing decide in memory what would become of the first decisions."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import sqlalchemy as sa

from workspace_operator.cleanups.decisions import DecisionKind
from workspace_operator.cleanups.model import StoredDecision
from workspace_operator.cleanups.undo import UndoReason, undo_recorded
from workspace_operator.identity.merges.unmerge import unmerge
from workspace_operator.identity.model.lock_set import LockSet, lock_set_of_undo
from workspace_operator.identity.model.working_set import WorkingSet
from workspace_operator.store.cleanups.records import StoredRecord, read_records
from workspace_operator.store.schema.mappers import Row
from workspace_operator.store.unit_of_work.loader import load_snapshot
from workspace_operator.store.unit_of_work.merge_rows import merge_of, merge_rows
from workspace_operator.store.unit_of_work.workspace_lock import SettingsSnapshot


def preview_undo(
    connection: sa.Connection, settings: SettingsSnapshot, row: Row, stored: Sequence[StoredDecision], *, now: int
) -> Sequence[UndoReason | None]:
    """Why each of these decisions would not be undone as a whole, in their order; None: it would.

    They are undone one after the other in one working set, so that each sees what those before it do. ``now`` is in
    Unix seconds. Raises PendingMerge.
    """
    merge_ids = [each.merge_id for each in stored if each.merge_id is not None]
    recorded = [each.cio_id for each in stored if each.decision.kind is not DecisionKind.MERGE]
    merges = merge_rows(connection, row.workspace_id, merge_ids)
    records = read_records(connection, row, recorded)
    people = load_snapshot(connection, settings, _lock_set_of(merges.values(), records.values()))
    preview = _Preview(people=people, merges=merges, records=records, now=now)
    return [preview.undo(each) for each in stored]


class _Preview(NamedTuple):
    """Undoes decisions in a working set that is never written."""

    people: WorkingSet
    merges: Mapping[str, Row]
    records: Mapping[str, StoredRecord]
    now: int

    def undo(self, stored: StoredDecision) -> UndoReason | None:
        """Undo a decision that was carried out; returns why it is not restored as a whole."""
        if stored.decision.kind is DecisionKind.MERGE:
            return self._unmerge(self.merges.get(stored.merge_id or ""))
        record = self.records.get(stored.cio_id)
        return undo_recorded(self.people, stored.decision.kind, None if record is None else record.person, now=self.now)

    def _unmerge(self, row: Row | None) -> UndoReason | None:
        if row is None:
            return UndoReason.SURVIVOR_GONE
        if row.undone_at is not None:  # by hand
            return None
        if row.holder != row.primary_cio_id:
            return UndoReason.MERGED_AGAIN
        result = unmerge(self.people, merge_of(row).event, now=self.now)
        return UndoReason.IDENTIFIERS_MISSING if result.unavailable else None


def _lock_set_of(merges: Collection[Row], records: Collection[StoredRecord]) -> LockSet:
    """Survivors, people with records, and the owners of identifiers that are to be restored."""
    entries = [merge_of(row) for row in merges if row.undone_at is None]
    former = [record.person.before for record in records]
    return lock_set_of_undo(
        [*(entry.secondary for entry in entries), *former],
        [*(entry.primary.cio_id for entry in entries), *(person.cio_id for person in former)],
    )
