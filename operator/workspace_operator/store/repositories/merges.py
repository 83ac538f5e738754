"""The merge journal in the database."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import sqlalchemy as sa

from workspace_operator.application.ports import Actor, Merge, UndoResult
from workspace_operator.store.pending_merges.merge_on_touch import MergeOnTouchRepository
from workspace_operator.store.pending_merges.view import has_pending_merges, raise_if_people_pending, survivors_of
from workspace_operator.store.schema.tables import merge
from workspace_operator.store.unit_of_work.audit_rows import write_audit_entry
from workspace_operator.store.unit_of_work.id_generator import CioIDGenerator
from workspace_operator.store.unit_of_work.merge_rows import merge_of
from workspace_operator.store.unit_of_work.unmerges import merge_row_of, undo_merge
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
            entry = merge_of(merge_row_of(connection, workspace_id, merge_id))
            [found] = _merged_view(connection, workspace_id, [entry])
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
        return undo_merge(connection, read_settings(connection, workspace_id), merge_id, now=now, new_id=self.new_id)


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
