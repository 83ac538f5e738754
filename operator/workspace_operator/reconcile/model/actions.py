"""The decisions of a reconcile: actions in the store and the cluster, events, and the plan."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeAlias, TypeVar

from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import OnConflict
from workspace_operator.reconcile.model.credentials import RotationReason
from workspace_operator.workspaces.model import Owner, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateWorkspace:
    """Create a workspace, and its account if it does not exist.

    Its number differs from ``replaces``, the workspace that it replaces, so that the same request to replace that one
    does not match it as well. Raises NameTaken, PlanLimitReached, or StaleRevision if the owner has a workspace.
    """

    owner: Owner
    account: str
    mode: Mode
    settings: Settings
    replaces: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeOwner:
    """Set the owner of an existing workspace. Raises StaleRevision if the row changed since it was read."""

    workspace_id: int
    row_version: int
    owner: Owner


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateSettings:
    """Replace all settings at once. Raises NameTaken or StaleRevision."""

    workspace_id: int
    row_version: int
    settings: Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestMigration:
    """Request an identifier change. Raises StaleRevision if one is open."""

    workspace_id: int
    from_mode: Mode
    to_mode: Mode
    on_conflict: OnConflict


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelMigration:
    """Cancel an identifier change. Raises StaleRevision if it has cut over or ended meanwhile."""

    workspace_id: int
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseMigration:
    """Pause or resume an identifier change."""

    workspace_id: int
    number: int
    paused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryMigration:
    """Check the people of a blocked change again now; ``token`` identifies the request."""

    workspace_id: int
    number: int
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteWorkspace:
    """Delete a workspace and all its people permanently.

    Raises StaleRevision if the row changed since it was read, or while a message is being handed over.
    """

    workspace_id: int
    row_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordGeneration:
    """Record a generation as carried out, so that earlier ones are refused. Raises StaleRevision."""

    workspace_id: int
    row_version: int
    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptLowerGeneration:
    """Accept a generation below the recorded one as the newest, as after a restore of etcd.

    Irreversible actions are held for this generation until ``request`` changes or the spec is edited. Raises
    StaleRevision if the row or the recorded generation changed since both were read.
    """

    workspace_id: int
    row_version: int
    recorded: int
    generation: int
    request: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateCredentials:
    """Create new credentials and write their Secret; earlier ones stay valid for the grace time.

    ``after`` is the number of the newest observed set, 0 for none. Raises StaleRevision if a newer set exists.
    """

    workspace_id: int
    after: int
    grace: timedelta
    request: str
    reason: RotationReason


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimSecret:
    """Become the owner of the Secret that an earlier resource left; its credentials stay valid."""

    workspace_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteSecret:
    """Delete the resource's own Secret; the credentials in it are already void."""


Action = (
    CreateWorkspace
    | ChangeOwner
    | UpdateSettings
    | RequestMigration
    | CancelMigration
    | PauseMigration
    | RetryMigration
    | DeleteWorkspace
    | RecordGeneration
    | AcceptLowerGeneration
)
"""An action in the store."""

IRREVERSIBLE = (CreateWorkspace, ChangeOwner, RequestMigration, DeleteWorkspace, AcceptLowerGeneration)
"""Actions that a stale document must not cause: the resource is read again right before them."""

SecretAction = RotateCredentials | ClaimSecret | DeleteSecret
"""An action in the cluster as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A Kubernetes event to emit; ``warning`` is its type."""

    reason: str
    message: str
    warning: bool


WorkspaceAction: TypeAlias = Action | SecretAction
"""An action of the reconcile of a Workspace."""

ActionT = TypeVar("ActionT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(Generic[ActionT]):
    """The decision of one reconcile step, about a resource of any kind.

    Attributes:
        actions: to carry out before the store is observed again; the other fields count only if there are none.
        status: the whole new status; None if it did not change.
        finalizers: all finalizers; None if they did not change.
        events: to emit after the actions, or for the transition of ``status``.
        requeue: whether to reconcile again later, because a change elsewhere may resolve the outcome.
        is_draining: the outcome is Draining: reconcile again within a second, and report it only if it lasts.
        wake_after: seconds after which to reconcile again by itself; None if nothing is due.
    """

    actions: tuple[ActionT, ...] = ()
    status: Mapping[str, Any] | None = None
    finalizers: tuple[str, ...] | None = None
    events: tuple[Event, ...] = ()
    requeue: bool = False
    is_draining: bool = False
    wake_after: float | None = None


WorkspacePlan: TypeAlias = Plan[WorkspaceAction]
