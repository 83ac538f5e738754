"""The whole status of a Workspace (design §4)."""

from datetime import datetime

from workspace_operator.migrations.model import Migration
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.reconcile.model.credentials import ObservedCredentials
from workspace_operator.reconcile.model.desired import ApiObject, Resource
from workspace_operator.reconcile.model.missing_workspace import stays_missing
from workspace_operator.reconcile.model.observed import Observation, ObservedState, StoreUnreachable
from workspace_operator.reconcile.model.outcomes import REQUEST_NOT_HANDLED, Outcome
from workspace_operator.reconcile.model.sending import ObservedSending
from workspace_operator.reconcile.status.conditions import conditions_of
from workspace_operator.resources.documents import Toggle
from workspace_operator.resources.statuses import (
    CredentialsInForce,
    IdentifiersInForce,
    MigrationStatus,
    People,
    SendingInForce,
    Violations,
    WorkspaceStatus,
)
from workspace_operator.workspaces.model import Owner, Workspace


def status_of(
    resource: Resource, observed: Observation, owner: Owner, outcome: Outcome, *, now: datetime
) -> WorkspaceStatus:
    """The new status; what was not observed stays as in the previous one."""
    previous = resource.previous
    known = previous if isinstance(observed, StoreUnreachable) else _known(resource, previous, observed, owner)
    return known.model_copy(
        update={
            "conditions": conditions_of(resource, observed, outcome, now=now),
            "observed_generation": resource.generation,
            "last_handled_reconcile_at": handled_request(resource, previous.last_handled_reconcile_at, outcome),
        }
    )


def handled_request(resource: ApiObject, previous: str | None, outcome: Outcome) -> str | None:
    """The newest request to reconcile that is handled, given the one before."""
    if outcome.reason in REQUEST_NOT_HANDLED or not resource.reconcile_request:
        return previous
    return resource.reconcile_request


def _known(resource: Resource, previous: WorkspaceStatus, observed: ObservedState, owner: Owner) -> WorkspaceStatus:
    workspace, store_id = observed.workspace, observed.store_id or None
    if workspace is None and previous.workspace_id is None:
        return WorkspaceStatus()
    if workspace is None or stays_missing(resource, observed, owner):
        # Everything stays while the workspace is missing: without its number, the next reconcile would create another.
        return previous if resource.recreate_annotation else previous.model_copy(update={"last_handled_recreate": None})
    is_same = (previous.workspace_id, previous.store_id or store_id) == (workspace.workspace_id, store_id)
    people, counts = previous.people if is_same else None, observed.people
    if counts is not None:
        people = People(total=counts.total, with_email=counts.with_email, without_id=counts.without_id)
    return WorkspaceStatus(
        workspace_id=workspace.workspace_id,
        store_id=store_id,
        last_handled_recreate=resource.recreate_annotation or None,
        identifiers=_identifiers(workspace),
        people=people,
        sending=_sending(workspace, observed.sending, previous.sending if is_same else None),
        migration=_migration(observed.migration),
        credentials=_credentials(resource, observed.credentials),
    )


def _identifiers(workspace: Workspace) -> IdentifiersInForce:
    settings = workspace.settings
    return IdentifiersInForce(mode=workspace.mode, email_updates=settings.email_updates, id_updates=settings.id_updates)


def _sending(workspace: Workspace, observed: ObservedSending | None, previous: SendingInForce | None) -> SendingInForce:
    """The rules in force; counts that were not read this time stay."""
    settings, before, now = workspace.settings, previous or SendingInForce(), observed or ObservedSending()
    is_counted = now.waiting is not None or not now.has_waiting
    return SendingInForce(
        mode=settings.send_mode,
        test_address=settings.test_address,
        open_tracking=Toggle.ENABLED if settings.open_tracking else Toggle.DISABLED,
        transport=settings.transport,
        waiting=(now.waiting or 0) if is_counted else before.waiting,
        in_flight=now.in_flight,
    )


def _migration(migration: Migration | None) -> MigrationStatus | None:
    """The newest migration, also after its end; a cancelled one is not shown."""
    return None if migration is None or migration.stage is Stage.CANCELLED else migration_status(migration)


def migration_status(migration: Migration) -> MigrationStatus:
    """A migration as it is shown, with times in whole seconds."""
    counts = migration.violations
    return MigrationStatus(
        from_mode=migration.from_mode,
        to_mode=migration.to_mode,
        on_conflict=migration.on_conflict,
        stage=migration.stage,
        start_time=_seconds(migration.started_at),
        completion_time=_seconds(migration.completed_at),
        estimated_completion_time=_seconds(migration.estimated_completion),
        people_total=migration.people_total,
        people_checked=migration.people_checked,
        people_without_id=migration.people_without_id,
        people_without_identifier=migration.people_without_identifier,
        people_to_merge=migration.people_to_merge,
        people_merged=migration.people_merged,
        ids_given_up=migration.ids_given_up,
        violations=Violations(
            duplicate_email=counts.duplicate_email,
            invalid_email=counts.invalid_email,
            suppressed_email=counts.suppressed_email,
            id_is_another_email=counts.id_is_another_email,
        ),
        people_concerned=counts.people_concerned,
        export=migration.export,
    )


def _credentials(resource: Resource, credentials: ObservedCredentials | None) -> CredentialsInForce | None:
    if credentials is None or credentials.rotated_at is None:
        return None
    return CredentialsInForce(
        secret_name=resource.secret_name if credentials.is_current else None,
        rotation_time=_seconds(credentials.rotated_at),
        previous_expiration_time=_seconds(credentials.previous_valid_until),
    )


def _seconds(time: datetime | None) -> datetime | None:
    return None if time is None else time.replace(microsecond=0)
