"""Backup of the people that an import changes, so that the import can be undone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from workspace_operator.application.people.backup_rows import Backup, BackupAction
from workspace_operator.application.people.command_execution import CommandOrError, execute_commands
from workspace_operator.application.ports import People
from workspace_operator.identity.model.person import Person, same_person
from workspace_operator.identity.model.results import CommandResult, CommandResultOrError, Effect
from workspace_operator.identity.values.rules import Mode


@dataclass(slots=True, kw_only=True)
class ImportBackup:
    """Writes people to the undo file: before the import changes them, or after it creates them.

    Each person is written once, in the state before the first row that changes them. A person that another writer
    changes at the same time is written again, and the last row counts. After a kill, people that the last batch
    created may be missing, but none that it changed.

    Attributes:
        open: creates the file for the attributes that the import can change.
        changed: number of people written since they were changed.
        created: number of people written since they were created.
    """

    people: People
    open: Callable[[Sequence[str]], Backup]
    changed: int = 0
    created: int = 0
    _backup: Backup | None = None
    _written: dict[str, Person] = field(default_factory=dict)
    _known: set[str] = field(default_factory=set)

    def begin(self, attributes: Sequence[str]) -> None:
        """Create the file. Raises InvalidInput if that fails."""
        self._backup = self.open(attributes)

    def before(self, workspace_id: int, commands: Sequence[CommandOrError], *, now: int, mode: Mode) -> None:
        """Write the people that a batch is going to change, according to a dry run. Raises ModeChanged."""
        with self.people.dry_run(workspace_id) as units:
            results = execute_commands(units, workspace_id, commands, now=now, expected_mode=mode)
        self._written.clear()
        self._write([person for person in _changed(results) if person.cio_id not in self._known], BackupAction.CHANGED)

    def after(self, results: Sequence[CommandResultOrError]) -> None:
        """Write the people that a batch created, and those whose change the dry run did not predict."""
        missing = [person for person in _changed(results) if self._is_missing(person)]
        self._write(missing, BackupAction.CHANGED)
        performed = [result for result in results if isinstance(result, CommandResult)]
        created = [result.person for result in performed if result.effect is Effect.CREATED]
        self._write([person for person in created if person is not None], BackupAction.CREATED)

    def _is_missing(self, person: Person) -> bool:
        written = self._written.get(person.cio_id)
        return person.cio_id not in self._known if written is None else not same_person(written, person)

    def _write(self, people: Sequence[Person], action: BackupAction) -> None:
        if not people or self._backup is None:
            return
        self._backup.write(people, action)
        self._known.update(person.cio_id for person in people)
        if action is BackupAction.CHANGED:
            self._written.update((person.cio_id, person) for person in people)
            self.changed += len(people)
        else:
            self.created += len(people)


def _changed(results: Sequence[CommandResultOrError]) -> Sequence[Person]:
    """The existing people that these results changed, in the state before the first change."""
    created: set[str] = set()
    changed: dict[str, Person] = {}
    for result in results:
        if not isinstance(result, CommandResult) or result.person is None:
            continue
        if result.effect is Effect.CREATED:
            created.add(result.person.cio_id)
        elif result.effect is Effect.UPDATED and result.before is not None and result.person.cio_id not in created:
            changed.setdefault(result.before.cio_id, result.before)
    return list(changed.values())
