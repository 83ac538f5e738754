"""Identifier changes as the worker carries them out, in memory.

Who owns which identifier follows from the mode in force, so there is nothing to prepare and nothing to clear.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tests.fakes.memory import Change, Memory, Room
from tests.fakes.merging import merge_all
from tests.fakes.people import settle
from tests.fakes.violations import people_counts, violation_counts, violation_rows
from workspace_operator.application.ports import LONGEST_REST, Batch, Export, Lease
from workspace_operator.errors import Moved
from workspace_operator.identity.rules import Mode
from workspace_operator.migrations.records import Migration, OnConflict, ViolationCounts
from workspace_operator.migrations.stages import ENDED, Stage
from workspace_operator.reconcile.observed import Owner, PeopleCounts

KEPT_EXPORTS = 3


@dataclass(frozen=True, slots=True)
class MemoryMigrations:
    """Implements the port ``Migrations``."""

    memory: Memory

    def claim(self, lease: Lease, *, now: datetime) -> Migration | None:
        changes = [each for room in self.memory.rooms.values() for each in room.changes]
        due = [(each.due_at, index) for index, each in enumerate(changes) if each.due_at and _is_free(each, lease, now)]
        ready = sorted(each for each in due if not now < each[0] <= now + LONGEST_REST)
        if not ready:
            return None
        change = changes[ready[0][1]]
        change.lease_owner, change.lease_expires_at = lease.worker, now + lease.duration
        return change.migration

    def check(self, workspace_id: int) -> tuple[PeopleCounts, ViolationCounts]:
        if workspace_id not in self.memory.rooms:
            return PeopleCounts(), ViolationCounts()
        population = self.memory.rooms[workspace_id].population
        return people_counts(population), violation_counts(violation_rows(population))

    def start_checking(self, migration: Migration, lease: Lease, *, now: datetime) -> Migration:
        _, change = self._leased(migration, lease)
        return _move(change, lease, now, stage=Stage.CHECKING, started_at=migration.started_at or now)

    def newest(self, workspace_id: int) -> Migration | None:
        room = self.memory.rooms.get(workspace_id)
        return room.changes[-1].migration if room and room.changes else None

    def unfinished(self) -> Sequence[tuple[Owner, Migration]]:
        rooms = [room for _, room in sorted(self.memory.rooms.items()) if room.is_changing]
        return [(room.workspace.owner, room.changes[-1].migration) for room in rooms]

    def start_preparing(self, migration: Migration, lease: Lease, *, people: PeopleCounts, now: datetime) -> Migration:
        _, change = self._leased(migration, lease)
        enables = migration.from_mode is Mode.ID_ONLY
        counts = {
            "people_total": people.total,
            "people_checked": 0 if enables else people.total,
            "people_without_id": people.without_id,
            "people_without_identifier": people.without_identifier if enables else people.without_id,
        }
        return _move(change, lease, now, stage=Stage.PREPARING, **counts)

    def block(self, migration: Migration, lease: Lease, *, people: PeopleCounts, now: datetime) -> Migration:
        room, change = self._leased(migration, lease)
        counts: dict[str, object] = {"people_total": people.total, "people_checked": people.total}
        rows = violation_rows(room.population, migration.on_conflict)
        if not rows:
            is_preparing = migration.stage is Stage.PREPARING
            return _move(change, lease, now, stage=Stage.PREPARING if is_preparing else Stage.CHECKING)
        room.blocked_export = number = max(room.exports, default=0) + 1
        room.exports[number] = Export(
            workspace_id=migration.workspace_id,
            number=number,
            migration_number=migration.number,
            created_at=now,
            description=f"people who stand in the way of {migration.from_mode} to {migration.to_mode}",
            total=len(rows),
        )
        room.violations[number] = rows
        for old in [each for each in room.exports if each <= number - KEPT_EXPORTS]:
            del room.exports[old], room.violations[old]
        counts |= {"violations": violation_counts(rows), "export": number}
        moved = _move(change, lease, now, stage=Stage.BLOCKED, **counts)
        change.lease_owner, change.lease_expires_at, change.due_at = "", None, None
        return moved

    def release(self, migration: Migration, lease: Lease, *, due_at: datetime | None) -> None:
        _, change = self._leased(migration, lease)
        change.lease_owner, change.lease_expires_at = "", None
        change.due_at = due_at

    def clear_batch(self, migration: Migration, lease: Lease, *, size: int, now: datetime) -> Batch:  # noqa: ARG002
        return self._renewed(migration, lease, now)

    def prepare_batch(self, migration: Migration, lease: Lease, *, size: int, now: datetime) -> Batch:  # noqa: ARG002
        return self._renewed(migration, lease, now)

    def settle_batch(self, migration: Migration, lease: Lease, *, size: int, now: datetime) -> Batch:  # noqa: ARG002
        return self._renewed(migration, lease, now)

    def is_obstructed(self, migration: Migration) -> bool:
        population = self.memory.room(migration.workspace_id).population
        return bool(violation_rows(population, migration.on_conflict))

    def switch(self, migration: Migration, lease: Lease, *, patience: timedelta, now: datetime) -> Migration:  # noqa: ARG002
        room, change = self._leased(migration, lease)
        if migration.from_mode is Mode.ID_ONLY and self.is_obstructed(migration):
            return migration
        room.blocked_export = None
        if migration.from_mode is Mode.ID_ONLY and migration.on_conflict is OnConflict.MERGE:
            self._merge(room, now)
        room.switch_to(migration.to_mode)
        checked = {"people_checked": migration.people_total}
        return _move(change, lease, now, stage=Stage.SWITCHED, export=None, violations=ViolationCounts(), **checked)

    def start_folding(self, migration: Migration, lease: Lease, *, now: datetime) -> Migration:
        room, change = self._leased(migration, lease)
        merged, ids = room.merged
        return _move(change, lease, now, stage=Stage.FOLDING, people_merged=merged, ids_given_up=ids)

    def fold_batch(self, migration: Migration, lease: Lease, *, size: int, now: datetime) -> Batch:  # noqa: ARG002
        _, change = self._leased(migration, lease)
        change.migration = replace(change.migration, people_folded=migration.people_merged)
        return self._renewed(migration, lease, now)

    def _merge(self, room: Room, now: datetime) -> None:
        """Nobody waits in memory: who shares an address becomes one at once."""
        sharing = defaultdict(list)
        for each in room.population.people.values():
            if each.email_key is not None:
                sharing[each.email_key].append(each)
        groups = [group for _, group in sorted(sharing.items()) if len(group) > 1]
        ids = [sum(each.id is not None for each in group) for group in groups]
        room.merged = (sum(len(group) - 1 for group in groups), sum(max(each - 1, 0) for each in ids))
        for group in groups:
            merge_all(room.population, group, now=int(now.timestamp()))
        settle(self.memory, room, now)

    def complete(self, migration: Migration, lease: Lease, *, now: datetime) -> Migration:
        _, change = self._leased(migration, lease)
        change.due_at = None
        return _move(change, lease, now, stage=Stage.COMPLETED, completed_at=now)

    def _leased(self, migration: Migration, lease: Lease) -> tuple[Room, Change]:
        change = self.memory.change(migration.workspace_id, migration.number)
        if change.lease_owner != lease.worker or change.migration.revision != migration.revision:
            raise Moved(f"identifier change {migration.number} has moved on")
        return self.memory.rooms[migration.workspace_id], change

    def _renewed(self, migration: Migration, lease: Lease, now: datetime) -> Batch:
        _, change = self._leased(migration, lease)
        change.lease_expires_at = now + lease.duration
        return Batch(done=True)


def _is_free(change: Change, lease: Lease, now: datetime) -> bool:
    expires = change.lease_expires_at
    is_leased = expires is not None and now < expires <= now + LONGEST_REST and change.lease_owner != lease.worker
    return not is_leased and not change.migration.paused


def _move(change: Change, lease: Lease, now: datetime, *, stage: Stage, **values: object) -> Migration:
    if stage not in ENDED:
        change.lease_expires_at, change.due_at = now + lease.duration, now
    revision = change.migration.revision + 1
    change.migration = replace(change.migration, stage=stage, revision=revision, **values)  # type: ignore[arg-type]
    return change.migration
