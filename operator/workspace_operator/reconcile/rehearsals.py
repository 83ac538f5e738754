"""The directory of workspaces in memory: actions are carried out on it to see what comes of them, and nowhere else.

So a plan is made by the very decisions that a reconcile makes (`deciding`), one after the other, without a write.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias, assert_never

from workspace_operator.migrations.records import Migration, ViolationCounts
from workspace_operator.migrations.stages import ENDED, Stage
from workspace_operator.reconcile.names import name_holder
from workspace_operator.reconcile.observed import Candidate, Observed, Owner, StoredWorkspace
from workspace_operator.reconcile.plan import (
    AcceptLowerGeneration,
    Action,
    CancelMigration,
    ClaimSecret,
    CreateWorkspace,
    DestroyWorkspace,
    PauseMigration,
    PutInForce,
    RecordSpec,
    RemoveSecret,
    RequestMigration,
    RetryMigration,
    RotateCredentials,
    SecretAction,
    TakeOver,
)
from workspace_operator.reconcile.previews import Preview
from workspace_operator.reconcile.wishes import Resource, Wish
from workspace_operator.resources.display_names import comparison_key

IsReleased: TypeAlias = Callable[[Owner], bool]
"""Whether the resource that owns a workspace is gone."""

Place: TypeAlias = tuple[str, str, str]

Name: TypeAlias = tuple[str, str, str, str]
"""Cluster, namespace, account, and the form in which display names are compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """All workspaces of one moment, by number, and the newest identifier change of each that had one.

    ``beat_times`` is when each cluster wrote its newest heartbeat, if it ever did.
    """

    workspaces: Mapping[int, StoredWorkspace] = field(default_factory=dict)
    migrations: Mapping[int, Migration] = field(default_factory=dict)
    beat_times: Mapping[str, datetime] = field(default_factory=dict)


class Rehearsal:
    """A directory that starts as the real one is."""

    def __init__(self, directory: Directory) -> None:
        self._migrations = dict(directory.migrations)
        self._workspaces: dict[int, StoredWorkspace] = {}
        self._places: dict[Place, int] = {}
        self._names: defaultdict[Name, set[int]] = defaultdict(set)
        for workspace in directory.workspaces.values():
            self._put(workspace)

    def owned_by(self, owner: Owner) -> StoredWorkspace | None:
        """The workspace of this cluster, namespace and name, whatever the UID."""
        number = self._places.get(_place(owner))
        return None if number is None else self._workspaces[number]

    def open_change(self, owner: Owner) -> Migration | None:
        """The identifier change of an owner's workspace that has not ended, if there is one."""
        workspace = self.owned_by(owner)
        change = None if workspace is None else self._migrations.get(workspace.workspace_id)
        return None if change is None or change.stage in ENDED else change

    def observe(self, resource: Resource, owner: Owner, is_released: IsReleased) -> Observed:
        """What a reconcile would see; people and credentials are not looked at."""
        ours = self.owned_by(owner)
        wish = resource.wish if isinstance(resource.wish, Wish) else None
        named = None if wish is None else self._name_holder(wish, ours, owner)
        return Observed(
            workspace=ours,
            name_holder=self._candidate(named, is_released),
            adoptable=self._candidate(resource.adopts_number, is_released),
            migration=None if ours is None else self._migrations.get(ours.workspace_id),
            people=None,
        )

    def carry_out(self, action: Action | SecretAction, *, now: datetime) -> None:  # noqa: C901 - one line a kind of action
        """Carry one action out; credentials are not part of the directory."""
        match action:
            case CreateWorkspace():
                self._create(action)
            case TakeOver():
                self._put(replace(self._workspaces[action.workspace_id], owner=action.owner))
            case PutInForce():
                self._put(replace(self._workspaces[action.workspace_id], settings=action.settings))
            case RequestMigration():
                self._request(action, now)
            case CancelMigration():
                self._move(action.workspace_id, stage=Stage.CANCELLED)
            case PauseMigration():
                self._move(action.workspace_id, paused=action.paused)
            case RetryMigration():
                self._move(action.workspace_id, retry_token=action.token)
            case DestroyWorkspace():
                self._take_out(self._workspaces[action.workspace_id])
            case RecordSpec():
                self._record(action)
            case AcceptLowerGeneration() | RotateCredentials() | ClaimSecret() | RemoveSecret():
                pass
            case _ as never:
                assert_never(never)

    def conclude(self, change: Migration, preview: Preview | None) -> Migration:
        """Let a change come to where its people let it come; None: it has switched, and they are not asked."""
        if preview is not None and not preview.is_clear(change.on_conflict):
            counts, total = preview.in_the_way(change.on_conflict), preview.people.total
            return self._move(change.workspace_id, stage=Stage.BLOCKED, violations=counts, people_total=total)
        self._put(replace(self._workspaces[change.workspace_id], mode=change.to_mode))
        return self._move(change.workspace_id, stage=Stage.COMPLETED, violations=ViolationCounts())

    def _create(self, action: CreateWorkspace) -> None:
        workspace = StoredWorkspace(
            workspace_id=max(self._workspaces, default=0) + 1,
            account=action.account,
            owner=action.owner,
            mode=action.mode,
            settings=action.settings,
            row_version=1,
        )
        self._put(workspace)

    def _record(self, action: RecordSpec) -> None:
        workspace = self._workspaces[action.workspace_id]
        recorded = replace(workspace, spec_generation=action.generation, spec_row_version=workspace.row_version)
        self._put(recorded)

    def _request(self, action: RequestMigration, now: datetime) -> None:
        newest = self._migrations.get(action.workspace_id)
        self._migrations[action.workspace_id] = Migration(
            workspace_id=action.workspace_id,
            number=newest.number + 1 if newest else 1,
            from_mode=action.from_mode,
            to_mode=action.to_mode,
            on_conflict=action.on_conflict,
            requested_at=now,
        )

    def _put(self, workspace: StoredWorkspace) -> None:
        before = self._workspaces.get(workspace.workspace_id)
        if before is not None:
            self._take_out(before)
        self._workspaces[workspace.workspace_id] = workspace
        self._places[_place(workspace.owner)] = workspace.workspace_id
        self._names[_name(workspace)].add(workspace.workspace_id)

    def _take_out(self, workspace: StoredWorkspace) -> None:
        del self._places[_place(workspace.owner)]
        self._names[_name(workspace)].discard(workspace.workspace_id)
        del self._workspaces[workspace.workspace_id]

    def _move(self, workspace_id: int, **values: object) -> Migration:
        moved = replace(self._migrations[workspace_id], **values)  # type: ignore[arg-type]
        self._migrations[workspace_id] = moved
        return moved

    def _name_holder(self, wish: Wish, ours: StoredWorkspace | None, owner: Owner) -> int | None:
        wanted, account = wish.settings.display_name, ours.account if ours else wish.account
        named = self._names[owner.cluster, owner.namespace, account, comparison_key(wanted)]
        holder = name_holder(wanted, ours, [self._workspaces[number] for number in named])
        return None if holder is None else holder.workspace_id

    def _candidate(self, number: int | None, is_released: IsReleased) -> Candidate | None:
        found = None if number is None else self._workspaces.get(number)
        if found is None:
            return None
        return Candidate(workspace=found, released=is_released(found.owner))


def _place(owner: Owner) -> Place:
    return owner.cluster, owner.namespace, owner.name


def _name(workspace: StoredWorkspace) -> Name:
    owner, settings = workspace.owner, workspace.settings
    return owner.cluster, owner.namespace, workspace.account, comparison_key(settings.display_name)
