"""What an import writes down before it changes people, so that it can be taken back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from workspace_operator.application.ports import Answer, People
from workspace_operator.application.undo_rows import Undo, UndoAction
from workspace_operator.identity.calls import Ask
from workspace_operator.identity.outcomes import Effect, Outcome
from workspace_operator.identity.people import Person, same_person


@dataclass(slots=True, kw_only=True)
class ImportUndo:
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
    open: Callable[[Sequence[str]], Undo]
    changed: int = 0
    created: int = 0
    _undo: Undo | None = None
    _written: dict[str, Person] = field(default_factory=dict)
    _known: set[str] = field(default_factory=set)

    def begin(self, attributes: Sequence[str]) -> None:
        """Make the file. Raises InvalidInput if it cannot be made."""
        self._undo = self.open(attributes)

    def before(self, workspace_id: int, asks: Sequence[Ask], *, now: int) -> None:
        """Write down whom a batch is going to change."""
        with self.people.dry_run(workspace_id) as rehearsed:
            answers = rehearsed.perform(workspace_id, asks, now=now)
        self._written.clear()
        self._write([person for person in _changed(answers) if person.cio_id not in self._known], UndoAction.CHANGED)

    def after(self, answers: Sequence[Answer]) -> None:
        """Write down whom a batch created, and whom it changed otherwise than expected."""
        missing = [person for person in _changed(answers) if self._is_missing(person)]
        self._write(missing, UndoAction.CHANGED)
        created = [each.person for each in answers if isinstance(each, Outcome) and each.effect is Effect.CREATED]
        self._write([person for person in created if person is not None], UndoAction.CREATED)

    def _is_missing(self, person: Person) -> bool:
        written = self._written.get(person.cio_id)
        return person.cio_id not in self._known if written is None else not same_person(written, person)

    def _write(self, people: Sequence[Person], action: UndoAction) -> None:
        if not people or self._undo is None:
            return
        self._undo.write(people, action)
        self._known.update(person.cio_id for person in people)
        if action is UndoAction.CHANGED:
            self._written.update((person.cio_id, person) for person in people)
            self.changed += len(people)
        else:
            self.created += len(people)


def _changed(answers: Sequence[Answer]) -> Sequence[Person]:
    """People as they were before the first of these answers that changed them, those who were there before them all."""
    made: set[str] = set()
    changed: dict[str, Person] = {}
    for answer in answers:
        if not isinstance(answer, Outcome) or answer.person is None:
            continue
        if answer.effect is Effect.CREATED:
            made.add(answer.person.cio_id)
        elif answer.effect is Effect.UPDATED and answer.before is not None and answer.person.cio_id not in made:
            changed.setdefault(answer.before.cio_id, answer.before)
    return list(changed.values())
