"""What the use cases need from outside, as small protocols named by that need.

Everything is synchronous; drivers run use cases in worker threads. Adapters raise only the errors of
``workspace_operator.errors``; every method may raise StoreUnavailable or ClusterUnavailable besides what it names.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from workspace_operator.identity.calls import IdentifyCall, Outcome
from workspace_operator.identity.people import Person
from workspace_operator.identity.references import Reference
from workspace_operator.identity.rules import IdentityRules
from workspace_operator.migrations.records import Migration, ViolationCounts
from workspace_operator.reconcile.observed import Observed, Owner, PeopleCounts, StoredWorkspace
from workspace_operator.reconcile.plan import Action, Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """What one observation looks for: the resource's owner, and the workspaces that its text names."""

    owner: Owner
    account: str = "default"
    display_name: str = ""
    adopt: int | None = None
    remembered: int | None = None


class Workspaces(Protocol):
    """The directory of workspaces, as the operator and the command line use it."""

    def observe(self, sought: Sought, *, count_people: bool) -> Observed:
        """Look at one moment of the store; candidates come back as not released."""
        ...

    def carry_out(self, action: Action, *, now: datetime) -> None:
        """Carry one action out, whole or not at all. Raises NameTaken or Moved."""
        ...

    def unreported(self) -> Sequence[tuple[Owner, Migration]]:
        """List the workspaces whose identifier change has moved since it was last reported."""
        ...

    def reported(self, migration: Migration) -> None:
        """Note that the resource tells of this revision of the change."""
        ...

    def find(self, namespace: str, name: str, *, cluster: str | None = None) -> StoredWorkspace:
        """Find a workspace by its owner's name. Raises NotFound or Ambiguous."""
        ...

    def get(self, workspace_id: int) -> StoredWorkspace:
        """Find a workspace by its number. Raises NotFound."""
        ...

    def list(self) -> Sequence[StoredWorkspace]:
        """All workspaces, by number."""
        ...


class People(Protocol):
    """The people of workspaces. Calls in one sequence take effect in order, in one transaction."""

    def rules(self, workspace_id: int) -> IdentityRules:
        """Tell the identifier settings in force. Raises NotFound."""
        ...

    def identify(self, workspace_id: int, calls: Sequence[IdentifyCall], *, now: int) -> Sequence[Outcome]:
        """Resolve and apply calls, one outcome each. Raises NotFound or WritersHeld."""
        ...

    def delete(self, workspace_id: int, reference: Reference) -> bool:
        """Delete a person with all their data; False if the reference stands for nobody."""
        ...

    def suppress(self, workspace_id: int, reference: Reference) -> bool:
        """Block an identifier and delete who has it; False if there was nothing to do."""
        ...

    def unsuppress(self, workspace_id: int, reference: Reference) -> bool:
        """End every suppression that holds the value; False if there was none."""
        ...

    def find(self, workspace_id: int, reference: Reference) -> Person | None:
        """Find the person that the reference stands for under the rules in force."""
        ...

    def all(self, workspace_id: int) -> Iterator[Person]:
        """Stream everybody of one moment, in order of creation."""
        ...

    def count(self, workspace_id: int) -> PeopleCounts:
        """Count people, from the indexes."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A claim on one identifier change: who works on it, and until when nobody else may."""

    worker: str
    duration: timedelta


class Migrations(Protocol):
    """Identifier changes, as the worker carries them out.

    Every method that writes checks that the change still stands as ``migration`` says and is still leased to
    ``lease.worker``, and raises Moved otherwise: whoever paused, cancelled or took it over was first.
    """

    def claim(self, lease: Lease, *, now: datetime) -> Migration | None:
        """Lease a change that is due and that nobody else is working on, if there is one."""
        ...

    def check(self, workspace_id: int) -> tuple[PeopleCounts, ViolationCounts]:
        """Count people and violations from the indexes, without a lock."""
        ...

    def start_checking(self, migration: Migration, lease: Lease, *, now: datetime) -> Migration:
        """Requested or Blocked → Checking."""
        ...

    def hold(self, migration: Migration, lease: Lease, *, people: PeopleCounts, now: datetime) -> Migration:
        """Checking → Preparing: from here on writers wait."""
        ...

    def block(self, migration: Migration, lease: Lease, *, people: PeopleCounts, now: datetime) -> Migration:
        """Let writers go, write the violations of this moment down as an export, and rest as Blocked.

        If there is none any more, the change is Checking and still leased.
        """
        ...

    def release(self, migration: Migration, lease: Lease, *, due_at: datetime | None) -> None:
        """Give the change back: to whoever claims from then on; None: until somebody asks for it."""
        ...

    def clear_batch(self, migration: Migration, lease: Lease, *, size: int, now: datetime) -> bool:
        """Remove up to ``size`` e-mail identifiers that no rule in force reads; True when none is left."""
        ...

    def prepare_batch(self, migration: Migration, lease: Lease, *, size: int, now: datetime) -> bool:
        """Add up to ``size`` of the future e-mail identifiers; True when all are there. Remembers how far it came."""
        ...

    def switch(self, migration: Migration, lease: Lease, *, now: datetime) -> Migration:
        """Preparing → Switched: the new rules are in force and writers go on, in one transaction."""
        ...

    def complete(self, migration: Migration, lease: Lease, *, now: datetime) -> Migration:
        """Switched → Completed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A report of violations that can be fetched as CSV."""

    workspace_id: int
    number: int
    migration_number: int
    created_at: datetime
    description: str
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ViolationRow:
    """One person of an export. ``sharing`` is how many people have this e-mail key, themselves included."""

    cio_id: str
    id: str | None
    email: str | None
    email_key: str | None
    created_at: int
    sharing: int
    invalid_email: bool
    suppressed_email: bool
    id_is_another_email: bool


class Exports(Protocol):
    """Reports of violations."""

    def exports(self, workspace_id: int) -> Sequence[Export]:
        """All exports of a workspace, newest first."""
        ...

    def violations(self, workspace_id: int, number: int) -> Iterator[ViolationRow]:
        """Stream an export's people by (e-mail key, age, cio_id), those without a key first."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How to reach a cluster; ``authorization`` is the whole value of that header."""

    server: str
    ca_file: str | None = None
    insecure: bool = False
    authorization: str | None = field(default=None, repr=False)
    certificate_file: str | None = None
    key_file: str | None = None


class Resources(Protocol):
    """The Workspace resources of the cluster, as far as the operator writes or asks for them."""

    def write_status(self, namespace: str, name: str, status: Mapping[str, Any], *, resource_version: str) -> str:
        """Replace the status; returns the new resourceVersion. Raises Moved or NotFound."""
        ...

    def write_finalizers(self, namespace: str, name: str, finalizers: Sequence[str], *, resource_version: str) -> str:
        """Replace the finalizers; returns the new resourceVersion. Raises Moved or NotFound."""
        ...

    def emit(self, namespace: str, name: str, uid: str, event: Event) -> None:
        """Emit an event about a resource; losing one is not worth an error."""
        ...

    def is_released(self, owner: Owner) -> bool:
        """Whether the resource that owns a workspace is gone."""
        ...
