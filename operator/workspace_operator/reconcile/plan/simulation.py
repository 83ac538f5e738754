"""In-memory simulation of the workspaces in the store: applies actions without writing anything.

A plan makes the same decisions as a reconcile (`policies.decision`), one after the other, against this simulation.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias, assert_never

from workspace_operator.migrations.model import Migration, ViolationCounts
from workspace_operator.migrations.state_machine import TERMINAL, Stage, Trigger
from workspace_operator.reconcile.model.actions import (
    AcceptLowerGeneration,
    Action,
    CancelMigration,
    ChangeOwner,
    ClaimSecret,
    CreateWorkspace,
    DeleteSecret,
    DeleteWorkspace,
    PauseMigration,
    RecordGeneration,
    RequestMigration,
    RetryMigration,
    RotateCredentials,
    SecretAction,
    UpdateSettings,
)
from workspace_operator.reconcile.model.desired import DesiredState, Resource
from workspace_operator.reconcile.model.name_conflicts import name_holder
from workspace_operator.reconcile.model.observed import Candidate, ObservedState
from workspace_operator.reconcile.plan.previews import Preview
from workspace_operator.resources.display_names import comparison_key
from workspace_operator.workspaces.model import Owner, Workspace

OwnerIsGone: TypeAlias = Callable[[Owner], bool]
"""Whether the resource that owns a workspace is gone."""

OwnerKey: TypeAlias = tuple[str, str, str]

NameKey: TypeAlias = tuple[str, str, str, str]
"""Cluster, namespace, account, and the form in which display names are compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspacesSnapshot:
    """All workspaces of one moment by number, and the newest identifier change of each.

    ``heartbeat_times`` has the time of each cluster's newest heartbeat.
    """

    workspaces: Mapping[int, Workspace] = field(default_factory=dict)
    migrations: Mapping[int, Migration] = field(default_factory=dict)
    heartbeat_times: Mapping[str, datetime] = field(default_factory=dict)


class InMemoryWorkspaces:
    """A mutable copy of a snapshot of all workspaces."""

    def __init__(self, snapshot: WorkspacesSnapshot) -> None:
        self._migrations = dict(snapshot.migrations)
        self._workspaces: dict[int, Workspace] = {}
        self._by_owner: dict[OwnerKey, int] = {}
        self._by_name: defaultdict[NameKey, set[int]] = defaultdict(set)
        for workspace in snapshot.workspaces.values():
            self._save(workspace)

    def owned_by(self, owner: Owner) -> Workspace | None:
        """The workspace of this cluster, namespace and name, whatever the UID."""
        number = self._by_owner.get(_owner_key(owner))
        return None if number is None else self._workspaces[number]

    def open_migration(self, owner: Owner) -> Migration | None:
        """The open identifier change of an owner's workspace, if there is one."""
        workspace = self.owned_by(owner)
        migration = None if workspace is None else self._migrations.get(workspace.workspace_id)
        return None if migration is None or migration.stage in TERMINAL else migration

    def observe(self, resource: Resource, owner: Owner, owner_is_gone: OwnerIsGone) -> ObservedState:
        """The state that a reconcile would observe, without people and credentials."""
        ours = self.owned_by(owner)
        desired = resource.desired if isinstance(resource.desired, DesiredState) else None
        named = None if desired is None else self._name_holder(desired, ours, owner)
        return ObservedState(
            workspace=ours,
            name_holder=self._candidate(named, owner_is_gone),
            from_annotation=self._candidate(resource.adopt_workspace_id, owner_is_gone),
            migration=None if ours is None else self._migrations.get(ours.workspace_id),
            people=None,
        )

    def apply(self, action: Action | SecretAction, *, now: datetime) -> None:  # noqa: C901 - one line a kind of action
        """Apply one action; actions on credentials have no effect."""
        match action:
            case CreateWorkspace():
                self._create(action)
            case ChangeOwner():
                self._save(replace(self._workspaces[action.workspace_id], owner=action.owner))
            case UpdateSettings():
                self._save(replace(self._workspaces[action.workspace_id], settings=action.settings))
            case RequestMigration():
                self._request_migration(action, now)
            case CancelMigration():
                stage = self._migrations[action.workspace_id].transitions[Trigger.CANCEL].target
                self._update_migration(action.workspace_id, stage=stage)
            case PauseMigration():
                self._update_migration(action.workspace_id, paused=action.paused)
            case RetryMigration():
                self._update_migration(action.workspace_id, retry_token=action.token)
            case DeleteWorkspace():
                self._remove(self._workspaces[action.workspace_id])
            case RecordGeneration():
                self._record_generation(action)
            case AcceptLowerGeneration() | RotateCredentials() | ClaimSecret() | DeleteSecret():
                pass
            case _ as never:
                assert_never(never)

    def finish_migration(self, migration: Migration, preview: Preview | None) -> Migration:
        """Complete or block a change, as its preview says; without a preview (after the cut-over) complete it."""
        if preview is not None and not preview.passes(migration.on_conflict):
            counts, total = preview.blocking_violations(migration.on_conflict), preview.people.total
            stage = migration.transitions[Trigger.BLOCK].target
            return self._update_migration(migration.workspace_id, stage=stage, violations=counts, people_total=total)
        self._save(replace(self._workspaces[migration.workspace_id], mode=migration.to_mode))
        return self._update_migration(migration.workspace_id, stage=Stage.COMPLETED, violations=ViolationCounts())

    def _create(self, action: CreateWorkspace) -> None:
        workspace = Workspace(
            workspace_id=max(self._workspaces, default=0) + 1,
            account=action.account,
            owner=action.owner,
            mode=action.mode,
            settings=action.settings,
            row_version=1,
        )
        self._save(workspace)

    def _record_generation(self, action: RecordGeneration) -> None:
        workspace = self._workspaces[action.workspace_id]
        recorded = replace(workspace, spec_generation=action.generation, spec_row_version=workspace.row_version)
        self._save(recorded)

    def _request_migration(self, action: RequestMigration, now: datetime) -> None:
        newest = self._migrations.get(action.workspace_id)
        self._migrations[action.workspace_id] = Migration(
            workspace_id=action.workspace_id,
            number=newest.number + 1 if newest else 1,
            from_mode=action.from_mode,
            to_mode=action.to_mode,
            on_conflict=action.on_conflict,
            requested_at=now,
        )

    def _save(self, workspace: Workspace) -> None:
        before = self._workspaces.get(workspace.workspace_id)
        if before is not None:
            self._remove(before)
        self._workspaces[workspace.workspace_id] = workspace
        self._by_owner[_owner_key(workspace.owner)] = workspace.workspace_id
        self._by_name[_name_key(workspace)].add(workspace.workspace_id)

    def _remove(self, workspace: Workspace) -> None:
        del self._by_owner[_owner_key(workspace.owner)]
        self._by_name[_name_key(workspace)].discard(workspace.workspace_id)
        del self._workspaces[workspace.workspace_id]

    def _update_migration(self, workspace_id: int, **values: object) -> Migration:
        migration = replace(self._migrations[workspace_id], **values)  # type: ignore[arg-type]
        self._migrations[workspace_id] = migration
        return migration

    def _name_holder(self, desired: DesiredState, ours: Workspace | None, owner: Owner) -> int | None:
        wanted, account = desired.settings.display_name, ours.account if ours else desired.account
        named = self._by_name[owner.cluster, owner.namespace, account, comparison_key(wanted)]
        holder = name_holder(wanted, ours, [self._workspaces[number] for number in named])
        return None if holder is None else holder.workspace_id

    def _candidate(self, number: int | None, owner_is_gone: OwnerIsGone) -> Candidate | None:
        found = None if number is None else self._workspaces.get(number)
        if found is None:
            return None
        return Candidate(workspace=found, owner_is_gone=owner_is_gone(found.owner))


def _owner_key(owner: Owner) -> OwnerKey:
    return owner.cluster, owner.namespace, owner.name


def _name_key(workspace: Workspace) -> NameKey:
    owner, settings = workspace.owner, workspace.settings
    return owner.cluster, owner.namespace, workspace.account, comparison_key(settings.display_name)
