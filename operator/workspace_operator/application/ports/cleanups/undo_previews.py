"""Port of previews of an undo."""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from workspace_operator.cleanups.undo import UndoPreview


class UndoPreviews(Protocol):
    """Previews of undoing cleanups, which change nobody."""

    def preview(
        self, workspace_id: int, number: int, cio_ids: Collection[str] | None = None, *, now: datetime
    ) -> UndoPreview:
        """What would be restored of a cleanup, or of decisions about some people of it, as people are now.

        It is exact for the first 500 decisions; an undo of more begins with them.

        Raises:
            NotFound: there is no such cleanup.
            Conflict: it cannot be undone.
            InvalidInput: it has no decision about one of these people that can be undone.
        """
        ...
