"""Manual segments as such; who is in them is told by `PersonRecords`, and changed by calls."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A manual segment, and how many people are in it.

    ``name`` and ``created_at`` are None if only calls made it: such a segment is its number.
    """

    number: int
    name: str | None
    created_at: datetime | None
    people: int


class Segments(Protocol):
    """The manual segments of workspaces."""

    def create(self, workspace_id: int, name: str, *, now: datetime) -> int:
        """Make an empty segment with a number above all that are used. Raises NotFound and NameTaken."""
        ...

    def all(self, workspace_id: int) -> Sequence[Segment]:
        """List those that have a name, and those that somebody is in, by number."""
        ...

    def get(self, workspace_id: int, number: int) -> Segment:
        """Tell of one. Raises NotFound if it has no name and nobody is in it."""
        ...

    def find_by_name(self, workspace_id: int, name: str) -> int:
        """Tell the number of the segment with a name. Raises NotFound."""
        ...

    def remove(self, workspace_id: int, number: int) -> None:
        """Take the name away, if there is one; who is in it stays in the number."""
        ...
