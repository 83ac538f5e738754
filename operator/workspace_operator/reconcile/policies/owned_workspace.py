"""Policies that converge a resource's own workspace: settings and identifier change (design §4, §6)."""

from workspace_operator.migrations.state_machine import Stage, Trigger
from workspace_operator.reconcile.model.actions import (
    CancelMigration,
    PauseMigration,
    RequestMigration,
    RetryMigration,
    UpdateSettings,
)
from workspace_operator.reconcile.model.context import OwnedContext
from workspace_operator.reconcile.model.outcomes import Outcome, Reason
from workspace_operator.reconcile.model.policy_results import PolicyResult
from workspace_operator.reconcile.policies import credential_rotation, sending
from workspace_operator.reconcile.policies.generations import is_on_hold, on_hold_outcome
from workspace_operator.reconcile.policies.spec_validation import reject_invalid_spec
from workspace_operator.reconcile.status import migration_messages, ownership_messages


def cancel_unwanted_migration(owned: OwnedContext) -> PolicyResult | None:
    """Cancel a migration, before its cut-over, whose mode or ``onConflict`` is no longer desired."""
    migration = owned.migration
    if migration is None or Trigger.CANCEL not in migration.transitions:
        return None
    changes_on_conflict = migration.enables_email and migration.on_conflict is not owned.desired.on_conflict
    if migration.to_mode is owned.desired_mode and not changes_on_conflict:
        return None
    return CancelMigration(workspace_id=migration.workspace_id, number=migration.number)


def resume_migration(owned: OwnedContext) -> PolicyResult | None:
    """Resume a paused migration; a suspended resource never gets here."""
    migration = owned.migration
    if migration is None or not migration.paused:
        return None
    return PauseMigration(workspace_id=migration.workspace_id, number=migration.number, paused=False)


def reject_name_conflict_on_rename(owned: OwnedContext) -> PolicyResult | None:
    """Apply no settings while another workspace of the account has the display name.

    The name is new, or it has been in force in another Unicode form than that of an older workspace.
    """
    holder = owned.observed.name_holder
    if holder is None:
        return None
    wanted = owned.desired.settings.display_name
    message = ownership_messages.name_taken(wanted, holder, owned.workspace.owner, from_annotation=False)
    return Outcome(reason=Reason.NAME_CONFLICT, message=message)


def update_settings(owned: OwnedContext) -> PolicyResult | None:
    """Put the settings of the spec in force if they differ from the store, also after drift."""
    workspace, effective = owned.workspace, owned.effective_settings
    if workspace.settings == effective and workspace.knows_send_mode:
        return None
    return UpdateSettings(workspace_id=workspace.workspace_id, row_version=workspace.row_version, settings=effective)


def request_migration(owned: OwnedContext) -> PolicyResult | None:
    """Request a migration if the desired mode is not in force and no migration is open."""
    workspace, wanted = owned.workspace, owned.desired_mode
    if owned.migration is not None or wanted is workspace.mode:
        return None
    return RequestMigration(
        workspace_id=workspace.workspace_id,
        from_mode=workspace.mode,
        to_mode=wanted,
        on_conflict=owned.desired.on_conflict,
    )


def hold_migration_request(owned: OwnedContext) -> PolicyResult | None:
    """Hold a migration that an older spec requests, as after a restore of etcd, until a person confirms it."""
    workspace, wanted = owned.workspace, owned.desired_mode
    is_wanted = owned.migration is None and wanted is not workspace.mode
    if not is_wanted or not is_on_hold(owned.resource, workspace):
        return None
    return on_hold_outcome(f"the identifiers stay {workspace.mode} and do not change to {wanted}", owned.resource)


def retry_blocked_migration(owned: OwnedContext) -> PolicyResult | None:
    """Retry a blocked migration on a request to reconcile that is not handled yet."""
    migration, request = owned.migration, owned.resource.reconcile_request
    handled = owned.resource.previous.last_handled_reconcile_at
    if migration is None or migration.stage is not Stage.BLOCKED or request in ("", migration.retry_token, handled):
        return None
    return RetryMigration(workspace_id=migration.workspace_id, number=migration.number, token=request)


def report_blocked_migration(owned: OwnedContext) -> PolicyResult | None:
    """Report a blocked migration: people must be fixed first; the old identifiers stay in force."""
    migration = owned.migration
    if migration is None or migration.stage is not Stage.BLOCKED:
        return None
    return Outcome(reason=Reason.MIGRATION_BLOCKED, message=migration_messages.migration_blocked(migration))


def report_running_migration(owned: OwnedContext) -> PolicyResult | None:
    """Report a running migration; after the cut-over, another desired mode waits for its end."""
    migration = owned.migration
    if migration is None:
        return None
    return Outcome(reason=Reason.MIGRATION_RUNNING, message=migration_messages.migration_running(migration))


POLICIES = (
    reject_invalid_spec,
    resume_migration,
    credential_rotation.rotate_credentials,
    credential_rotation.claim_secret,
    reject_name_conflict_on_rename,
    update_settings,
    hold_migration_request,
    request_migration,
    retry_blocked_migration,
    sending.await_hand_overs,
    # IdentifiersApplied still reports a blocked or running migration in full.
    credential_rotation.await_secret,
    credential_rotation.report_foreign_secret,
    credential_rotation.report_refused_secret,
    report_blocked_migration,
    report_running_migration,
    *sending.FAULTS,
)
