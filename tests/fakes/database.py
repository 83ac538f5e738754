"""What the in-memory adapters share: everything there is, by workspace."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from tests.fakes.sending.state import SendingState
from tests.fakes.workspaces.sending import FakeSendingState
from workspace_operator.application.ports import (
    ConsoleSession,
    Export,
    Heartbeat,
    Merge,
    RecordedEntry,
    RegisteredSender,
    SignInLink,
    SignInPin,
    StoredCredentials,
    ViolationRow,
)
from workspace_operator.errors import NotFound
from workspace_operator.identity.model.person_events import ActivityLogged
from workspace_operator.identity.model.working_set import Suppression, WorkingSet
from workspace_operator.identity.values.devices import Device
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import Migration
from workspace_operator.migrations.state_machine import TERMINAL
from workspace_operator.reconcile.plan.simulation import InMemoryWorkspaces
from workspace_operator.workspaces.model import Workspace

FIX_SETTLE_TIME = timedelta(seconds=5)


@dataclass(slots=True, kw_only=True)
class MigrationWork:
    """When and by which worker the newest migration is carried out, and what of it is in the resource's status."""

    due_at: datetime | None
    status_revision: int = 1
    status_progress: int = 0
    lease_owner: str = ""
    lease_expires_at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class StoredActivity:
    """An activity: whose it is now, and whose it was when it was recorded."""

    activity_id: str
    activity: ActivityLogged
    cio_id: str | None
    origin: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMerge:
    """A merge, and what of the secondary's the primary had by itself."""

    merge: Merge
    duplicate_tokens: frozenset[str]
    duplicate_segments: frozenset[int]


@dataclass(slots=True, kw_only=True)
class WorkspaceState:
    """What one workspace holds; the workspace itself and its newest migration are in the directory."""

    workspace_id: int
    memory: "InMemoryDatabase" = field(repr=False, compare=False)
    working_set: WorkingSet
    work: MigrationWork = field(default_factory=lambda: MigrationWork(due_at=None))
    credentials: list[StoredCredentials] = field(default_factory=list)
    exports: dict[int, Export] = field(default_factory=dict)
    violations: dict[int, list[ViolationRow]] = field(default_factory=dict)
    blocked_export: int | None = None
    former_migrations: list[Migration] = field(default_factory=list)
    merged: tuple[int, int] = (0, 0)
    activities: list[StoredActivity] = field(default_factory=list)
    devices: dict[str, dict[str, Device]] = field(default_factory=dict)
    segments: dict[str, set[int]] = field(default_factory=dict)
    named_segments: dict[int, tuple[str, datetime]] = field(default_factory=dict)
    merges: dict[str, StoredMerge] = field(default_factory=dict)
    sending: SendingState = field(default_factory=SendingState)

    @property
    def workspace(self) -> Workspace:
        return self.memory.directory.workspaces[self.workspace_id]

    @property
    def migration(self) -> Migration | None:
        return self.memory.directory.migrations.get(self.workspace_id)

    @property
    def is_migrating(self) -> bool:
        return self.migration is not None and self.migration.stage not in TERMINAL

    def update_migration(self, **values: object) -> Migration:
        migrations = self.memory.directory.migrations
        migrations[self.workspace_id] = replace(migrations[self.workspace_id], **values)  # type: ignore[arg-type]
        return migrations[self.workspace_id]

    def set_mode(self, mode: Mode) -> None:
        """Put other identifiers in force: the same people claim by other rules."""
        blocked = self.working_set.suppressed.items()
        self.working_set = WorkingSet(
            mode=mode,
            people=self.working_set.people.values(),
            suppressions=[
                Suppression(kind=kind, key=key, suppression_id=each) for (kind, key), held in blocked for each in held
            ],
        )
        self.memory.directory.set_mode(self.workspace_id, mode)


@dataclass(slots=True, kw_only=True)
class InMemoryDatabase:
    """Everything. ``clock`` is for the calls that are not told the time."""

    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    directory: InMemoryWorkspaces = field(default_factory=InMemoryWorkspaces)
    states: dict[int, WorkspaceState] = field(default_factory=dict)
    store_id: str = "store-1"
    heartbeats: dict[str, Heartbeat] = field(default_factory=dict)
    senders: dict[str, tuple[str, RegisteredSender]] = field(default_factory=dict)
    root_key_fingerprint: str | None = None
    sign_in_links: dict[str, SignInLink] = field(default_factory=dict)
    console_sessions: dict[str, ConsoleSession] = field(default_factory=dict)
    sign_in_pins: dict[str, SignInPin] = field(default_factory=dict)
    sending: FakeSendingState = field(default_factory=FakeSendingState)
    last_name: int = 0
    audit_entries: list[RecordedEntry] = field(default_factory=list)
    last_entry: int = 0

    def state(self, workspace_id: int) -> WorkspaceState:
        if workspace_id not in self.states:
            raise NotFound(f"there is no workspace number {workspace_id}")
        return self.states[workspace_id]

    def follow(self, directory: InMemoryWorkspaces) -> None:
        """Take over a directory: a new workspace is empty, and what a deleted one held is deleted."""
        self.directory = directory
        for number in self.states.keys() - directory.workspaces.keys():
            del self.states[number]
            self.audit_entries = [entry for entry in self.audit_entries if entry.workspace_id != number]
        for number in directory.workspaces.keys() - self.states.keys():
            working_set = WorkingSet(mode=directory.workspaces[number].mode)
            self.states[number] = WorkspaceState(workspace_id=number, memory=self, working_set=working_set)

    def delete(self, workspace_id: int) -> None:
        self.directory.remove(workspace_id)
        self.follow(self.directory)

    def new_id(self) -> str:
        """Name an activity or a merge: later ones sort after earlier ones."""
        return self._time_and_number(digits=8)

    def new_delivery_id(self) -> str:
        """Name a delivery, with the number of digits that a token of it has."""
        return self._time_and_number(digits=12)

    def _time_and_number(self, *, digits: int) -> str:
        self.last_name += 1
        return f"{int(self.clock().timestamp() * 1000):012x}{self.last_name:0{digits}x}"
