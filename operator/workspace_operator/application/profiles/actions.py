"""What members of staff do to one person: each is recorded in the transaction that does it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from workspace_operator.application.audit.commands import RecordedCommand, execute_recorded
from workspace_operator.application.ports import Actor, MergeJournal, People, UndoResult
from workspace_operator.errors import InvalidInput, NotFound
from workspace_operator.identity.model.commands import DeletePerson, Identify, MergePeople, Suppress
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.results import CommandResult, Effect
from workspace_operator.identity.values.email_keys import email_key
from workspace_operator.identity.values.references import reference_to_cio_id
from workspace_operator.identity.values.rules import IdentifierKind
from workspace_operator.identity.values.text_limits import quoted, stripped


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonActions:
    """Changes people of workspaces, named by cio_id. Each method raises NotFound if there is no such person."""

    people: People
    merges: MergeJournal
    clock: Callable[[], datetime]

    def correct_email(self, workspace_id: int, cio_id: str, email: str, *, actor: Actor) -> Person:
        """Give a person another address. Raises InvalidInput if it is none, is suppressed, or may not be given."""
        key = email_key(stripped(email))
        if key is None:
            raise InvalidInput(f"{quoted(email)} is not a valid address.", field="email")
        # Where email is an attribute, a command would be accepted with a suppressed address.
        if self.people.suppressed(workspace_id, [(IdentifierKind.EMAIL, key)]):
            raise InvalidInput("This address is suppressed.", field="email")
        reference = reference_to_cio_id(cio_id)
        command = Identify(reference=reference, email=stripped(email), attributes={}, update_only=True)
        person, result = self._execute(workspace_id, command, actor)
        if result.refusals:
            raise InvalidInput(result.refusals[0].message, field="email")
        return person

    def merge(self, workspace_id: int, survivor: str, secondary: str, *, actor: Actor) -> Person:
        """Merge a person into another one. Raises InvalidInput if they are the same one."""
        command = MergePeople(primary=reference_to_cio_id(survivor), secondary=reference_to_cio_id(secondary))
        person, result = self._execute(workspace_id, command, actor)
        if result.effect is not Effect.MERGED:
            raise InvalidInput(result.message, field="with")
        return person

    def delete(self, workspace_id: int, cio_id: str, *, actor: Actor) -> Person:
        """Delete a person with all data."""
        person, _ = self._execute(workspace_id, DeletePerson(reference=reference_to_cio_id(cio_id)), actor)
        return person

    def suppress(self, workspace_id: int, cio_id: str, *, actor: Actor) -> Person:
        """Delete a person with all data, and suppress its identifiers."""
        person, _ = self._execute(workspace_id, Suppress(reference=reference_to_cio_id(cio_id)), actor)
        return person

    def undo_merge(self, workspace_id: int, merge_id: str, *, actor: Actor) -> UndoResult:
        """Restore the person that a merge removed. Raises NotFound, or Conflict if that cannot be undone now."""
        return self.merges.undo(workspace_id, merge_id, now=self._now, actor=actor)

    @property
    def _now(self) -> int:
        return int(self.clock().timestamp())

    def _execute(self, workspace_id: int, command: RecordedCommand, actor: Actor) -> tuple[Person, CommandResult]:
        """Carry a command out, and return the person as it is then, or was before it was deleted."""
        result = execute_recorded(self.people, workspace_id, command, actor=actor, now=self._now)
        if not isinstance(result, CommandResult) or result.person is None:
            raise NotFound("there is no such person any more: it was deleted, or merged into another one")
        return result.person, result
