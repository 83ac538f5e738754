"""Reports of violations."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A report of violations that can be fetched as CSV."""

    workspace_id: int
    number: int
    migration_number: int
    created_at: datetime
    description: str
    total: int


class ViolationRow(NamedTuple):
    """One person of an export.

    ``sharing`` is how many people have this e-mail key, themselves included, where that stands in the way: with Merge
    it does not, and is 1. ``values`` are the person's values of the attributes that were asked for, in that order,
    None where the person has none.

    A tuple, since there may be millions: it is made in a fifth of the time.
    """

    cio_id: str
    id: str | None
    email: str | None
    email_key: str | None
    created_at: int
    sharing: int
    invalid_email: bool
    suppressed_email: bool
    id_is_another_email: bool
    values: tuple[object, ...] = ()


class Exports(Protocol):
    """Reports of violations."""

    def exports(self, workspace_id: int) -> Sequence[Export]:
        """All exports of a workspace, newest first."""
        ...

    def violations(
        self, workspace_id: int, number: int, *, attributes: Sequence[str] = (), limit: int | None = None
    ) -> Iterator[ViolationRow]:
        """Stream an export's people by (e-mail key, age, cio_id), those without a key first.

        Args:
            workspace_id: of the workspace.
            number: of the export.
            attributes: the names of attributes whose present values each row carries.
            limit: only so many of the first rows.

        Raises:
            NotFound: there is no such export.
        """
        ...
