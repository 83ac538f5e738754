"""The diff of a plan: the fields of the spec that an action would change, with old and new values."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from workspace_operator.access.model import Member
from workspace_operator.migrations.model import Migration
from workspace_operator.reconcile.model import actions
from workspace_operator.reconcile.model.accounts import AccountSettings, ObservedAccount, SetAccount
from workspace_operator.reconcile.model.actions import Action, SecretAction
from workspace_operator.reconcile.model.observed import ObservedState
from workspace_operator.resources.documents import Toggle
from workspace_operator.workspaces.model import Settings, Workspace


class ChangeKind(StrEnum):
    """The kind of a change; values as in the JSON of a plan."""

    CREATE = "create"
    CREATE_FIRST_WORKSPACE = "createFirstWorkspace"
    CHANGE_OWNER = "changeOwner"
    SET = "set"
    CHANGE_IDENTIFIERS = "changeIdentifiers"
    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    RETRY = "retry"
    DELETE = "destroy"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedChange:
    """One planned change. ``before`` is None if the value is new, ``after`` if it is removed."""

    kind: ChangeKind
    field: str = ""
    before: str | None = None
    after: str | None = None


def _enabled_or_disabled(on: bool) -> str:  # noqa: FBT001 - it is the value
    return Toggle.ENABLED.value if on else Toggle.DISABLED.value


FIELDS: tuple[tuple[str, Callable[[Settings], str | None]], ...] = (
    ("spec.displayName", lambda settings: settings.display_name),
    ("spec.color", lambda settings: settings.color),
    ("spec.identifiers.emailUpdates", lambda settings: settings.email_updates.value),
    ("spec.identifiers.idUpdates", lambda settings: settings.id_updates.value),
    ("spec.mergeOptions.multiIdentifier", lambda settings: _enabled_or_disabled(settings.merge_multi_identifier)),
    ("spec.sendBehavior.mode", lambda settings: settings.send_mode.value),
    ("spec.sendBehavior.testAddress", lambda settings: settings.test_address),
    ("spec.openTracking", lambda settings: _enabled_or_disabled(settings.open_tracking)),
    ("spec.sending.transport", lambda settings: settings.transport),
    ("spec.sending.from", lambda settings: settings.sender),
    ("spec.credentials.appKeyMay", lambda settings: settings.app_key_may.value),
)
"""Every setting that takes effect without a migration, with its path in the spec."""

ACCOUNT_FIELDS: tuple[tuple[str, Callable[[AccountSettings], str | None]], ...] = (
    ("spec.displayName", lambda settings: settings.display_name),
    (
        "spec.plan.workspaceLimit",
        lambda settings: None if settings.workspace_limit is None else str(settings.workspace_limit),
    ),
    ("spec.admins", lambda settings: ", ".join(settings.admins) or None),
    ("spec.members", lambda settings: ", ".join(map(_member_text, settings.members)) or None),
    ("spec.notices.transport", lambda settings: settings.notices.transport if settings.notices else None),
    ("spec.notices.from", lambda settings: settings.notices.sender if settings.notices else None),
)
"""Every setting of an Account, with its path in the spec."""

MODE = "spec.identifiers.mode"
ACCOUNT = "spec.accountName"


def planned_changes(action: Action | SecretAction, observed: ObservedState) -> tuple[PlannedChange, ...]:  # noqa: C901 - one line a kind of action
    """The changes that an action would make to the observed state; actions on credentials make none."""
    match action:
        case actions.CreateWorkspace():
            return _creation_changes(action)
        case actions.ChangeOwner():
            return (_owner_change(action, observed),)
        case actions.UpdateSettings():
            return _settings_changes(observed, action)
        case actions.RequestMigration():
            return (_migration_change(ChangeKind.CHANGE_IDENTIFIERS, action),)
        case actions.CancelMigration():
            return (_migration_change(ChangeKind.CANCEL, observed.migration),)
        case actions.PauseMigration():
            return (_migration_change(ChangeKind.PAUSE if action.paused else ChangeKind.RESUME, observed.migration),)
        case actions.RetryMigration():
            return (_migration_change(ChangeKind.RETRY, observed.migration),)
        case actions.DeleteWorkspace():
            return (PlannedChange(kind=ChangeKind.DELETE, before=_owner_name(observed.workspace)),)
        case actions.RecordGeneration() | actions.AcceptLowerGeneration():
            return ()
        case actions.RotateCredentials() | actions.ClaimSecret() | actions.DeleteSecret():
            return ()
        case _ as never:
            assert_never(never)


def planned_account_changes(action: SetAccount, observed: ObservedAccount) -> tuple[PlannedChange, ...]:
    """The changes that an Account would make to the stored settings."""
    before = None if observed.account is None else observed.account.settings
    changes = ((field, read(before) if before else None, read(action.settings)) for field, read in ACCOUNT_FIELDS)
    return tuple(
        PlannedChange(kind=ChangeKind.SET, field=field, before=old, after=new)
        for field, old, new in changes
        if old != new
    )


def _member_text(member: Member) -> str:
    workspaces = " ".join(sorted(member.workspaces)) or "no workspace"
    return f"{member.email} ({member.role}: {workspaces})"


def _creation_changes(action: actions.CreateWorkspace) -> tuple[PlannedChange, ...]:
    """The changes that create a workspace: its account, its mode, and settings other than the default."""
    defaults = Settings(display_name=action.settings.display_name)
    explicit = [(field, read(action.settings)) for field, read in FIELDS if read(action.settings) != read(defaults)]
    values = ((ACCOUNT, action.account), (MODE, action.mode.value), *explicit)
    return (
        PlannedChange(kind=ChangeKind.CREATE, after=action.settings.display_name),
        *(PlannedChange(kind=ChangeKind.SET, field=field, after=value) for field, value in values),
    )


def _owner_change(action: actions.ChangeOwner, observed: ObservedState) -> PlannedChange:
    adopted = observed.from_annotation.workspace if observed.from_annotation else None
    workspace = observed.workspace or adopted
    return PlannedChange(
        kind=ChangeKind.CHANGE_OWNER,
        before=_owner_name(workspace),
        after=f"{action.owner.namespace}/{action.owner.name}",
    )


def _settings_changes(observed: ObservedState, action: actions.UpdateSettings) -> tuple[PlannedChange, ...]:
    stored = None if observed.workspace is None else observed.workspace.settings
    changes = ((field, None if stored is None else read(stored), read(action.settings)) for field, read in FIELDS)
    return tuple(
        PlannedChange(kind=ChangeKind.SET, field=field, before=before, after=after)
        for field, before, after in changes
        if before != after
    )


def _migration_change(kind: ChangeKind, migration: Migration | actions.RequestMigration | None) -> PlannedChange:
    if migration is None:
        return PlannedChange(kind=kind, field=MODE)
    return PlannedChange(kind=kind, field=MODE, before=migration.from_mode, after=migration.to_mode)


def _owner_name(workspace: Workspace | None) -> str | None:
    return None if workspace is None else f"{workspace.owner.namespace}/{workspace.owner.name}"
