"""What the in-memory adapters share: everything there is, by workspace."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count

from workspace_operator.application.ports import Export, Heartbeat, Merge, StoredCredentials, ViolationRow
from workspace_operator.errors import Moved, NotFound
from workspace_operator.identity.devices import Device
from workspace_operator.identity.population import Population, Suppression
from workspace_operator.identity.rules import Mode
from workspace_operator.identity.trail import Noted
from workspace_operator.migrations.records import Migration
from workspace_operator.migrations.stages import ENDED
from workspace_operator.reconcile.observed import Owner, StoredWorkspace

MENDING_SETTLES = timedelta(seconds=5)


@dataclass(slots=True, kw_only=True)
class Change:
    """An identifier change, and what only the store knows of it."""

    migration: Migration
    due_at: datetime | None
    reported_revision: int = 1
    reported_progress: int = 0
    lease_owner: str = ""
    lease_expires_at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class Recorded:
    """An activity: whose it is now, and whose it was when it was recorded."""

    activity_id: str
    noted: Noted
    cio_id: str | None
    origin: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Journalled:
    """A merge, and what of the secondary's the primary had by itself."""

    merge: Merge
    doubled_tokens: frozenset[str]
    doubled_segments: frozenset[int]


@dataclass(slots=True, kw_only=True)
class Room:
    """One workspace with all that it holds."""

    workspace: StoredWorkspace
    population: Population
    changes: list[Change] = field(default_factory=list)
    credentials: list[StoredCredentials] = field(default_factory=list)
    exports: dict[int, Export] = field(default_factory=dict)
    violations: dict[int, list[ViolationRow]] = field(default_factory=dict)
    blocked_export: int | None = None
    merged: tuple[int, int] = (0, 0)
    activities: list[Recorded] = field(default_factory=list)
    devices: dict[str, dict[str, Device]] = field(default_factory=dict)
    segments: dict[str, set[int]] = field(default_factory=dict)
    named_segments: dict[int, tuple[str, datetime]] = field(default_factory=dict)
    merges: dict[str, Journalled] = field(default_factory=dict)

    @property
    def is_changing(self) -> bool:
        return bool(self.changes) and self.changes[-1].migration.stage not in ENDED

    def write(self, **values: object) -> None:
        """Change fields of the workspace; its row version grows."""
        version = self.workspace.row_version + 1
        self.workspace = replace(self.workspace, row_version=version, **values)  # type: ignore[arg-type]

    def note(self, **values: object) -> None:
        """Change what is recorded of the owner's spec; the row version stays."""
        self.workspace = replace(self.workspace, **values)  # type: ignore[arg-type]

    def switch_to(self, mode: Mode) -> None:
        """Put other identifiers in force: the same people claim by other rules."""
        blocked = self.population.blocked.items()
        self.population = Population(
            mode=mode,
            people=self.population.people.values(),
            suppressions=[
                Suppression(kind=kind, key=key, suppression_id=each) for (kind, key), held in blocked for each in held
            ],
        )
        self.write(mode=mode)


@dataclass(slots=True, kw_only=True)
class Memory:
    """Everything. ``clock`` is for the calls that are not told the time."""

    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    rooms: dict[int, Room] = field(default_factory=dict)
    store_id: str = "store-1"
    heartbeats: dict[str, Heartbeat] = field(default_factory=dict)
    numbers: "count[int]" = field(default_factory=lambda: count(1))
    names: "count[int]" = field(default_factory=lambda: count(1))

    def room(self, workspace_id: int) -> Room:
        if workspace_id not in self.rooms:
            raise NotFound(f"there is no workspace number {workspace_id}")
        return self.rooms[workspace_id]

    def new_id(self) -> str:
        """Name an activity or a merge: later ones sort after earlier ones."""
        return f"{int(self.clock().timestamp() * 1000):012x}{next(self.names):08x}"

    def owned_by(self, owner: Owner) -> Room | None:
        return next((room for room in self.rooms.values() if _place(room.workspace.owner) == _place(owner)), None)

    def change(self, workspace_id: int, number: int) -> Change:
        for each in self.rooms[workspace_id].changes if workspace_id in self.rooms else ():
            if each.migration.number == number:
                return each
        raise Moved(f"workspace number {workspace_id} has no identifier change {number}")


def _place(owner: Owner) -> tuple[str, str, str]:
    return owner.cluster, owner.namespace, owner.name
