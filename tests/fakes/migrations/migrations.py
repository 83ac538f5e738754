"""Identifier changes as the worker carries them out, in memory.

Who owns which identifier follows from the mode in force, so there is nothing to prepare and nothing to clear.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.fakes.database import InMemoryDatabase, WorkspaceState
from tests.fakes.migrations.violations import people_counts, violation_counts, violation_rows
from tests.fakes.people.bulk_merge import merge_all
from tests.fakes.people.people import commit
from workspace_operator.application.ports import MAX_DUE_DELAY, Batch, Export, Lease
from workspace_operator.errors import StaleRevision
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import Migration, OnConflict, ViolationCounts
from workspace_operator.migrations.state_machine import TERMINAL, Stage
from workspace_operator.workspaces.model import Owner, PeopleCounts

MAX_EXPORTS = 3


@dataclass(frozen=True, slots=True)
class FakeMigrations:
    """Implements the port ``Migrations``."""

    memory: InMemoryDatabase

    def claim(self, lease: Lease, *, now: datetime) -> Migration | None:
        states = self.memory.states
        due = [(each.work.due_at, number) for number, each in states.items() if each.work.due_at]
        ready = [number for at, number in sorted(due) if not now < at <= now + MAX_DUE_DELAY]
        claimed = next((states[number] for number in ready if _is_free(states[number], lease, now)), None)
        if claimed is None:
            return None
        claimed.work.lease_owner, claimed.work.lease_expires_at = lease.worker, now + lease.duration
        return claimed.migration

    def check(self, workspace_id: int) -> tuple[PeopleCounts, ViolationCounts]:
        if workspace_id not in self.memory.states:
            return PeopleCounts(), ViolationCounts()
        working_set = self.memory.states[workspace_id].working_set
        return people_counts(working_set), violation_counts(violation_rows(working_set))

    def start_checking(self, migration: Migration, lease: Lease, *, now: datetime) -> Migration:
        state = self._leased(migration, lease)
        return _move(state, lease, now, stage=Stage.CHECKING, started_at=migration.started_at or now)

    def newest(self, workspace_id: int) -> Migration | None:
        return self.memory.directory.migrations.get(workspace_id)

    def unfinished(self) -> Sequence[tuple[Owner, Migration]]:
        directory = self.memory.directory
        newest = [each for _, each in sorted(directory.migrations.items()) if each.stage not in TERMINAL]
        return [(directory.workspaces[each.workspace_id].owner, each) for each in newest]

    def start_preparing(self, migration: Migration, lease: Lease, *, people: PeopleCounts, now: datetime) -> Migration:
        state = self._leased(migration, lease)
        enables = migration.from_mode is Mode.ID_ONLY
        counts = {
            "people_total": people.total,
            "people_checked": 0 if enables else people.total,
            "people_without_id": people.without_id,
            "people_without_identifier": people.without_identifier if enables else people.without_id,
        }
        return _move(state, lease, now, stage=Stage.PREPARING, **counts)

    def block(self, migration: Migration, lease: Lease, *, people: PeopleCounts, now: datetime) -> Migration:
        state = self._leased(migration, lease)
        counts: dict[str, object] = {"people_total": people.total, "people_checked": people.total}
        rows = violation_rows(state.working_set, migration.on_conflict)
        if not rows:
            is_preparing = migration.stage is Stage.PREPARING
            return _move(state, lease, now, stage=Stage.PREPARING if is_preparing else Stage.CHECKING)
        state.blocked_export = number = max(state.exports, default=0) + 1
        state.exports[number] = Export(
            workspace_id=migration.workspace_id,
            number=number,
            migration_number=migration.number,
            created_at=now,
            description=f"people who block the change from {migration.from_mode} to {migration.to_mode}",
            total=len(rows),
        )
        state.violations[number] = rows
        for old in [each for each in state.exports if each <= number - MAX_EXPORTS]:
            del state.exports[old], state.violations[old]
        counts |= {"violations": violation_counts(rows), "export": number}
        moved = _move(state, lease, now, stage=Stage.BLOCKED, **counts)
        state.work.lease_owner, state.work.lease_expires_at, state.work.due_at = "", None, None
        return moved

    def release_lease(self, migration: Migration, lease: Lease, *, due_at: datetime | None) -> None:
        state = self._leased(migration, lease)
        state.work.lease_owner, state.work.lease_expires_at = "", None
        state.work.due_at = due_at

    def purge_batch(self, migration: Migration, lease: Lease, *, size: int, now: datetime) -> Batch:  # noqa: ARG002
        return self._renewed(migration, lease, now)

    def prepare_batch(self, migration: Migration, lease: Lease, *, size: int, now: datetime) -> Batch:  # noqa: ARG002
        return self._renewed(migration, lease, now)

    def apply_change_log(self, migration: Migration, lease: Lease, *, size: int, now: datetime) -> Batch:  # noqa: ARG002
        return self._renewed(migration, lease, now)

    def has_violations(self, migration: Migration) -> bool:
        working_set = self.memory.state(migration.workspace_id).working_set
        return bool(violation_rows(working_set, migration.on_conflict))

    def cut_over(self, migration: Migration, lease: Lease, *, lock_timeout: timedelta, now: datetime) -> Migration:  # noqa: ARG002
        state = self._leased(migration, lease)
        if migration.from_mode is Mode.ID_ONLY and self.has_violations(migration):
            return migration
        state.blocked_export = None
        if migration.from_mode is Mode.ID_ONLY and migration.on_conflict is OnConflict.MERGE:
            self._merge(state, now)
        state.set_mode(migration.to_mode)
        checked = {"people_checked": migration.people_total}
        return _move(state, lease, now, stage=Stage.SWITCHED, export=None, violations=ViolationCounts(), **checked)

    def start_merging(self, migration: Migration, lease: Lease, *, now: datetime) -> Migration:
        state = self._leased(migration, lease)
        merged, ids = state.merged
        return _move(state, lease, now, stage=Stage.MERGING, people_to_merge=merged, ids_given_up=ids)

    def merge_batch(self, migration: Migration, lease: Lease, *, size: int, now: datetime) -> Batch:  # noqa: ARG002
        state = self._leased(migration, lease)
        state.update_migration(people_merged=migration.people_to_merge)
        return self._renewed(migration, lease, now)

    def _merge(self, state: WorkspaceState, now: datetime) -> None:
        """Nobody waits in memory: who shares an address becomes one at once."""
        sharing = defaultdict(list)
        for each in state.working_set.people.values():
            if each.email_key is not None:
                sharing[each.email_key].append(each)
        groups = [group for _, group in sorted(sharing.items()) if len(group) > 1]
        ids = [sum(each.id is not None for each in group) for group in groups]
        state.merged = (sum(len(group) - 1 for group in groups), sum(max(each - 1, 0) for each in ids))
        for group in groups:
            merge_all(state.working_set, group, now=int(now.timestamp()))
        commit(self.memory, state, now)

    def complete(self, migration: Migration, lease: Lease, *, now: datetime) -> Migration:
        state = self._leased(migration, lease)
        state.work.due_at = None
        return _move(state, lease, now, stage=Stage.COMPLETED, completed_at=now)

    def _leased(self, migration: Migration, lease: Lease) -> WorkspaceState:
        state = self.memory.states.get(migration.workspace_id)
        newest = state and state.migration
        if (
            not (state and newest)
            or state.work.lease_owner != lease.worker
            or (newest.number, newest.revision) != (migration.number, migration.revision)
        ):
            raise StaleRevision(f"migration {migration.number} has changed since it was read")
        return state

    def _renewed(self, migration: Migration, lease: Lease, now: datetime) -> Batch:
        state = self._leased(migration, lease)
        state.work.lease_expires_at = now + lease.duration
        return Batch(done=True)


def _is_free(state: WorkspaceState, lease: Lease, now: datetime) -> bool:
    expires = state.work.lease_expires_at
    is_leased = expires is not None and now < expires <= now + MAX_DUE_DELAY and state.work.lease_owner != lease.worker
    return not is_leased and state.migration is not None and not state.migration.paused


def _move(state: WorkspaceState, lease: Lease, now: datetime, *, stage: Stage, **values: object) -> Migration:
    if stage not in TERMINAL:
        state.work.lease_expires_at, state.work.due_at = now + lease.duration, now
    revision = 1 if state.migration is None else state.migration.revision + 1
    return state.update_migration(stage=stage, revision=revision, **values)
