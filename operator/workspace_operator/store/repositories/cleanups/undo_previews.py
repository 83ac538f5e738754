"""Previews of an undo from the database."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from workspace_operator.cleanups.undo import PreviewedDecision, UndoPreview
from workspace_operator.store.cleanups.order import first_decisions_to_undo
from workspace_operator.store.cleanups.rows import read_cleanup
from workspace_operator.store.cleanups.states import raise_if_not_undoable, raise_if_people_not_undoable
from workspace_operator.store.cleanups.undo_previews import preview_undo
from workspace_operator.store.pending_merges.merge_on_touch import MergeOnTouchRepository
from workspace_operator.store.unit_of_work.workspace_lock import read_settings

MAX_EXAMINED: Final = 500
"""Decisions of a preview, whose people are in memory at once: as many as in a transaction of the worker."""


@dataclass(frozen=True, slots=True)
class SQLUndoPreviews(MergeOnTouchRepository):
    """Implements the port ``UndoPreviews``."""

    def preview(
        self, workspace_id: int, number: int, cio_ids: Collection[str] | None = None, *, now: datetime
    ) -> UndoPreview:
        """What would be restored. Raises as the port says."""

        def work() -> UndoPreview:
            with self.database.reading_one_snapshot() as connection:
                row = read_cleanup(connection, workspace_id, number).row
                raise_if_not_undoable(row, now)
                if cio_ids is not None:
                    raise_if_people_not_undoable(connection, row, cio_ids)
                settings = read_settings(connection, workspace_id)
                stored = first_decisions_to_undo(connection, row, cio_ids, size=MAX_EXAMINED)
                reasons = preview_undo(connection, settings, row, stored, now=int(now.timestamp()))
                total = row.applied - row.undone - row.undone_in_part
                return UndoPreview(
                    decisions=total if cio_ids is None else len(set(cio_ids)),
                    examined=[PreviewedDecision(*each) for each in zip(stored, reasons, strict=True)],
                )

        return self.merge_on_touch.run(workspace_id, work)
