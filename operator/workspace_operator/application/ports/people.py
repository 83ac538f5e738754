"""Port of the people of workspaces."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, TypeAlias

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.model.commands import UnresolvedCommand
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.results import CommandResult
from workspace_operator.identity.values.references import Reference
from workspace_operator.identity.values.rules import IdentityRules, Mode
from workspace_operator.workspaces.model import PeopleCounts

UnresolvedReference: TypeAlias = Reference | Callable[[Mode], Reference]
"""A reference, or a function that creates one for the mode in force."""

CommandResultOrError: TypeAlias = CommandResult | InvalidInput
"""Result of a command. An error is returned, not raised, so that the other commands of the batch are committed."""


class Performer(Protocol):
    """Performs commands about the people of workspaces, or simulates them (`People.dry_run`)."""

    def rules(self, workspace_id: int) -> IdentityRules:
        """The identity rules in force. Raises NotFound."""
        ...

    def perform(
        self, workspace_id: int, commands: Sequence[UnresolvedCommand], *, now: int
    ) -> Sequence[CommandResultOrError]:
        """Perform commands under the rules in force; returns one result per command. Raises NotFound."""
        ...


class People(Performer, Protocol):
    """The people of workspaces. The commands of one sequence take effect in order, in one transaction."""

    def dry_run(self, workspace_id: int) -> AbstractContextManager[Performer]:
        """Open a performer that writes nothing, but whose commands see the effects of earlier ones.

        Its results equal those of `perform` if there are no other writers. Its state between calls is not in memory.
        It accepts only identify commands. Raises NotFound.
        """
        ...

    def find(self, workspace_id: int, reference: Reference) -> Person | None:
        """Find the person that a reference resolves to under the rules in force."""
        ...

    def find_many(self, workspace_id: int, references: Sequence[UnresolvedReference]) -> Sequence[Person]:
        """Find people in one snapshot, each once; unknown ones are left out. Raises NotFound or InvalidInput."""
        ...

    def find_by_email(self, workspace_id: int, key: str, *, limit: int) -> Sequence[Person]:
        """Find the people with an e-mail key, oldest first; more than one only where email is not an identifier."""
        ...

    def find_by_prefix(self, workspace_id: int, text: str, *, limit: int) -> Sequence[Person]:
        """Find people whose id or email begins with a text, from the indexes: matches by id first, each person once.

        Works in every mode. An email that is not an address is found only by ``all``. Raises NotFound.
        """
        ...

    def duplicates(self, workspace_id: int, *, newest_first: bool) -> Iterator[tuple[str, str]]:
        """Stream e-mail key and cio_id of all people who share a key, in one snapshot, by (key, age).

        Empty where email is an identifier. ``newest_first`` reverses the order of age.
        """
        ...

    def all(self, workspace_id: int) -> Iterator[Person]:
        """Stream all people of one snapshot, in order of creation."""
        ...

    def count(self, workspace_id: int) -> PeopleCounts:
        """Count people, from the indexes."""
        ...
