"""Lists of people as CSV files. Each download is an entry of the audit log, written before the first row leaves."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final

from workspace_operator.application.audit.entries import list_download_entry
from workspace_operator.application.cleanups.csv_decisions import decision_lines
from workspace_operator.application.cleanups.former_people import with_former_people
from workspace_operator.application.people.csv_export import common_attributes, people_lines, violation_lines
from workspace_operator.application.ports import (
    Actor,
    AuditLog,
    Cleanups,
    Exports,
    People,
    PersonRecords,
    Segments,
)
from workspace_operator.cleanups.model import StoredDecision
from workspace_operator.errors import NotFound
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.values.references import reference_to_cio_id

BATCH: Final = 500
"""People that are read at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloads:
    """Makes the lines of files.

    A method raises NotFound at once. Its lines are read while they are taken, however long that is.
    """

    people: People
    person_records: PersonRecords
    segments: Segments
    exports: Exports
    cleanups: Cleanups
    audit_log: AuditLog
    clock: Callable[[], datetime]

    def all_people(self, workspace_id: int, *, actor: Actor) -> Iterator[str]:
        """All people, with a column for each attribute.

        They are read twice, since the columns come before the rows. An attribute that nobody had at first is left out.
        """
        self.people.rules(workspace_id)

        def lines() -> Iterator[str]:
            names: set[str] = set()
            rows = 0
            for person in self.people.all(workspace_id):
                names.update(person.attributes)
                rows += 1
            self._record(workspace_id, "people", rows, actor)
            yield from people_lines(self.people.all(workspace_id), sorted(names))

        return lines()

    def violations(self, workspace_id: int, number: int, *, actor: Actor) -> Iterator[str]:
        """The people of an export, who block or blocked a migration."""
        found = next((export for export in self.exports.exports(workspace_id) if export.number == number), None)
        if found is None:
            raise NotFound(f"there is no export {number}")

        def lines() -> Iterator[str]:
            attributes = common_attributes(self.exports, self.people, workspace_id, number)
            self._record(workspace_id, f"export {number}", found.total, actor)
            yield from violation_lines(self.exports.violations(workspace_id, number, attributes=attributes), attributes)

        return lines()

    def members(self, workspace_id: int, number: int, *, actor: Actor) -> Iterator[str]:
        """The people of a manual segment, with their identifiers."""
        segment = self.segments.get(workspace_id, number)

        def lines() -> Iterator[str]:
            self._record(workspace_id, f"segment {number}", segment.people, actor)
            yield from people_lines(self._people_of(workspace_id, number), ())

        return lines()

    def decisions(self, workspace_id: int, number: int, *, actor: Actor) -> Iterator[str]:
        """The decisions of a cleanup, as a file of decisions that can be sent back."""
        cleanup = self.cleanups.get(workspace_id, number)

        def lines() -> Iterator[str]:
            self._record(workspace_id, f"cleanup {number}", cleanup.total, actor)
            yield from decision_lines(self._decisions_of(workspace_id, number))

        return lines()

    def _people_of(self, workspace_id: int, segment: int) -> Iterator[Person]:
        members = self.person_records.members(workspace_id, segment)
        while batch := list(islice(members, BATCH)):
            yield from self._people_by_cio_id(workspace_id, batch)

    def _decisions_of(self, workspace_id: int, number: int) -> Iterator[tuple[StoredDecision, Person | None]]:
        """Decisions with their people, who may have been merged or deleted; None if no record of them is left."""
        after = ""
        while batch := self.cleanups.decisions(workspace_id, number, after=after, limit=BATCH):
            after = batch[-1].cio_id
            found = self._people_by_cio_id(workspace_id, [stored.cio_id for stored in batch])
            known = {person.cio_id: person for person in found}
            people = with_former_people(self.cleanups, workspace_id, number, batch, known)
            yield from ((stored, people.get(stored.cio_id)) for stored in batch)

    def _people_by_cio_id(self, workspace_id: int, cio_ids: Sequence[str]) -> Sequence[Person]:
        found = self.people.find_many(workspace_id, [reference_to_cio_id(cio_id) for cio_id in cio_ids])
        return sorted(found, key=lambda person: person.cio_id)

    def _record(self, workspace_id: int, subject: str, rows: int, actor: Actor) -> None:
        self.audit_log.record(list_download_entry(workspace_id, subject, rows=rows, actor=actor, at=self.clock()))
