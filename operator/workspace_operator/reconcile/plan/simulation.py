"""Directory of workspaces in memory: applies actions as the store does, without writing anything.

A plan makes the same decisions as a reconcile (`policies.decision`), one after the other, against this directory. The
contract tests of the port ``Workspaces`` run on it too.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias, assert_never

from workspace_operator.errors import NameTaken, PlanLimitReached, StaleRevision
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import Migration, ViolationCounts
from workspace_operator.migrations.state_machine import TERMINAL, Stage, Trigger
from workspace_operator.reconcile.model import actions
from workspace_operator.reconcile.model.accounts import Account, AccountKey, ObservedAccount
from workspace_operator.reconcile.model.actions import Action, SecretAction
from workspace_operator.reconcile.model.name_conflicts import name_holder
from workspace_operator.reconcile.model.observed import AccountPlaces, Candidate, ObservedState, WorkspaceQuery
from workspace_operator.reconcile.model.sending import LiveSenders, ObservedSending
from workspace_operator.reconcile.plan.account_simulation import InMemoryAccounts
from workspace_operator.reconcile.plan.previews import Preview
from workspace_operator.resources.display_names import comparison_key
from workspace_operator.workspaces.model import Owner, Workspace
from workspace_operator.workspaces.spec_versions import SpecVersion

OwnerKey: TypeAlias = tuple[str, str, str]

NameKey: TypeAlias = tuple[str, str, str, str]
"""Cluster, namespace, account, and the form in which display names are compared."""

RowAction: TypeAlias = (
    actions.ChangeOwner
    | actions.UpdateSettings
    | actions.RecordGeneration
    | actions.AcceptLowerGeneration
    | actions.DeleteWorkspace
)

MigrationAction: TypeAlias = actions.CancelMigration | actions.PauseMigration | actions.RetryMigration


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspacesSnapshot:
    """All workspaces of one moment by number, and the newest identifier change of each.

    ``heartbeat_times`` has the time of each cluster's newest heartbeat, ``senders`` those that are alive, ``accounts``
    those with an Account resource.
    """

    workspaces: Mapping[int, Workspace] = field(default_factory=dict)
    migrations: Mapping[int, Migration] = field(default_factory=dict)
    heartbeat_times: Mapping[str, datetime] = field(default_factory=dict)
    senders: LiveSenders = field(default_factory=LiveSenders)
    accounts: tuple[Account, ...] = ()


class InMemoryWorkspaces:
    """A mutable copy of a snapshot of all workspaces; `save` and `remove` change ``workspaces``."""

    def __init__(self, snapshot: WorkspacesSnapshot | None = None) -> None:
        snapshot = snapshot or WorkspacesSnapshot()
        self.workspaces: dict[int, Workspace] = {}
        self.migrations = dict(snapshot.migrations)
        self.senders = snapshot.senders
        self.accounts = InMemoryAccounts(snapshot.accounts)
        self._newest_number = 0
        self._by_owner: dict[OwnerKey, int] = {}
        self._by_name: defaultdict[NameKey, set[int]] = defaultdict(set)
        for workspace in snapshot.workspaces.values():
            self.save(workspace)

    def owned_by(self, owner: Owner) -> Workspace | None:
        """The workspace of this cluster, namespace and name, whatever the UID."""
        number = self._by_owner.get(_owner_key(owner))
        return None if number is None else self.workspaces[number]

    def open_migration(self, owner: Owner) -> Migration | None:
        """The open migration of an owner's workspace, if there is one."""
        workspace = self.owned_by(owner)
        migration = None if workspace is None else self.migrations.get(workspace.workspace_id)
        return None if migration is None or migration.stage in TERMINAL else migration

    def observe(self, query: WorkspaceQuery) -> ObservedState:
        """Observe like the store; people, messages, credentials and other clusters' workspaces are not part of it."""
        own = self.owned_by(query.owner)
        named = self._named(query.owner, own.account if own else query.account, query.display_name)
        holder = name_holder(query.display_name, own, map(self.workspaces.__getitem__, named))
        from_status = None if own and own.workspace_id == query.from_status else query.from_status
        return ObservedState(
            workspace=own,
            name_holder=self._candidate(holder.workspace_id if holder else None),
            from_annotation=self._candidate(query.from_annotation),
            from_status=self._candidate(from_status),
            migration=self.migrations.get(own.workspace_id) if own else None,
            people=None,
            sending=ObservedSending(senders=self.senders) if own else None,
            places=None if own else self._places(AccountKey.of(query.owner, query.account)),
        )

    def observe_account(self, key: AccountKey) -> ObservedAccount:
        """Observe an account and its workspaces, like the store."""
        return ObservedAccount(
            account=self.accounts.get(key),
            row_version=self.accounts.row_version(key),
            workspaces=self._workspaces_of(key),
            senders=self.senders,
        )

    def apply(self, action: Action | SecretAction, *, now: datetime, spec: SpecVersion | None = None) -> None:  # noqa: C901 - one line per kind of action
        """Apply one action atomically, as the port ``Workspaces`` does. Actions on credentials have no effect."""
        match action:
            case actions.CreateWorkspace():
                self._create(action, spec)
            case actions.ChangeOwner():
                self._change_owner(action, spec)
            case actions.UpdateSettings():
                self._update_settings(action, spec)
            case actions.RecordGeneration(generation=generation, row_version=version):
                self.save(replace(self._unchanged(action, spec), spec_generation=generation, spec_row_version=version))
            case actions.AcceptLowerGeneration():
                self._accept_lower_generation(action)
            case actions.DeleteWorkspace():
                self.remove(self._unchanged(action, spec).workspace_id)
            case actions.RequestMigration():
                self._request_migration(action, now, spec)
            case actions.CancelMigration():
                self._update_migration(action, spec, Trigger.CANCEL, completed_at=now)
            case actions.PauseMigration():
                self._update_migration(action, spec, paused=action.paused)
            case actions.RetryMigration():
                self._update_migration(action, spec, retry_token=action.token)
            case actions.RotateCredentials() | actions.ClaimSecret() | actions.DeleteSecret():
                pass
            case _ as never:
                assert_never(never)

    def finish_migration(self, migration: Migration, preview: Preview | None = None) -> Migration:
        """Complete or block a migration, as its preview says; without a preview (after the cut-over) complete it."""
        if preview is not None and not preview.passes(migration.on_conflict):
            counts, total = preview.blocking_violations(migration.on_conflict), preview.people.total
            stage = migration.transitions[Trigger.BLOCK].target
            ended = replace(migration, stage=stage, violations=counts, people_total=total)
        else:
            self.set_mode(migration.workspace_id, migration.to_mode)
            ended = replace(migration, stage=Stage.COMPLETED, violations=ViolationCounts())
        self.migrations[migration.workspace_id] = ended
        return ended

    def set_mode(self, workspace_id: int, mode: Mode) -> None:
        """Set the mode in force."""
        self._write(replace(self.workspaces[workspace_id], mode=mode))

    def save(self, workspace: Workspace) -> None:
        """Add a workspace, or replace the one of the same number."""
        if workspace.workspace_id in self.workspaces:
            self._unindex(self.workspaces[workspace.workspace_id])
        self.workspaces[workspace.workspace_id] = workspace
        self._by_owner[_owner_key(workspace.owner)] = workspace.workspace_id
        self._by_name[_name_key(workspace)].add(workspace.workspace_id)
        self._newest_number = max(self._newest_number, workspace.workspace_id)

    def remove(self, workspace_id: int) -> None:
        """Remove a workspace and its migration; its number is not used again."""
        self._unindex(self.workspaces.pop(workspace_id))
        self.migrations.pop(workspace_id, None)

    def _create(self, action: actions.CreateWorkspace, spec: SpecVersion | None) -> None:
        self._refuse_second_workspace(action.owner, None)
        places = self._places(AccountKey.of(action.owner, action.account))
        if places is not None and places.is_full:
            raise PlanLimitReached(f"the account {action.account!r} has no free place for another workspace")
        self._refuse_taken_name(action.owner, action.account, action.settings.display_name, None)
        number = self._newest_number + 1
        workspace = Workspace(
            workspace_id=number + 1 if number == action.replaces else number,
            account=action.account,
            owner=action.owner,
            mode=action.mode,
            settings=action.settings,
            row_version=1,
            spec_generation=spec.generation if spec else 0,
            spec_row_version=1,
        )
        self.save(workspace)

    def _change_owner(self, action: actions.ChangeOwner, spec: SpecVersion | None) -> None:
        workspace = self._unchanged(action, None)
        self._refuse_second_workspace(action.owner, workspace)
        self._refuse_taken_name(action.owner, workspace.account, workspace.settings.display_name, workspace)
        is_new = action.owner.namespace != workspace.owner.namespace  # and is offered other transports
        workspace = replace(workspace, send_version=workspace.send_version + is_new)
        workspace = replace(workspace, owner=action.owner, spec_generation=spec.generation if spec else 0)
        self._write(replace(workspace, accepted_generation=None, accepted_request=None))

    def _update_settings(self, action: actions.UpdateSettings, spec: SpecVersion | None) -> None:
        workspace = self._unchanged(action, spec)
        self._refuse_taken_name(workspace.owner, workspace.account, action.settings.display_name, workspace)
        in_sync = workspace.row_version + 1 if spec else workspace.spec_row_version
        is_new = action.settings.changes_sending(workspace.settings) or not workspace.knows_send_mode
        workspace = replace(workspace, settings=action.settings, spec_row_version=in_sync, knows_send_mode=True)
        self._write(replace(workspace, send_version=workspace.send_version + is_new))

    def _accept_lower_generation(self, action: actions.AcceptLowerGeneration) -> None:
        workspace = self._unchanged(action, None)
        if workspace.spec_generation != action.recorded:
            raise StaleRevision(f"workspace number {action.workspace_id}: another generation was recorded meanwhile")
        accepted = replace(workspace, accepted_generation=action.generation, accepted_request=action.request)
        self.save(replace(accepted, spec_generation=action.generation, spec_row_version=0))

    def _request_migration(self, action: actions.RequestMigration, now: datetime, spec: SpecVersion | None) -> None:
        workspace, newest = self._recorded(action.workspace_id, spec), self.migrations.get(action.workspace_id)
        if workspace.mode is not action.from_mode or (newest and newest.stage not in TERMINAL):
            raise StaleRevision(f"workspace number {action.workspace_id} has another mode or an unfinished migration")
        self.save(workspace)
        self.migrations[action.workspace_id] = Migration(
            workspace_id=action.workspace_id,
            number=newest.number + 1 if newest else 1,
            from_mode=action.from_mode,
            to_mode=action.to_mode,
            on_conflict=action.on_conflict,
            requested_at=now,
            revision=1,
        )

    def _update_migration(
        self, action: MigrationAction, spec: SpecVersion | None, trigger: Trigger | None = None, **values: object
    ) -> None:
        workspace, migration = self._recorded(action.workspace_id, spec), self.migrations.get(action.workspace_id)
        is_open = migration is not None and migration.number == action.number and migration.stage not in TERMINAL
        if migration is None or not is_open or (trigger and trigger not in migration.transitions):
            raise StaleRevision(f"migration {action.number} of workspace number {action.workspace_id} has ended")
        if trigger is not None:
            values["stage"] = migration.transitions[trigger].target
        self.save(workspace)
        updated = replace(migration, revision=migration.revision + 1, **values)  # type: ignore[arg-type]
        self.migrations[action.workspace_id] = updated

    def _recorded(self, workspace_id: int, spec: SpecVersion | None) -> Workspace:
        """The workspace with the generation of a spec recorded, which releases a held one. Raises StaleRevision."""
        workspace = self.workspaces.get(workspace_id)
        if workspace is None:
            raise StaleRevision(f"workspace number {workspace_id} is gone")
        if spec is not None:
            spec.raise_if_stale(workspace_id, owner_uid=workspace.owner.uid, applied=workspace.spec_generation)
        if spec is None or spec.generation == workspace.spec_generation:
            return workspace
        return replace(workspace, spec_generation=spec.generation, accepted_generation=None, accepted_request=None)

    def _unchanged(self, action: RowAction, spec: SpecVersion | None) -> Workspace:
        workspace = self._recorded(action.workspace_id, spec)
        if workspace.row_version != action.row_version:
            raise StaleRevision(f"workspace number {action.workspace_id} has changed since it was read")
        return workspace

    def _refuse_second_workspace(self, owner: Owner, own: Workspace | None) -> None:
        if self.owned_by(owner) not in (None, own):
            raise StaleRevision(f"{owner.namespace}/{owner.name} already has a workspace")

    def _refuse_taken_name(self, owner: Owner, account: str, name: str, own: Workspace | None) -> None:
        """Refuse a name that is new to the workspace and taken; of two forms of one name each may stay."""
        holders = self._named(owner, account, name)
        if own and own.workspace_id in holders:
            exact = {number for number in holders if self.workspaces[number].settings.display_name == name}
            holders = exact - {own.workspace_id}
        if holders:
            raise NameTaken(f"workspace number {min(holders)} of the same account already has the name {name!r}")

    def _write(self, workspace: Workspace) -> None:
        self.save(replace(workspace, row_version=workspace.row_version + 1))

    def _unindex(self, workspace: Workspace) -> None:
        del self._by_owner[_owner_key(workspace.owner)]
        self._by_name[_name_key(workspace)].discard(workspace.workspace_id)

    def _named(self, owner: Owner, account: str, name: str) -> set[int]:
        return self._by_name.get((owner.cluster, owner.namespace, account, comparison_key(name)), set())

    def _places(self, key: AccountKey) -> AccountPlaces | None:
        """The places of an account with a limit; None without one."""
        account = self.accounts.get(key)
        if account is None or account.settings.workspace_limit is None:
            return None
        taken = (Candidate(workspace=workspace, owner_is_gone=False) for workspace in self._workspaces_of(key))
        return AccountPlaces(limit=account.settings.workspace_limit, taken=tuple(taken))

    def _workspaces_of(self, key: AccountKey) -> tuple[Workspace, ...]:
        """The workspaces of an account, by number."""
        found = (workspace for _, workspace in sorted(self.workspaces.items()))
        return tuple(workspace for workspace in found if AccountKey.of(workspace.owner, workspace.account) == key)

    def _candidate(self, number: int | None) -> Candidate | None:
        found = None if number is None else self.workspaces.get(number)
        return None if found is None else Candidate(workspace=found, owner_is_gone=False)


def _owner_key(owner: Owner) -> OwnerKey:
    return owner.cluster, owner.namespace, owner.name


def _name_key(workspace: Workspace) -> NameKey:
    owner, settings = workspace.owner, workspace.settings
    return owner.cluster, owner.namespace, workspace.account, comparison_key(settings.display_name)
