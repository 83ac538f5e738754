"""The directory of workspaces, in memory."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from tests.fakes.memory import Change, Memory, Room
from workspace_operator.application.ports import Sought
from workspace_operator.errors import Ambiguous, Moved, NameTaken, NotFound
from workspace_operator.identity.population import Population
from workspace_operator.migrations.records import Migration
from workspace_operator.migrations.stages import BEFORE_SWITCH, ENDED, Stage
from workspace_operator.reconcile.names import name_holder
from workspace_operator.reconcile.observed import (
    Candidate,
    Namesake,
    Observed,
    Owner,
    SettledWorkspace,
    SpecVersion,
    StoredWorkspace,
)
from workspace_operator.reconcile.plan import (
    AcceptLowerGeneration,
    Action,
    CancelMigration,
    CreateWorkspace,
    DestroyWorkspace,
    PauseMigration,
    PutInForce,
    RecordSpec,
    RequestMigration,
    RetryMigration,
    TakeOver,
)
from workspace_operator.resources.display_names import comparison_key


@dataclass(frozen=True, slots=True)
class MemoryWorkspaces:
    """Implements the port ``Workspaces``."""

    memory: Memory

    def observe(self, sought: Sought) -> Observed:
        ours = self.memory.owned_by(sought.owner)
        account = ours.workspace.account if ours else sought.account
        named = self._named(sought.owner, account, sought.display_name, ours)
        return Observed(
            store_id=self.memory.store_id,
            namesakes=() if ours else self._namesakes(sought.owner),
            workspace=ours.workspace if ours else None,
            name_holder=_candidate(named),
            adoptable=_candidate(self._numbered(sought.adopt)),
            remembered=_candidate(self._numbered(sought.remembered), unless=ours),
            migration=ours.changes[-1].migration if ours and ours.changes else None,
            people=None,
        )

    def carry_out(self, action: Action, *, now: datetime, spec: SpecVersion | None = None) -> None:
        if isinstance(action, CreateWorkspace):
            self._create(action, spec)
        elif isinstance(action, TakeOver):
            self._take_over(action, spec)
        elif isinstance(action, AcceptLowerGeneration):
            self._accept(action)
        else:
            self._refuse_late(action.workspace_id, spec)
            self._write(action, now, spec)
            self._record(action.workspace_id, spec)

    def _write(self, action: Action, now: datetime, spec: SpecVersion | None) -> None:
        match action:
            case PutInForce():
                self._put_in_force(action, spec)
            case DestroyWorkspace():
                self._unmoved(action.workspace_id, action.row_version)
                del self.memory.rooms[action.workspace_id]
            case RequestMigration():
                self._request(action, now)
            case CancelMigration() | PauseMigration() | RetryMigration():
                self._ask(action, now)
            case RecordSpec():
                room = self._unmoved(action.workspace_id, action.row_version)
                room.note(spec_row_version=action.row_version)

    def _put_in_force(self, action: PutInForce, spec: SpecVersion | None) -> None:
        room = self._unmoved(action.workspace_id, action.row_version)
        self._refuse_taken_name(room.workspace.owner, room.workspace.account, action.settings.display_name, room)
        room.write(settings=action.settings)
        if spec is not None:
            room.note(spec_row_version=room.workspace.row_version)

    def unchanged(self, cluster: str, namespaces: Collection[str]) -> Sequence[SettledWorkspace]:
        return [
            SettledWorkspace(
                store_id=self.memory.store_id,
                workspace_id=number,
                owner=room.workspace.owner,
                generation=room.workspace.spec_generation,
                mode=room.workspace.mode,
                rotation_request=room.credentials[-1].request if room.credentials else "",
                rotated_at=room.credentials[-1].created_at if room.credentials else None,
            )
            for number, room in self.memory.rooms.items()
            if room.workspace.owner.cluster == cluster
            and room.workspace.owner.namespace in namespaces
            and room.workspace.spec_row_version == room.workspace.row_version
        ]

    def unreported(self) -> Sequence[tuple[Owner, Migration]]:
        return [
            (room.workspace.owner, each.migration)
            for room in self.memory.rooms.values()
            for each in room.changes
            if (each.migration.revision, each.migration.progress) != (each.reported_revision, each.reported_progress)
        ]

    def reported(self, migration: Migration) -> None:
        change = self.memory.change(migration.workspace_id, migration.number)
        change.reported_revision = max(change.reported_revision, migration.revision)
        change.reported_progress = max(change.reported_progress, migration.progress)

    def find(self, namespace: str, name: str, *, cluster: str | None = None) -> StoredWorkspace:
        found = [
            each
            for each in self.list()
            if (each.owner.namespace, each.owner.name) == (namespace, name) and cluster in {None, each.owner.cluster}
        ]
        if not found:
            raise NotFound(f"there is no workspace {namespace}/{name}")
        if len(found) > 1:
            raise Ambiguous(f"{namespace}/{name} is in {', '.join(each.owner.cluster for each in found)}")
        return found[0]

    def get(self, workspace_id: int) -> StoredWorkspace:
        return self.memory.room(workspace_id).workspace

    def list(self) -> Sequence[StoredWorkspace]:
        return [room.workspace for _, room in sorted(self.memory.rooms.items())]

    def _refuse_late(self, workspace_id: int, spec: SpecVersion | None) -> None:
        room = self.memory.rooms.get(workspace_id)
        if room is None or spec is None:
            return
        if room.workspace.owner.uid != spec.uid or room.workspace.spec_generation > spec.generation:
            raise Moved(f"workspace number {workspace_id}: this document is late")

    def _record(self, workspace_id: int, spec: SpecVersion | None) -> None:
        room = self.memory.rooms.get(workspace_id)
        if room is not None and spec is not None and room.workspace.spec_generation != spec.generation:
            room.note(spec_generation=spec.generation, held_generation=None, held_request=None)

    def _accept(self, action: AcceptLowerGeneration) -> None:
        room = self._unmoved(action.workspace_id, action.row_version)
        if room.workspace.spec_generation != action.recorded:
            raise Moved(f"workspace number {action.workspace_id}: another generation was recorded meanwhile")
        held = {"held_generation": action.generation, "held_request": action.request}
        room.note(spec_generation=action.generation, spec_row_version=0, **held)

    def _create(self, action: CreateWorkspace, spec: SpecVersion | None) -> None:
        if self.memory.owned_by(action.owner):
            raise Moved(f"{action.owner.namespace}/{action.owner.name} has a workspace already")
        self._refuse_taken_name(action.owner, action.account, action.settings.display_name, None)
        number = next(each for each in self.memory.numbers if each != action.instead_of)
        workspace = StoredWorkspace(
            workspace_id=number,
            account=action.account,
            owner=action.owner,
            mode=action.mode,
            settings=action.settings,
            row_version=1,
            spec_generation=spec.generation if spec else 0,
            spec_row_version=1,
        )
        self.memory.rooms[number] = Room(workspace=workspace, population=Population(mode=action.mode))

    def _take_over(self, action: TakeOver, spec: SpecVersion | None) -> None:
        room = self._unmoved(action.workspace_id, action.row_version)
        if self.memory.owned_by(action.owner) not in (None, room):
            raise Moved(f"{action.owner.namespace}/{action.owner.name} has a workspace already")
        self._refuse_taken_name(action.owner, room.workspace.account, room.workspace.settings.display_name, room)
        room.write(owner=action.owner)
        room.note(spec_generation=spec.generation if spec else 0, held_generation=None, held_request=None)

    def _namesakes(self, owner: Owner) -> tuple[Namesake, ...]:
        theirs = [
            room.workspace
            for _, room in sorted(self.memory.rooms.items())
            if room.workspace.owner.cluster != owner.cluster
            and (room.workspace.owner.namespace, room.workspace.owner.name) == (owner.namespace, owner.name)
        ]
        beats = {cluster: heartbeat.beats for cluster, heartbeat in self.memory.heartbeats.items()}
        return tuple(Namesake(workspace=each, beats=beats.get(each.owner.cluster)) for each in theirs)

    def _unmoved(self, workspace_id: int, row_version: int) -> Room:
        room = self.memory.rooms.get(workspace_id)
        if room is None or room.workspace.row_version != row_version:
            raise Moved(f"workspace number {workspace_id} has changed since it was read")
        return room

    def _named(self, owner: Owner, account: str, display_name: str, ours: Room | None) -> Room | None:
        wanted = (owner.cluster, owner.namespace, account)
        beside = [each for each in self.list() if (each.owner.cluster, each.owner.namespace, each.account) == wanted]
        holder = name_holder(display_name, ours.workspace if ours else None, beside)
        return None if holder is None else self.memory.rooms[holder.workspace_id]

    def _numbered(self, workspace_id: int | None) -> Room | None:
        return None if workspace_id is None else self.memory.rooms.get(workspace_id)

    def _refuse_taken_name(self, owner: Owner, account: str, display_name: str, own: Room | None) -> None:
        holder = self._named(owner, account, display_name, own)
        # Of two that have one name since before names were compared, each keeps what it has.
        if holder is not None and (own is None or not self._has_name(own, owner, account, display_name, holder)):
            raise NameTaken(f"another workspace of the same account is called {display_name!r} already")

    def _has_name(self, own: Room, owner: Owner, account: str, display_name: str, holder: Room) -> bool:
        mine, theirs = own.workspace, holder.workspace
        place = (mine.owner.cluster, mine.owner.namespace, mine.account)
        return (
            place == (owner.cluster, owner.namespace, account)
            and comparison_key(mine.settings.display_name) == comparison_key(display_name)
            and theirs.settings.display_name != display_name
        )

    def _request(self, action: RequestMigration, now: datetime) -> None:
        room = self.memory.rooms.get(action.workspace_id)
        if room is None or room.workspace.mode is not action.from_mode or room.is_changing:
            raise Moved(f"workspace number {action.workspace_id} cannot start an identifier change just now")
        migration = Migration(
            workspace_id=action.workspace_id,
            number=len(room.changes) + 1,
            from_mode=action.from_mode,
            to_mode=action.to_mode,
            on_conflict=action.on_conflict,
            requested_at=now,
            revision=1,
        )
        for earlier in room.changes:
            earlier.reported_revision, earlier.reported_progress = (
                earlier.migration.revision,
                earlier.migration.progress,
            )
        room.changes.append(Change(migration=migration, due_at=now))

    def _ask(self, action: CancelMigration | PauseMigration | RetryMigration, now: datetime) -> None:
        change = self.memory.change(action.workspace_id, action.number)
        room, stage = self.memory.rooms[action.workspace_id], change.migration.stage
        if stage in ENDED:
            raise Moved(f"identifier change {action.number} has ended")
        match action:
            case CancelMigration():
                _cancel(room, change, now)
            case PauseMigration(paused=True):
                _move(change, paused=True)
            case PauseMigration():
                change.due_at = change.due_at if stage is Stage.BLOCKED else now
                _move(change, paused=False)
            case RetryMigration():
                change.due_at = now
                _move(change, retry_token=action.token)


def _cancel(room: Room, change: Change, now: datetime) -> None:
    if change.migration.stage not in BEFORE_SWITCH:
        raise Moved(f"identifier change {change.migration.number} has switched already")
    room.blocked_export = change.due_at = None
    _move(change, stage=Stage.CANCELLED, completed_at=now)


def _move(change: Change, **values: object) -> None:
    """Every request ends the lease, so that a worker in the middle of a step finds out."""
    change.lease_owner, change.lease_expires_at = "", None
    revision = change.migration.revision + 1
    change.migration = replace(change.migration, revision=revision, **values)  # type: ignore[arg-type]


def _candidate(found: Room | None, *, unless: Room | None = None) -> Candidate | None:
    return None if found is None or found is unless else Candidate(workspace=found.workspace, released=False)
