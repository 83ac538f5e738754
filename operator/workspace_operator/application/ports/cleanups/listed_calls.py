"""Port of the calls that named people who block a migration."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol


class ListedCalls(Protocol):
    """When calls last named the people that the newest export lists, while they block a migration (cleanups §9)."""

    def record(self, workspace_id: int, calls: Mapping[str, datetime]) -> int:
        """Write when calls named people, by cio_id; returns for how many of them. The others are not listed.

        An earlier time replaces no later one. Writes nothing for a workspace that is gone, or without such a migration.
        """
        ...

    def recorded_since(self, workspace_id: int) -> datetime | None:
        """Since when calls are recorded; None while no people block a migration. Raises NotFound."""
        ...
