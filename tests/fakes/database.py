"""What the in-memory adapters share: everything there is, by workspace."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count

from workspace_operator.application.ports import Export, Heartbeat, Merge, StoredCredentials, ViolationRow
from workspace_operator.errors import NotFound, StaleRevision
from workspace_operator.identity.model.person_events import ActivityLogged
from workspace_operator.identity.model.working_set import Suppression, WorkingSet
from workspace_operator.identity.values.devices import Device
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import Migration
from workspace_operator.migrations.state_machine import TERMINAL
from workspace_operator.workspaces.model import Owner, Workspace

FIX_SETTLE_TIME = timedelta(seconds=5)


@dataclass(slots=True, kw_only=True)
class StoredMigration:
    """An identifier change, and what only the store knows of it."""

    migration: Migration
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
    """One workspace with all that it holds."""

    workspace: Workspace
    working_set: WorkingSet
    changes: list[StoredMigration] = field(default_factory=list)
    credentials: list[StoredCredentials] = field(default_factory=list)
    exports: dict[int, Export] = field(default_factory=dict)
    violations: dict[int, list[ViolationRow]] = field(default_factory=dict)
    blocked_export: int | None = None
    merged: tuple[int, int] = (0, 0)
    activities: list[StoredActivity] = field(default_factory=list)
    devices: dict[str, dict[str, Device]] = field(default_factory=dict)
    segments: dict[str, set[int]] = field(default_factory=dict)
    named_segments: dict[int, tuple[str, datetime]] = field(default_factory=dict)
    merges: dict[str, StoredMerge] = field(default_factory=dict)

    @property
    def is_migrating(self) -> bool:
        return bool(self.changes) and self.changes[-1].migration.stage not in TERMINAL

    def write(self, **values: object) -> None:
        """Change fields of the workspace; its row version grows."""
        version = self.workspace.row_version + 1
        self.workspace = replace(self.workspace, row_version=version, **values)  # type: ignore[arg-type]

    def record_spec(self, **values: object) -> None:
        """Change what is recorded of the owner's spec; the row version stays."""
        self.workspace = replace(self.workspace, **values)  # type: ignore[arg-type]

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
        self.write(mode=mode)


@dataclass(slots=True, kw_only=True)
class InMemoryDatabase:
    """Everything. ``clock`` is for the calls that are not told the time."""

    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    states: dict[int, WorkspaceState] = field(default_factory=dict)
    store_id: str = "store-1"
    heartbeats: dict[str, Heartbeat] = field(default_factory=dict)
    numbers: "count[int]" = field(default_factory=lambda: count(1))
    names: "count[int]" = field(default_factory=lambda: count(1))

    def state(self, workspace_id: int) -> WorkspaceState:
        if workspace_id not in self.states:
            raise NotFound(f"there is no workspace number {workspace_id}")
        return self.states[workspace_id]

    def new_id(self) -> str:
        """Name an activity or a merge: later ones sort after earlier ones."""
        return f"{int(self.clock().timestamp() * 1000):012x}{next(self.names):08x}"

    def owned_by(self, owner: Owner) -> WorkspaceState | None:
        return next((state for state in self.states.values() if _place(state.workspace.owner) == _place(owner)), None)

    def migration(self, workspace_id: int, number: int) -> StoredMigration:
        for each in self.states[workspace_id].changes if workspace_id in self.states else ():
            if each.migration.number == number:
                return each
        raise StaleRevision(f"workspace number {workspace_id} has no identifier change {number}")


def _place(owner: Owner) -> tuple[str, str, str]:
    return owner.cluster, owner.namespace, owner.name
