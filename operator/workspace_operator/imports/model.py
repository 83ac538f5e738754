"""An import with its file, its columns and its numbers (imports §1)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Final

from workspace_operator.identity.values.rules import IdentifierKind


class ImportState(StrEnum):
    """Where an import is; values as in the API."""

    UPLOADING = "Uploading"
    UPLOADED = "Uploaded"
    MAPPED = "Mapped"
    CHECKING = "Checking"
    """The worker tries the rows without writing anything."""
    CHECKED = "Checked"
    RUNNING = "Running"
    DONE = "Done"
    UNDOING = "Undoing"
    UNDONE = "Undone"
    DISCARDED = "Discarded"


PREPARED: Final = frozenset({ImportState.UPLOADED, ImportState.MAPPED, ImportState.CHECKED})
"""States in which the columns can be chosen, and the import can be discarded."""

AT_WORK: Final = frozenset({ImportState.CHECKING, ImportState.RUNNING, ImportState.UNDOING})
"""States in which the worker is at work, and can be stopped."""

OPEN: Final = PREPARED | AT_WORK | {ImportState.UPLOADING}
"""States in which an import is under way; a workspace has at most one such import."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileColumn:
    """A column of a file.

    Attributes:
        name: as in the header; empty if it has none.
        samples: the first values that are not empty, cut.
        filled: number of rows with a value.
        addresses: number of rows with a value that looks like an address.
    """

    name: str
    samples: Sequence[str] = ()
    filled: int = 0
    addresses: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """What the upload of a file found out.

    Attributes:
        delimiter: between cells.
        rows: number of rows after the header.
        header_line: number of the line in which the header ends.
    """

    delimiter: str
    columns: Sequence[FileColumn]
    rows: int
    header_line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportMapping:
    """What the columns of a file become, and how rows are understood (imports §3).

    Attributes:
        targets: one per column: ``id``, ``email``, ``cio_id``, ``created_at``, ``attribute`` for the attribute of its
            name, ``ignore``, or the name of another attribute.
        by: the identifier that references people; None: the first that a row has.
        update_only: whether rows create no people.
        removes_empty: whether an empty cell removes the value.
    """

    targets: Sequence[str]
    by: IdentifierKind | None = None
    update_only: bool = False
    removes_empty: bool = False

    @property
    def version(self) -> str:
        """16 hexadecimal digits, the same for the same choices: whoever runs an import names the choices they saw."""
        choices = [*self.targets], self.by, self.update_only, self.removes_empty
        return sha256(json.dumps(choices).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportCounts:
    """Numbers of rows by result; the first five add up to the rows that are done.

    Attributes:
        made: rows that made a person.
        changed: rows that changed a person.
        unchanged: rows that equal the stored person.
        skipped: rows that a rule ignores.
        rejected: rows of which nothing is imported.
        in_part: rows of `made`, `changed` and `unchanged` of which some values are not imported.
        addresses: rows of `changed` that change the address.
    """

    made: int = 0
    changed: int = 0
    unchanged: int = 0
    skipped: int = 0
    rejected: int = 0
    in_part: int = 0
    addresses: int = 0

    @property
    def rows(self) -> int:
        """Number of rows that are done."""
        return self.made + self.changed + self.unchanged + self.skipped + self.rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueChange:
    """A value before and after; None for no value. Long values are cut."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowChange:
    """What a row changes, for a list of examples; ``person`` is the person's id, address or cio_id, cut."""

    line: int
    person: str
    values: Sequence[ValueChange]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportJob:
    """An import of a workspace.

    Attributes:
        number: unique in the workspace, from 1.
        facts: None while the file arrives.
        mapping: None before somebody chose it.
        counts: of the dry run, and since the import began of the import.
        done: rows that are done; while the import is undone, people.
        changes: the first changes of the dry run.
        blocking: people who block an identifier change, and whose address the dry run would change.
        people: people of whom a record is kept, to undo the import.
        file_until: until when the file, examples and rejects are kept; None while the import is under way.
        undo_until: until when it can be undone; None: not at all.
    """

    workspace_id: int
    number: int
    state: ImportState
    file_name: str
    facts: FileFacts | None
    mapping: ImportMapping | None
    counts: ImportCounts = field(default_factory=ImportCounts)
    done: int = 0
    changes: Sequence[RowChange] = ()
    blocking: int = 0
    people: int = 0
    undone: int = 0
    undone_in_part: int = 0
    not_undone: int = 0
    created_at: datetime
    created_by: str
    run_at: datetime | None = None
    run_by: str | None = None
    ended_at: datetime | None = None
    file_until: datetime | None = None
    undo_until: datetime | None = None

    @property
    def rows(self) -> int:
        """Number of rows of the file; 0 while it arrives."""
        return 0 if self.facts is None else self.facts.rows

    @property
    def people_left(self) -> int:
        """People whose changes can still be undone."""
        return self.people - self.undone - self.undone_in_part

    def has_file(self, now: datetime) -> bool:
        """Whether the file, examples and rejects are still kept."""
        return self.state is not ImportState.UPLOADING and (self.file_until is None or now < self.file_until)

    def can_be_undone(self, now: datetime) -> bool:
        """Whether there are changes that can be undone."""
        is_possible = self.state is ImportState.DONE and self.undo_until is not None and now < self.undo_until
        return is_possible and self.people_left > 0
