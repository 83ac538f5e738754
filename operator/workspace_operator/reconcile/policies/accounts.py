"""The decision of a reconcile of an Account: one action, or the final status (accounts §2).

Like the decision about a Workspace it is level-based: an action is planned only if the observed state shows that it is
not done yet.
"""

from dataclasses import dataclass
from datetime import datetime

from workspace_operator.reconcile.model.account_resources import (
    AccountChange,
    AccountPlan,
    AccountResource,
    CreateFirstWorkspace,
    DesiredAccount,
    FirstWorkspaceState,
)
from workspace_operator.reconcile.model.accounts import ObservedAccount, SetAccount
from workspace_operator.reconcile.model.actions import Plan
from workspace_operator.reconcile.model.desired import InvalidSpec
from workspace_operator.reconcile.model.observed import StoreUnreachable
from workspace_operator.reconcile.model.outcomes import REQUEUE_REASONS, Outcome, Reason
from workspace_operator.reconcile.policies.spec_validation import invalid_spec_outcome
from workspace_operator.reconcile.status import account_messages, messages
from workspace_operator.reconcile.status.account_status import account_status_of
from workspace_operator.reconcile.status.events import account_action_events, ready_events

AccountResult = AccountChange | Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountContext:
    """An Account with a valid spec that is not being deleted, and the observed state of store and cluster."""

    resource: AccountResource
    desired: DesiredAccount
    observed: ObservedAccount
    first: FirstWorkspaceState
    cluster_id: str
    now: datetime


def decide_account(
    resource: AccountResource,
    observed: ObservedAccount | StoreUnreachable,
    first: FirstWorkspaceState,
    *,
    cluster_id: str,
    now: datetime,
) -> AccountPlan:
    """Decide the next step for an Account; one that is being deleted keeps what is in force until it is gone.

    Args:
        resource: as it is now, with the status that was written last.
        observed: the state of the store, or that it does not respond.
        first: what the cluster says, if `needs_workspace_lookup`.
        cluster_id: identifies the cluster in the store.
        now: with time zone.
    """
    if resource.deleting:
        return Plan()
    result = _result(resource, observed, first, cluster_id, now)
    if not isinstance(result, Outcome):
        return Plan(actions=(result,), events=account_action_events(result))
    previous = resource.previous
    status = account_status_of(resource, observed, first, result, now=now)
    return Plan(
        status=None if status == previous else status.as_document(),
        events=ready_events(previous.ready, status.ready),
        requeue=result.reason in REQUEUE_REASONS,
        wake_after=_wake_after(resource, observed, now),
    )


def needs_workspace_lookup(resource: AccountResource, observed: ObservedAccount, now: datetime) -> bool:
    """Whether the decision needs to know if a Workspace resource names the account: the first one is due."""
    due_at = resource.first_workspace_due_at
    return due_at is not None and now >= due_at and not observed.workspaces and not resource.deleting


def _result(
    resource: AccountResource,
    observed: ObservedAccount | StoreUnreachable,
    first: FirstWorkspaceState,
    cluster_id: str,
    now: datetime,
) -> AccountResult:
    if isinstance(observed, ObservedAccount) and resource.is_of_another_store(observed.store_id):
        # As of a Workspace whose workspace is missing: nothing is written, and the status keeps the right database.
        message = account_messages.store_replaced(resource, observed.store_id)
        return Outcome(reason=Reason.STORE_REPLACED, message=message)
    if isinstance(resource.desired, InvalidSpec):
        return invalid_spec_outcome(resource.desired.problems)
    if isinstance(observed, StoreUnreachable):
        return Outcome(reason=Reason.STORE_UNAVAILABLE, message=messages.store_unavailable(resource))
    context = AccountContext(
        resource=resource, desired=resource.desired, observed=observed, first=first, cluster_id=cluster_id, now=now
    )
    results = (result for policy in POLICIES if (result := policy(context)) is not None)
    in_force = account_messages.account_in_force(len(observed.workspaces), context.desired.settings.workspace_limit)
    return next(results, Outcome(reason=Reason.IN_FORCE, message=in_force))


def set_account(context: AccountContext) -> AccountResult | None:
    """Put the settings in force if they differ from the store, also for a resource that was recreated."""
    resource, account, settings = context.resource, context.observed.account, context.desired.settings
    if account is not None and (account.uid, account.settings) == (resource.uid, settings):
        return None
    return SetAccount(
        key=resource.key(context.cluster_id),
        row_version=context.observed.row_version,
        uid=resource.uid,
        settings=settings,
    )


def create_first_workspace(context: AccountContext) -> AccountResult | None:
    """Create the first workspace if it is due, unless that has just failed."""
    resource, first = context.resource, context.first
    is_due = needs_workspace_lookup(resource, context.observed, context.now)
    if not is_due or first.is_named or first.is_refused:
        return None
    return CreateFirstWorkspace(
        namespace=resource.namespace, name=resource.name, display_name=context.desired.settings.display_name
    )


def report_unknown_transport(context: AccountContext) -> AccountResult | None:
    """Report a transport that no live sender offers to the namespace; without senders, nothing is known."""
    notices, senders, namespace = context.desired.settings.notices, context.observed.senders, context.resource.namespace
    if notices is None or not senders.with_key or notices.transport in senders.offered_to(namespace):
        return None
    message = account_messages.notice_transport_unknown(notices.transport, context.resource, senders)
    return Outcome(reason=Reason.TRANSPORT_UNKNOWN, message=message)


def report_refused_workspace(context: AccountContext) -> AccountResult | None:
    """Report that the first workspace could not be created; it holds back nothing else."""
    if not context.first.is_refused:
        return None
    message = account_messages.first_workspace_refused(context.resource, context.first)
    return Outcome(reason=Reason.FIRST_WORKSPACE_REFUSED, message=message)


POLICIES = (set_account, create_first_workspace, report_unknown_transport, report_refused_workspace)


def _wake_after(resource: AccountResource, observed: ObservedAccount | StoreUnreachable, now: datetime) -> float | None:
    """Seconds until the first workspace is due, while none has appeared."""
    due_at = resource.first_workspace_due_at
    if due_at is None or due_at <= now or isinstance(observed, StoreUnreachable) or observed.workspaces:
        return None
    return (due_at - now).total_seconds()
