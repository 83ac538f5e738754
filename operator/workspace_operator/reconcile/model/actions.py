"""What a reconcile decides: writes to the store first, then what the resource shall say."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import OnConflict
from workspace_operator.reconcile.model.credentials import RotationReason
from workspace_operator.workspaces.model import Owner, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateWorkspace:
    """Make a workspace, and its account if need be. Raises NameTaken, or StaleRevision if the owner has one.

    Its number is never that of the workspace ``replaces`` which it is made, so that a request to replace that one
    does not name it, too.
    """

    owner: Owner
    account: str
    mode: Mode
    settings: Settings
    replaces: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeOwner:
    """Give an existing workspace to this owner. Raises StaleRevision if the row changed since it was read."""

    workspace_id: int
    row_version: int
    owner: Owner


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateSettings:
    """Replace the settings, all at once. Raises NameTaken or StaleRevision."""

    workspace_id: int
    row_version: int
    settings: Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestMigration:
    """Ask for an identifier change. Raises StaleRevision if one is under way."""

    workspace_id: int
    from_mode: Mode
    to_mode: Mode
    on_conflict: OnConflict


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelMigration:
    """Take an identifier change back. Raises StaleRevision if it has switched or ended meanwhile."""

    workspace_id: int
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseMigration:
    """Pause a change, or let it go on."""

    workspace_id: int
    number: int
    paused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryMigration:
    """Check the people of a blocked change again now; the token says which request asked for it."""

    workspace_id: int
    number: int
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteWorkspace:
    """Destroy a workspace and all its people, for ever. Raises StaleRevision if its row changed since it was read."""

    workspace_id: int
    row_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordGeneration:
    """Record that this generation was carried out, so that an earlier one is refused. Raises StaleRevision."""

    workspace_id: int
    row_version: int
    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptLowerGeneration:
    """Take a generation that is lower than the recorded one for the newest, as after a restore of etcd.

    It is held: what cannot be taken back is not begun for it until ``request`` changes or the spec is edited.
    Raises StaleRevision if the row or the recorded generation changed since both were read.
    """

    workspace_id: int
    row_version: int
    recorded: int
    generation: int
    request: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateCredentials:
    """Make new credentials and write their Secret; earlier ones work for the grace time.

    ``after`` is the number of the newest set that was observed, 0 for none. Raises StaleRevision if there is another
    by now.
    """

    workspace_id: int
    after: int
    grace: timedelta
    request: str
    reason: RotationReason


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimSecret:
    """Own the Secret that an earlier resource left; its credentials stay."""

    workspace_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteSecret:
    """Remove our own Secret; the credentials in it are void already."""


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
"""What is done in the store."""

IRREVERSIBLE = (CreateWorkspace, ChangeOwner, RequestMigration, DeleteWorkspace, AcceptLowerGeneration)
"""What must not be done for a document that is not the newest any more: the resource is read afresh right before."""

SecretAction = RotateCredentials | ClaimSecret | DeleteSecret
"""What is done in the cluster, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A Kubernetes event to emit; ``warning`` is its type."""

    reason: str
    message: str
    warning: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The decision.

    While there are ``actions``, they are carried out and the store is observed again; the rest of the
    plan counts only once there are none. ``status`` is the whole new status, or None if it did not
    change; ``finalizers`` likewise. ``events`` tell of the actions once they are carried out, or of the
    transition that ``status`` makes.
    ``retry`` says that a person or another part must act first, so look again later.
    """

    actions: tuple[Action | SecretAction, ...] = ()
    status: Mapping[str, Any] | None = None
    finalizers: tuple[str, ...] | None = None
    events: tuple[Event, ...] = ()
    requeue: bool = False
