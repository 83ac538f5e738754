"""What a reconcile has seen before it decides: the store's side of one Workspace resource."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from workspace_operator.identity.rules import EmailUpdates, IDUpdates, Mode
from workspace_operator.migrations.records import Migration
from workspace_operator.reconcile.credentials import CredentialsSeen
from workspace_operator.resources.workspaces import SendMode as SendMode  # noqa: PLC0414 - the store speaks of it with the rest


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The resource that a store workspace belongs to. ``uid`` is empty while nobody has claimed it.

    ``created_at`` is the resource's creationTimestamp, empty if it is not known. It does not tell owners apart: it says
    which of two UIDs of one name is the later one.
    """

    cluster: str
    namespace: str
    name: str
    uid: str
    created_at: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything of a workspace that is put in force at once, that is: all but its mode."""

    display_name: str
    color: str = "6B7280"
    email_updates: EmailUpdates = EmailUpdates.BY_ID_OR_CIO_ID
    id_updates: IDUpdates = IDUpdates.NEVER
    merge_multi_identifier: bool = True
    send_mode: SendMode = SendMode.NORMAL
    test_address: str | None = None
    open_tracking: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecVersion:
    """Which document of a resource asks for a write: its UID and generation."""

    uid: str
    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredWorkspace:
    """A workspace as the store has it.

    Attributes:
        row_version: grows with every write of settings, mode or owner.
        spec_generation: the newest generation of the owner's spec that was carried out; the store refuses a lower one.
        spec_row_version: ``row_version`` when that was recorded; different once anything else has written the row.
        held_generation: a generation that was accepted although it is lower than an earlier one (etcd was restored):
            what cannot be taken back is not begun for it.
        held_request: the reconcile request at that time; another one releases it.
    """

    workspace_id: int
    account: str
    owner: Owner
    mode: Mode
    settings: Settings
    row_version: int
    spec_generation: int = 0
    spec_row_version: int = 0
    held_generation: int | None = None
    held_request: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledWorkspace:
    """A workspace whose row nothing has written since a generation of its owner's spec was recorded.

    ``store_id`` is the identity of its database, ``rotation_request`` the value of the annotation that asked for the
    newest credentials, and ``rotated_at`` when these were made; None if there are none.
    """

    store_id: str
    workspace_id: int
    owner: Owner
    generation: int
    mode: Mode
    rotation_request: str
    rotated_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleCounts:
    """How many people there are, by what they have. Who lacks an id and an address is reached by cio_id only."""

    total: int = 0
    with_email: int = 0
    without_id: int = 0
    without_identifier: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A workspace that is not ours yet. ``released`` says that its owner's resource is gone."""

    workspace: StoredWorkspace
    released: bool

    def is_near(self, owner: Owner) -> bool:
        """Whether it is of an owner's own cluster and namespace: of all others a resource is told nothing."""
        theirs = self.workspace.owner
        return (theirs.cluster, theirs.namespace) == (owner.cluster, owner.namespace)


class Pulse(StrEnum):
    """What is known of the operator of another cluster, from its heartbeat in the database."""

    UNKNOWN = "unknown"
    ALIVE = "alive"
    SILENT = "silent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Namesake:
    """A workspace of another cluster whose owner has our namespace and name.

    Attributes:
        beats: the heartbeat of its cluster as a count; None if that cluster never had one.
        pulse: unknown until its heartbeat has moved, or has not moved for long enough.
    """

    workspace: StoredWorkspace
    beats: int | None = None
    pulse: Pulse = Pulse.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """The store's side of one resource.

    Attributes:
        store_id: the identity of the database; empty where there is none, as in a plan.
        workspace: the one whose owner has our cluster, namespace and name, whatever its UID.
        name_holder: the workspace of our account that has the wanted display name, if it is not ours.
        adoptable: the workspace that the ``adopt`` annotation names; None if it does not exist.
        remembered: the workspace that our status names, if it is not ours (any more).
        namesakes: workspaces of other clusters that have our namespace and name; looked for while we have none.
        migration: our workspace's newest identifier change, ended or not.
        credentials: those of our workspace, and its Secret; None where nobody has looked.
        people: None when they were not counted this time: what the status says stays.
    """

    store_id: str = ""
    workspace: StoredWorkspace | None = None
    name_holder: Candidate | None = None
    adoptable: Candidate | None = None
    remembered: Candidate | None = None
    namesakes: tuple[Namesake, ...] = ()
    migration: Migration | None = None
    credentials: CredentialsSeen | None = None
    people: PeopleCounts | None = field(default_factory=PeopleCounts)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreAway:
    """Seen instead of `Observed` while the store does not answer.

    It carries no error text on purpose: what a database driver says may hold secrets and changes with
    every attempt, and the status is written only when the outcome differs.
    """
