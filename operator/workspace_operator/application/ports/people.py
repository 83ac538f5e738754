"""Port of the people of workspaces."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol, TypeVar

from workspace_operator.application.ports.accounts.audit import AuditEntry
from workspace_operator.identity.command_handlers.dispatch import NewCioID
from workspace_operator.identity.model.commands import Command
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.working_set import WorkingSet
from workspace_operator.identity.values.references import IdentifierKey, Reference
from workspace_operator.identity.values.rules import IdentityRules
from workspace_operator.workspaces.model import PeopleCounts

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedPeople:
    """What commands may touch.

    Attributes:
        working_set: contains everything that the commands may touch; they change it.
        new_cio_ids: one generator of cio_ids for each command.
    """

    working_set: WorkingSet
    new_cio_ids: Sequence[NewCioID]


class EmailPosition(NamedTuple):
    """A position among people in the order of their addresses: behind a person, by e-mail key and cio_id."""

    email_key: str
    cio_id: str


FIRST_EMAIL: Final = EmailPosition("", "")
"""The position before everybody."""


class UnitOfWork(Protocol):
    """One transaction on the people of a workspace."""

    @property
    def rules(self) -> IdentityRules:
        """The identity rules in force until the transaction ends."""
        ...

    @property
    def records_calls(self) -> bool:
        """Whether it is recorded which people calls name, since people block a migration (cleanups §9)."""
        ...

    def load(self, commands: Sequence[Command]) -> LoadedPeople:
        """Lock and load what commands of the mode in force may touch. Called once."""
        ...

    def flush(self, *, now: int) -> None:
        """Write the changes of the working set, at ``now`` in Unix seconds."""
        ...

    def record(self, entry: AuditEntry) -> None:
        """Write an entry of the audit log, after `flush`. A unit of identify commands has to be exclusive for that."""
        ...


class UnitsOfWork(Protocol):
    """Opens units of work on the people of workspaces: real ones, or those of a dry run."""

    def rules(self, workspace_id: int) -> IdentityRules:
        """The identity rules in force. Raises NotFound."""
        ...

    def run_unit_of_work(self, workspace_id: int, work: Callable[[UnitOfWork], T], *, exclusive: bool = False) -> T:
        """Run ``work`` in a unit of work and commit it; after a conflict, roll back and run it again. Raises NotFound.

        ``work`` has no other side effects; the last run counts. An error that it raises rolls back. If ``exclusive``,
        no other unit of work on the workspace runs at the same time.
        """
        ...


class People(UnitsOfWork, Protocol):
    """The people of workspaces."""

    def dry_run(self, workspace_id: int) -> AbstractContextManager[UnitsOfWork]:
        """Open units of work that write nothing, but see the effects of earlier ones.

        Their results equal those of real ones if there are no other writers. Their effects are not kept in memory.
        They accept only identify commands. Raises NotFound.
        """
        ...

    def find(self, workspace_id: int, reference: Reference) -> Person | None:
        """Find the person that a reference names under the rules in force. Raises as `find_many`."""
        ...

    def find_many(self, workspace_id: int, references: Sequence[Reference]) -> Sequence[Person]:
        """Find people in one snapshot, each once; unknown ones are left out.

        Raises:
            NotFound: there is no such workspace.
            InvalidInput: a reference is no identifier in the mode in force.
        """
        ...

    def find_by_email(self, workspace_id: int, key: str, *, after: str = "", limit: int) -> Sequence[Person]:
        """Find the people with an e-mail key, by cio_id, after one. Several only where email is not an identifier."""
        ...

    def find_by_id_prefix(self, workspace_id: int, prefix: str, *, after: str = "", limit: int) -> Sequence[Person]:
        """Find people whose id begins with a text, in the order of the ids, after an id. Raises NotFound."""
        ...

    def find_by_email_prefix(
        self, workspace_id: int, prefix: str, *, after: EmailPosition = FIRST_EMAIL, limit: int
    ) -> Sequence[Person]:
        """Find people whose e-mail key begins with a text, by (key, cio_id), after a position. Raises NotFound.

        Works in every mode. An email that is not an address is found only by ``all``.
        """
        ...

    def suppressed(self, workspace_id: int, identifiers: Collection[IdentifierKey]) -> frozenset[IdentifierKey]:
        """Those of the identifiers that are suppressed."""
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
