"""The whole status of an Account (accounts §3)."""

from datetime import UTC, datetime

from workspace_operator.reconcile.model.account_resources import AccountResource, FirstWorkspaceState
from workspace_operator.reconcile.model.accounts import ObservedAccount
from workspace_operator.reconcile.model.observed import StoreUnreachable
from workspace_operator.reconcile.model.outcomes import Outcome
from workspace_operator.reconcile.status.conditions import dated, summary
from workspace_operator.reconcile.status.workspace_status import handled_request
from workspace_operator.resources.statuses import AccountStatus, AccountUsage


def account_status_of(
    resource: AccountResource,
    observed: ObservedAccount | StoreUnreachable,
    first: FirstWorkspaceState,
    outcome: Outcome,
    *,
    now: datetime,
) -> AccountStatus:
    """The new status; what was not observed stays as in the previous one, and all of it in another database."""
    previous = resource.previous
    known = previous
    if isinstance(observed, ObservedAccount) and not resource.is_of_another_store(observed.store_id):
        known = _known(resource, observed, first, now)
    return known.model_copy(
        update={
            "conditions": dated(summary(outcome), previous.conditions, generation=resource.generation, now=now),
            "observed_generation": resource.generation,
            "last_handled_reconcile_at": handled_request(resource, previous.last_handled_reconcile_at, outcome),
        }
    )


def _known(
    resource: AccountResource, observed: ObservedAccount, first: FirstWorkspaceState, now: datetime
) -> AccountStatus:
    return AccountStatus(
        store_id=observed.store_id or None,
        usage=_usage(observed),
        first_workspace_time=_first_workspace_time(resource, observed, first, now),
    )


def _usage(observed: ObservedAccount) -> AccountUsage:
    """The usage as the status has it; without people and messages if these were not read."""
    usage = observed.usage
    if usage is None:
        return AccountUsage(workspaces=len(observed.workspaces))
    return AccountUsage(workspaces=usage.workspaces, people=usage.people, messages_sent=usage.messages_sent)


def _first_workspace_time(
    resource: AccountResource, observed: ObservedAccount, first: FirstWorkspaceState, now: datetime
) -> datetime | None:
    """When the account got a workspace, or was found to have one; it stays from then on."""
    has_workspace = bool(observed.workspaces) or first.is_named
    if resource.first_workspace_due_at is None or not has_workspace:
        return resource.previous.first_workspace_time
    return now.astimezone(UTC).replace(microsecond=0)
