"""What an import writes down before it changes people, so that it can be taken back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from workspace_operator.application.people.backup_rows import Backup, BackupAction
from workspace_operator.application.ports import CommandResultOrError, People
from workspace_operator.identity.model.commands import UnresolvedCommand
from workspace_operator.identity.model.person import Person, same_person
from workspace_operator.identity.model.results import CommandResult, Effect


@dataclass(slots=True, kw_only=True)
class ImportBackup:
    """Writes down whom an import changes, before it does, and whom it creates, after it did.

    Each person is written once, as they were before the first row about them; whoever was changed by others at the
    very moment of the import is written again, the later row being the last. After a kill those whom the last batch
    created may be missing, nobody whom it changed.

    Attributes:
        people: of the workspace.
        open: makes the file, given the attributes that the import can change.
        changed: how many people were written down since they were changed.
        created: how many since they were created.
    """

    people: People
    open: Callable[[Sequence[str]], Backup]
    changed: int = 0
    created: int = 0
    _backup: Backup | None = None
    _written: dict[str, Person] = field(default_factory=dict)
    _known: set[str] = field(default_factory=set)

    def begin(self, attributes: Sequence[str]) -> None:
        """Make the file. Raises InvalidInput if it cannot be made."""
        self._backup = self.open(attributes)

    def before(self, workspace_id: int, commands: Sequence[UnresolvedCommand], *, now: int) -> None:
        """Write down whom a batch is going to change."""
        with self.people.dry_run(workspace_id) as rehearsed:
            results = rehearsed.perform(workspace_id, commands, now=now)
        self._written.clear()
        self._write([person for person in _changed(results) if person.cio_id not in self._known], BackupAction.CHANGED)

    def after(self, results: Sequence[CommandResultOrError]) -> None:
        """Write down whom a batch created, and whom it changed otherwise than expected."""
        missing = [person for person in _changed(results) if self._is_missing(person)]
        self._write(missing, BackupAction.CHANGED)
        created = [each.person for each in results if isinstance(each, CommandResult) and each.effect is Effect.CREATED]
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
    """People as they were before the first of these answers that changed them, those who were there before them all."""
    made: set[str] = set()
    changed: dict[str, Person] = {}
    for result in results:
        if not isinstance(result, CommandResult) or result.person is None:
            continue
        if result.effect is Effect.CREATED:
            made.add(result.person.cio_id)
        elif result.effect is Effect.UPDATED and result.before is not None and result.person.cio_id not in made:
            changed.setdefault(result.before.cio_id, result.before)
    return list(changed.values())
