"""Identifier changes as the worker carries them out, in memory.

Who owns which identifier follows from the mode in force, so there is nothing to prepare and nothing to clear.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.fakes.database import InMemoryDatabase, WorkspaceState
from tests.fakes.migrations.violations import people_counts, violation_counts, violation_rows
from tests.fakes.people.audit_log import record
from tests.fakes.people.bulk_merge import merge_all
from tests.fakes.people.people import commit
from workspace_operator.application.ports import MAX_DUE_DELAY, Actor, AuditAction, AuditEntry, Batch, Export, Lease
from workspace_operator.errors import Conflict, NotFound, StaleRevision
from workspace_operator.migrations.model import Migration, ViolationCounts
from workspace_operator.migrations.state_machine import TERMINAL, Stage, Step, Trigger
from workspace_operator.workspaces.model import Owner, PeopleCounts

MAX_EXPORTS = 3


@dataclass(frozen=True, slots=True)
class FakeMigrations:
    """Implements the port ``Migrations``."""

    memory: InMemoryDatabase

    def claim(self, lease: Lease, *, now: datetime, workspace_id: int | None = None) -> Migration | None:
        states = self.memory.states
        due = [(each.work.due_at, number) for number, each in states.items() if each.work.due_at]
        due = [each for each in due if workspace_id in (None, each[1])]
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

    def newest(self, workspace_id: int) -> Migration | None:
        return self.memory.directory.migrations.get(workspace_id)

    def recent(self, workspace_id: int, *, limit: int) -> Sequence[Migration]:
        return self._newest_first(workspace_id)[:limit]

    def get(self, workspace_id: int, number: int) -> Migration:
        for migration in self._newest_first(workspace_id):
            if migration.number == number:
                return migration
        raise NotFound(f"there is no identifier change {number}")

    def _newest_first(self, workspace_id: int) -> list[Migration]:
        newest = self.newest(workspace_id)
        return [] if newest is None else [newest, *reversed(self.memory.states[workspace_id].former_migrations)]

    def retry(self, workspace_id: int, number: int, *, actor: Actor, now: datetime) -> Migration:
        migration = self.get(workspace_id, number)
        if migration.stage is not Stage.BLOCKED or migration.paused:
            raise Conflict(f"identifier change {number} is {migration.stage}")
        self.memory.states[workspace_id].work.due_at = now
        subject = f"migration {number}"
        entry = AuditEntry(
            workspace_id=workspace_id, at=now, actor=actor, action=AuditAction.RETRIED, subject=subject, detail={}
        )
        record(self.memory, entry)
        return migration

    def unfinished(self) -> Sequence[tuple[Owner, Migration]]:
        directory = self.memory.directory
        newest = [each for _, each in sorted(directory.migrations.items()) if each.stage not in TERMINAL]
        return [(directory.workspaces[each.workspace_id].owner, each) for each in newest]

    def run_batch(self, migration: Migration, lease: Lease, step: Step, *, size: int, now: datetime) -> Batch:  # noqa: ARG002
        state = self._leased(migration, lease)
        if step is Step.MERGE:
            state.update_migration(people_merged=migration.people_to_merge)
        state.work.lease_expires_at = now + lease.duration
        return Batch(done=True)

    def advance(self, migration: Migration, lease: Lease, *, people: PeopleCounts, now: datetime) -> Migration:
        state = self._leased(migration, lease)
        values: dict[str, object] = {}
        match migration.transitions[Trigger.ADVANCE].target:
            case Stage.CHECKING:
                values = {"started_at": migration.started_at or now}
            case Stage.PREPARING:
                values = {
                    "people_total": people.total,
                    "people_checked": 0 if migration.enables_email else people.total,
                    "people_without_id": people.without_id,
                    "people_without_identifier": people.without_identifier
                    if migration.enables_email
                    else people.without_id,
                }
            case Stage.MERGING:
                values = dict(zip(("people_to_merge", "ids_given_up"), state.merged, strict=True))
            case Stage.COMPLETED:
                values, state.work.due_at = {"completed_at": now}, None
        return _move(state, lease, now, Trigger.ADVANCE, **values)

    def block(self, migration: Migration, lease: Lease, *, people: PeopleCounts, now: datetime) -> Migration:
        state = self._leased(migration, lease)
        counts: dict[str, object] = {"people_total": people.total, "people_checked": people.total}
        rows = violation_rows(state.working_set, migration.on_conflict)
        if not rows:
            return _move(state, lease, now, Trigger.FIX)
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
        moved = _move(state, lease, now, Trigger.BLOCK, **counts)
        state.work.lease_owner, state.work.lease_expires_at, state.work.due_at = "", None, None
        return moved

    def release_lease(self, migration: Migration, lease: Lease, *, due_at: datetime | None) -> None:
        state = self._leased(migration, lease)
        state.work.lease_owner, state.work.lease_expires_at = "", None
        state.work.due_at = due_at

    def has_violations(self, migration: Migration) -> bool:
        working_set = self.memory.state(migration.workspace_id).working_set
        return bool(violation_rows(working_set, migration.on_conflict))

    def cut_over(self, migration: Migration, lease: Lease, *, lock_timeout: timedelta, now: datetime) -> Migration:  # noqa: ARG002
        state = self._leased(migration, lease)
        if migration.enables_email and self.has_violations(migration):
            return migration
        state.blocked_export = None
        if migration.merges:
            self._merge(state, now)
        state.set_mode(migration.to_mode)
        checked = {"people_checked": migration.people_total}
        return _move(state, lease, now, Trigger.CUT_OVER, export=None, violations=ViolationCounts(), **checked)

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


def _is_free(state: WorkspaceState, lease: Lease, now: datetime) -> bool:
    expires = state.work.lease_expires_at
    is_leased = expires is not None and now < expires <= now + MAX_DUE_DELAY and state.work.lease_owner != lease.worker
    return not is_leased and state.migration is not None and not state.migration.paused


def _move(state: WorkspaceState, lease: Lease, now: datetime, trigger: Trigger, **values: object) -> Migration:
    assert state.migration is not None
    stage = state.migration.transitions[trigger].target
    if stage not in TERMINAL:
        state.work.lease_expires_at, state.work.due_at = now + lease.duration, now
    if stage is not state.migration.stage:
        values["stage_since"] = now
    return state.update_migration(stage=stage, revision=state.migration.revision + 1, **values)
