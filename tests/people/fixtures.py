"""A workspace in memory that files are imported into, with short methods for tests."""

import csv
import io
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Self

from tests.fakes.database import InMemoryDatabase
from tests.fakes.people.people import FakePeople
from tests.fakes.workspaces.workspaces import FakeWorkspaces
from tests.workspaces import create_workspace
from workspace_operator.application.people.command_execution import execute_commands
from workspace_operator.application.people.csv_export import people_lines
from workspace_operator.application.people.csv_files.columns import ColumnReport
from workspace_operator.application.people.csv_files.injection import escape
from workspace_operator.application.people.csv_files.reader import CsvOptions
from workspace_operator.application.people.csv_import import PeopleImport
from workspace_operator.application.people.import_options import EmptyCells, ImportOptions
from workspace_operator.application.people.import_summary import ImportSummary
from workspace_operator.application.ports import People
from workspace_operator.identity.model.commands import Suppress
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.results import CommandResult, Effect
from workspace_operator.identity.values.references import reference_of_kind
from workspace_operator.identity.values.rules import IdentifierKind, Mode

NOW = 1_750_000_000


@dataclass(slots=True)
class Rejects:
    """The rejects of an import, as the file would have them."""

    text: io.StringIO = field(default_factory=io.StringIO)

    def write(self, cells: Sequence[str]) -> None:
        csv.writer(self.text).writerow([escape(cell) for cell in cells])

    @property
    def rows(self) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(self.text.getvalue())))

    @property
    def file(self) -> bytes:
        return self.text.getvalue().encode("utf-8", "surrogateescape")

    @property
    def lines(self) -> dict[int, tuple[str, str]]:
        """Outcome and reason by line."""
        return {int(row["_line"]): (row["_outcome"], row["_reason"]) for row in self.rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportResult:
    """The result of an import."""

    summary: ImportSummary
    rejects: Rejects
    columns: ColumnReport | None = None

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Created, updated, skipped, rejected."""
        summary = self.summary
        return summary.created, summary.updated, summary.skipped, summary.rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportEnv:
    """One workspace."""

    memory: InMemoryDatabase
    people: People
    number: int

    @classmethod
    def of(cls, mode: Mode = Mode.EMAIL_OR_ID) -> Self:
        memory = InMemoryDatabase()
        created = create_workspace(FakeWorkspaces(memory), "crm", now=memory.clock(), mode=mode)
        return cls(memory=memory, people=FakePeople(memory), number=created.workspace_id)

    def import_text(self, content: str | bytes, **options: Any) -> ImportResult:
        """Import the content of a file; the options are those of `import_file`."""
        return self.import_file(io.BytesIO(content.encode() if isinstance(content, str) else content), **options)

    def import_file(
        self,
        file: BinaryIO,
        *,
        by: IdentifierKind | None = None,
        update_only: bool = False,
        empty_cells: EmptyCells = EmptyCells.IGNORE,
        csv_options: CsvOptions | None = None,
        batch: int = 3,
        progress: Callable[[], None] = lambda: None,
    ) -> ImportResult:
        """Import a file; ``progress`` is called after each batch."""
        rejects, columns = Rejects(), list[ColumnReport]()
        run = PeopleImport(
            units=self.people,
            workspace_id=self.number,
            options=ImportOptions(by=by, update_only=update_only, empty_cells=empty_cells),
            csv=csv_options or CsvOptions(),
            rejects=rejects,
            on_columns=columns.append,
            clock=lambda: NOW,
            batch=batch,
        )
        summary = run.run(file, progress)
        return ImportResult(summary=summary, rejects=rejects, columns=columns[0])

    def set_mode(self, mode: Mode) -> None:
        """Set the mode, as the cut-over of a migration does."""
        self.memory.state(self.number).set_mode(mode)

    def find(self, **name: str) -> Person | None:
        [(kind, value)] = name.items()
        mode = self.people.rules(self.number).mode
        return self.people.find(self.number, reference_of_kind(value, IdentifierKind(kind), mode))

    def get(self, **name: str) -> Person:
        """The person, who must be there."""
        person = self.find(**name)
        assert person is not None
        return person

    def suppress(self, **name: str) -> None:
        [(kind, value)] = name.items()
        mode = self.people.rules(self.number).mode
        reference = reference_of_kind(value, IdentifierKind(kind), mode, for_suppression=True)
        [answer] = execute_commands(self.people, self.number, [Suppress(reference=reference)], now=int(time.time()))
        assert isinstance(answer, CommandResult)
        assert answer.effect is Effect.SUPPRESSED

    def all_people(self) -> list[tuple[str | None, str | None, Mapping[str, object]]]:
        """Id, email and attributes of all, in the order in which they were made."""
        return [(each.id, each.email, dict(each.attributes)) for each in self.people.all(self.number)]

    def export(self) -> str:
        names = sorted({name for each in self.people.all(self.number) for name in each.attributes})
        return "".join(people_lines(self.people.all(self.number), names))
