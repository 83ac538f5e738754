"""Port of manual segments. `PersonRecords` reads their members, and commands change them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A manual segment and the number of its members.

    ``name`` and ``created_at`` are None if only membership commands created it: then it has only a number.
    """

    number: int
    name: str | None
    created_at: datetime | None
    people: int


class Segments(Protocol):
    """The manual segments of workspaces."""

    def create(self, workspace_id: int, name: str, *, now: datetime) -> int:
        """Create an empty segment; its number is higher than all used ones. Raises NotFound or NameTaken."""
        ...

    def all(self, workspace_id: int) -> Sequence[Segment]:
        """List the segments that have a name or members, by number."""
        ...

    def page(self, workspace_id: int, *, after: int, limit: int, count_limit: int) -> Sequence[Segment]:
        """List the next segments by number; of the members of each at most ``count_limit`` are counted."""
        ...

    def get(self, workspace_id: int, number: int) -> Segment:
        """Get a segment. Raises NotFound if it has neither a name nor members."""
        ...

    def names(self, workspace_id: int, numbers: Collection[int]) -> Mapping[int, str]:
        """The names of segments by number; those without a name are left out."""
        ...

    def find_by_name(self, workspace_id: int, name: str) -> int:
        """Find the number of the segment with a name. Raises NotFound."""
        ...

    def remove(self, workspace_id: int, number: int) -> None:
        """Remove the name, if there is one; members stay in the segment with that number."""
        ...
