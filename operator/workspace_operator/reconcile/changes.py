"""Our own workspace comes closer to its wish: settings, and the identifier change (design §4, §6)."""

from workspace_operator.migrations.stages import BEFORE_SWITCH, Stage
from workspace_operator.reconcile import messages, rotations
from workspace_operator.reconcile.plan import (
    CancelMigration,
    PauseMigration,
    PutInForce,
    RequestMigration,
    RetryMigration,
)
from workspace_operator.reconcile.situations import Holding
from workspace_operator.reconcile.spec_versions import held, is_held
from workspace_operator.reconcile.steps import Step
from workspace_operator.reconcile.validity import wish_cannot_be_followed
from workspace_operator.reconcile.verdicts import Reason, Verdict


def wish_was_taken_back(holding: Holding) -> Step | None:
    """Before its switch a change that nobody wants any more leaves no trace."""
    change = holding.migration
    if change is None or change.stage not in BEFORE_SWITCH or change.to_mode is holding.mode_wanted:
        return None
    return CancelMigration(workspace_id=change.workspace_id, number=change.number)


def conflicts_are_to_be_met_otherwise(holding: Holding) -> Step | None:
    """Merge instead of Block, or Block instead of Merge: before its switch the change begins anew."""
    change = holding.migration
    if change is None or change.stage not in BEFORE_SWITCH or change.on_conflict is holding.wish.on_conflict:
        return None
    if not change.enables_email:
        return None
    return CancelMigration(workspace_id=change.workspace_id, number=change.number)


def paused_change_may_go_on(holding: Holding) -> Step | None:
    """Nothing is suspended any more."""
    change = holding.migration
    if change is None or not change.paused:
        return None
    return PauseMigration(workspace_id=change.workspace_id, number=change.number, paused=False)


def new_name_is_held(holding: Holding) -> Step | None:
    """A name that another workspace of the account has holds back this generation's settings.

    It is a new one, or has been in force in another Unicode form than that of an older workspace.
    """
    holder = holding.observed.name_holder
    if holder is None:
        return None
    wanted = holding.wish.settings.display_name
    message = messages.name_taken(wanted, holder, holding.workspace.owner, adoptable=False)
    return Verdict(reason=Reason.NAME_CONFLICT, message=message)


def settings_differ(holding: Holding) -> Step | None:
    """Changed in the spec, or drifted in the store: the wish is put in force."""
    workspace, due = holding.workspace, holding.settings_due
    if workspace.settings == due:
        return None
    return PutInForce(workspace_id=workspace.workspace_id, row_version=workspace.row_version, settings=due)


def identifiers_are_to_change(holding: Holding) -> Step | None:
    """The wanted mode is not in force, and no change is under way."""
    workspace, wanted = holding.workspace, holding.mode_wanted
    if holding.migration is not None or wanted is workspace.mode:
        return None
    return RequestMigration(
        workspace_id=workspace.workspace_id,
        from_mode=workspace.mode,
        to_mode=wanted,
        on_conflict=holding.wish.on_conflict,
    )


def identifier_change_is_held(holding: Holding) -> Step | None:
    """The wanted mode is that of an older spec, as after a restore of etcd: a person confirms it first."""
    workspace, wanted = holding.workspace, holding.mode_wanted
    is_wanted = holding.migration is None and wanted is not workspace.mode
    if not is_wanted or not is_held(holding.resource, workspace):
        return None
    return held(f"the identifiers stay {workspace.mode} and do not change to {wanted}", holding.resource)


def blocked_change_is_to_be_tried_again(holding: Holding) -> Step | None:
    """Somebody asked for a reconcile that was not handled yet."""
    change, request = holding.migration, holding.resource.reconcile_request
    handled = holding.resource.previous.last_handled_reconcile_at
    if change is None or change.stage is not Stage.BLOCKED or request in ("", change.retry_token, handled):
        return None
    return RetryMigration(workspace_id=change.workspace_id, number=change.number, token=request)


def change_is_blocked(holding: Holding) -> Step | None:
    """People must be mended first; the old identifiers stay in force."""
    change = holding.migration
    if change is None or change.stage is not Stage.BLOCKED:
        return None
    message = messages.migration_blocked(change, holding.resource)
    return Verdict(reason=Reason.MIGRATION_BLOCKED, message=message)


def change_is_running(holding: Holding) -> Step | None:
    """The worker is at it; after the switch, another wish waits until it is through."""
    change = holding.migration
    if change is None:
        return None
    return Verdict(reason=Reason.MIGRATION_RUNNING, message=messages.migration_running(change))


STOPPING = (
    wish_was_taken_back,
    conflicts_are_to_be_met_otherwise,
)
"""These come first, whatever keeps the rest of the wish from being followed."""

RULES = (
    wish_cannot_be_followed,
    paused_change_may_go_on,
    rotations.credentials_are_due,
    rotations.secret_is_inherited,
    new_name_is_held,
    settings_differ,
    identifier_change_is_held,
    identifiers_are_to_change,
    blocked_change_is_to_be_tried_again,
    # IdentifiersApplied still tells in full of a change that waits or goes on.
    rotations.secret_is_being_written,
    rotations.secret_is_foreign,
    rotations.secret_is_refused,
    change_is_blocked,
    change_is_running,
)
