"""People and the calls about them."""

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
"""A reference, or what makes one once the mode in force is known."""


CommandResultOrError: TypeAlias = CommandResult | InvalidInput
"""What came of an ask; an error is given back, not raised, so that those beside it in the transaction are taken."""


class Performer(Protocol):
    """Carries out calls about the people of workspaces, or only answers as if it did (`People.dry_run`)."""

    def rules(self, workspace_id: int) -> IdentityRules:
        """Tell the identifier settings in force. Raises NotFound."""
        ...

    def perform(
        self, workspace_id: int, commands: Sequence[UnresolvedCommand], *, now: int
    ) -> Sequence[CommandResultOrError]:
        """Carry calls out under the settings in force, an answer each. Raises NotFound."""
        ...


class People(Performer, Protocol):
    """The people of workspaces. Asks in one sequence take effect in order, in one transaction."""

    def dry_run(self, workspace_id: int) -> AbstractContextManager[Performer]:
        """Give a performer whose identify calls see the effects of those before, and write nothing.

        It answers as `perform` would if nothing else was changed meanwhile. What it remembers between calls is not in
        memory. The only calls that it takes are identify calls. Raises NotFound.
        """
        ...

    def find(self, workspace_id: int, reference: Reference) -> Person | None:
        """Find the person that the reference stands for under the rules in force."""
        ...

    def find_many(self, workspace_id: int, references: Sequence[UnresolvedReference]) -> Sequence[Person]:
        """Find people of one moment, each once, unknown ones left out. Raises NotFound, and InvalidInput of an ask."""
        ...

    def find_by_email(self, workspace_id: int, key: str, *, limit: int) -> Sequence[Person]:
        """Find who has an e-mail key, the oldest cio_id first; several only where email is no identifier."""
        ...

    def find_by_prefix(self, workspace_id: int, text: str, *, limit: int) -> Sequence[Person]:
        """Find people whose id or email begins with a text, by the indexes: those found by id first, each once.

        An email that is no address is found by ``all`` only. In every mode, also where email is no identifier.
        Raises NotFound.
        """
        ...

    def duplicates(self, workspace_id: int, *, newest_first: bool) -> Iterator[tuple[str, str]]:
        """Stream e-mail key and cio_id of all who share one at one moment, by (key, age), the oldest or newest first.

        Only where email is no identifier is there anybody.
        """
        ...

    def all(self, workspace_id: int) -> Iterator[Person]:
        """Stream everybody of one moment, in order of creation."""
        ...

    def count(self, workspace_id: int) -> PeopleCounts:
        """Count people, from the indexes."""
        ...
