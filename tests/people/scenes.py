"""A workspace in memory that files are imported into, with short words for what comes of them."""

import csv
import io
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Self

from tests.fakes.memory import Memory
from tests.fakes.people import MemoryPeople
from tests.fakes.workspaces import MemoryWorkspaces
from workspace_operator.application.csv_columns import ColumnReport
from workspace_operator.application.csv_reading import CsvOptions
from workspace_operator.application.exporting import people_lines
from workspace_operator.application.import_options import EmptyCells, ImportOptions
from workspace_operator.application.import_summary import Summary
from workspace_operator.application.importing import PeopleImport
from workspace_operator.application.ports import People
from workspace_operator.application.spreadsheets import harmless
from workspace_operator.identity.calls import SuppressCall
from workspace_operator.identity.outcomes import Effect, Outcome
from workspace_operator.identity.people import Person
from workspace_operator.identity.references import reference_by_kind
from workspace_operator.identity.rules import Kind, Mode
from workspace_operator.reconcile.observed import Owner, Settings
from workspace_operator.reconcile.plan import CreateWorkspace

NOW = 1_750_000_000


@dataclass(slots=True)
class Rejects:
    """The rejects of an import, as the file would have them."""

    text: io.StringIO = field(default_factory=io.StringIO)

    def write(self, cells: Sequence[str]) -> None:
        csv.writer(self.text).writerow([harmless(cell) for cell in cells])

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
class Taken:
    """What an import came to."""

    summary: Summary
    rejects: Rejects
    columns: ColumnReport | None = None

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Created, updated, skipped, rejected."""
        summary = self.summary
        return summary.created, summary.updated, summary.skipped, summary.rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One workspace."""

    memory: Memory
    people: People
    number: int

    @classmethod
    def of(cls, mode: Mode = Mode.EMAIL_OR_ID) -> Self:
        memory = Memory()
        workspaces = MemoryWorkspaces(memory)
        owner = Owner(cluster="c", namespace="default", name="crm", uid="u")
        settings = Settings(display_name="CRM")
        wanted = CreateWorkspace(owner=owner, account="default", mode=mode, settings=settings)
        workspaces.carry_out(wanted, now=memory.clock())
        number = workspaces.find("default", "crm").workspace_id
        return cls(memory=memory, people=MemoryPeople(memory), number=number)

    def take(self, content: str | bytes, **options: Any) -> Taken:
        """Import the content of a file; the options are those of `take_from`."""
        return self.take_from(io.BytesIO(content.encode() if isinstance(content, str) else content), **options)

    def take_from(
        self,
        file: BinaryIO,
        *,
        by: Kind | None = None,
        update_only: bool = False,
        empty_cells: EmptyCells = EmptyCells.IGNORE,
        csv_options: CsvOptions | None = None,
        batch: int = 3,
        progress: Callable[[], None] = lambda: None,
    ) -> Taken:
        """Import a file; ``progress`` is called after each batch."""
        rejects, columns = Rejects(), list[ColumnReport]()
        run = PeopleImport(
            people=self.people,
            workspace_id=self.number,
            options=ImportOptions(by=by, update_only=update_only, empty_cells=empty_cells),
            csv=csv_options or CsvOptions(),
            rejects=rejects,
            tell_columns=columns.append,
            clock=lambda: NOW,
            batch=batch,
        )
        summary = run.run(file, progress)
        return Taken(summary=summary, rejects=rejects, columns=columns[0])

    def switch_to(self, mode: Mode) -> None:
        """What an identifier change does in the end."""
        self.memory.room(self.number).switch_to(mode)

    def find(self, **name: str) -> Person | None:
        [(kind, value)] = name.items()
        mode = self.people.rules(self.number).mode
        return self.people.find(self.number, reference_by_kind(value, Kind(kind), mode))

    def known(self, **name: str) -> Person:
        """The person, who must be there."""
        person = self.find(**name)
        assert person is not None
        return person

    def suppress(self, **name: str) -> None:
        [(kind, value)] = name.items()
        mode = self.people.rules(self.number).mode
        reference = reference_by_kind(value, Kind(kind), mode, suppressing=True)
        [answer] = self.people.perform(self.number, [SuppressCall(reference=reference)], now=int(time.time()))
        assert isinstance(answer, Outcome)
        assert answer.effect is Effect.SUPPRESSED

    def everybody(self) -> list[tuple[str | None, str | None, Mapping[str, object]]]:
        """Id, email and attributes of all, in the order in which they were made."""
        return [(each.id, each.email, dict(each.attributes)) for each in self.people.all(self.number)]

    def export(self) -> str:
        names = sorted({name for each in self.people.all(self.number) for name in each.attributes})
        return "".join(people_lines(self.people.all(self.number), names))
