"""Port of the exports of violations."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """An export: the people who block a migration, available as CSV."""

    workspace_id: int
    number: int
    migration_number: int
    created_at: datetime
    description: str
    total: int


class ViolationRow(NamedTuple):
    """One person of an export. A tuple, since millions of them are created in a fifth of the time of a dataclass.

    Attributes:
        sharing: number of people with this e-mail key, including this person, if that blocks the migration; with
            Merge it does not, and the number is 1.
        values: values of the requested attributes, in their order; None where the person has no value.
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
    """The exports of violations of all workspaces."""

    def exports(self, workspace_id: int) -> Sequence[Export]:
        """List the exports of a workspace, newest first."""
        ...

    def violations(
        self, workspace_id: int, number: int, *, attributes: Sequence[str] = (), limit: int | None = None
    ) -> Iterator[ViolationRow]:
        """Stream the people of an export by (e-mail key, age, cio_id), people without a key first. Raises NotFound.

        Each row has the current values of ``attributes``.
        """
        ...
