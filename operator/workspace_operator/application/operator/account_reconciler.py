"""Reconciler of one Account resource: observe, decide, apply, observe again, and write the status (accounts §2).

The decision is pure (``reconcile.policies.accounts``). Before each action the resource is read again, after the store
was observed, and the store compares what was observed: an older document never replaces the settings of a newer one.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from workspace_operator.application.accounts.usage import UsageReader
from workspace_operator.application.operator.parsing import parse_account_resource
from workspace_operator.application.operator.reconciler import (
    MAX_ITERATIONS,
    Document,
    ReconcileResult,
    is_same,
    ready_of,
)
from workspace_operator.application.ports import Accounts, FirstWorkspaces, StatusWriter
from workspace_operator.errors import (
    ClusterForbidden,
    NotFound,
    StaleRevision,
    StoreUnavailable,
    WorkspaceOperatorError,
)
from workspace_operator.log_lines import LogLine
from workspace_operator.reconcile.model.account_resources import (
    FIRST_WORKSPACE_AFTER,
    AccountPlan,
    AccountResource,
    CreateFirstWorkspace,
    FirstWorkspaceState,
)
from workspace_operator.reconcile.model.accounts import AccountAction, AccountKey, ObservedAccount, RemoveAccount
from workspace_operator.reconcile.model.observed import StoreUnreachable
from workspace_operator.reconcile.policies.accounts import decide_account, needs_workspace_lookup
from workspace_operator.workspaces.usage import month_of, total_usage

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _State:
    """State of one reconcile: the newest known document, and what the API server answered about the first workspace."""

    document: Document
    resource: AccountResource
    first: FirstWorkspaceState = field(default_factory=FirstWorkspaceState)
    actions_done: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountReconciler:
    """Brings the settings of Accounts into the store, and writes the state into their status.

    Attributes:
        resources: writes to Account resources.
        workspaces: None without a cluster, where no first workspace is created.
        read_latest: reads the newest version of a document. Raises NotFound.
        usage: reads what the workspaces of the account use.
        first_workspace_after: age of an Account without a workspace at which it gets one.
        on_change: called with the namespace after a change of an account in the store.
    """

    accounts: Accounts
    resources: StatusWriter
    workspaces: FirstWorkspaces | None
    read_latest: Callable[[Document], Document]
    cluster_id: str
    clock: Callable[[], datetime]
    usage: UsageReader
    first_workspace_after: timedelta = FIRST_WORKSPACE_AFTER
    on_change: Callable[[str], None] = lambda _: None

    def reconcile(
        self,
        document: Document,
        *,
        is_fresh: bool = False,  # noqa: ARG002 - each action reads the document again
        check_secret: bool = True,  # noqa: ARG002 - an Account has no Secret
        report_draining: bool = True,  # noqa: ARG002 - an Account hands nothing over
    ) -> ReconcileResult:
        """Reconcile one resource. Raises NotFound, StaleRevision or ClusterUnavailable, as `Reconciler.reconcile`."""
        state = _State(document=document, resource=self._parse(document))
        plan = self._converge(state)
        document, status = self._write(state, plan)
        for event in plan.events:
            self.resources.emit(state.resource.namespace, state.resource.name, state.resource.uid, event)
        return ReconcileResult(
            document=document,
            requeue=plan.requeue,
            status=status,
            actions=tuple(state.actions_done),
            ready_changed=ready_of(status) != ready_of(state.document.get("status") or {}),
            wake_after=plan.wake_after,
        )

    def read(self, namespace: str, name: str) -> Document:
        """Read a resource; if it is gone, remove what it has put in force. Raises NotFound or Unavailable."""
        return self._read({"metadata": {"namespace": namespace, "name": name}})

    def _read(self, known: Document) -> Document:
        try:
            return self.read_latest(known)
        except NotFound:
            metadata = known["metadata"]
            self._forget(metadata["namespace"], metadata["name"])
            raise

    def _forget(self, namespace: str, name: str) -> None:
        key = AccountKey(cluster=self.cluster_id, namespace=namespace, name=name)
        observed = self.accounts.observe(key, now=self.clock())
        if observed.account is not None:
            self._apply(RemoveAccount(key=key, row_version=observed.row_version))

    def _converge(self, state: _State) -> AccountPlan:
        """Observe, decide and apply until no action is left."""
        for _ in range(MAX_ITERATIONS):
            plan = self._observe_and_decide(state)
            if plan.action is None:
                return plan
            if self._is_outdated(state):
                continue
            try:
                self._carry_out(plan.action, state)
            except StaleRevision:
                continue  # the next observation includes the concurrent change
            except StoreUnavailable:
                return self._decide(state, StoreUnreachable(), self.clock())
        raise WorkspaceOperatorError(
            f"{state.resource.namespaced_name} does not converge: other writers keep changing its account"
        )

    def _parse(self, document: Document) -> AccountResource:
        return replace(parse_account_resource(document), first_workspace_after=self.first_workspace_after)

    def _is_outdated(self, state: _State) -> bool:
        """Read the resource from the API server; whether it differs from the document that was decided on."""
        document = self._read(state.document)
        if is_same(document, state.document):
            return False
        state.document, state.resource = document, self._parse(document)
        return True

    def _observe_and_decide(self, state: _State) -> AccountPlan:
        # Both decisions are as of the same time, at which the cluster was asked about a first workspace that is due.
        now = self.clock()
        observed = self._observe(state, now)
        plan = self._decide(state, observed, now)
        if plan.action is not None or isinstance(observed, StoreUnreachable) or state.resource.deleting:
            return plan
        # Counting is by far the most expensive part, so it comes when there is nothing else left to do.
        return self._decide(state, self._count(observed, now), now)

    def _observe(self, state: _State, now: datetime) -> ObservedAccount | StoreUnreachable:
        resource = state.resource
        try:
            observed = self.accounts.observe(resource.key(self.cluster_id), now=now)
        except StoreUnavailable:
            return StoreUnreachable()
        if self.workspaces is not None and needs_workspace_lookup(resource, observed, now):
            is_named = self.workspaces.names_account(resource.namespace, resource.name)
            state.first = replace(state.first, is_named=is_named)
        return observed

    def _count(self, observed: ObservedAccount, now: datetime) -> ObservedAccount | StoreUnreachable:
        """Read what the workspaces of the account use."""
        try:
            usage = total_usage(self.usage.usage(observed.workspaces, month_of(now)))
        except StoreUnavailable:
            return StoreUnreachable()
        return replace(observed, usage=usage)

    def _decide(self, state: _State, observed: ObservedAccount | StoreUnreachable, now: datetime) -> AccountPlan:
        return decide_account(state.resource, observed, state.first, cluster_id=self.cluster_id, now=now)

    def _carry_out(self, action: AccountAction | CreateFirstWorkspace, state: _State) -> None:
        if not isinstance(action, CreateFirstWorkspace):
            self._apply(action)
        elif self.workspaces is not None:
            try:
                self.workspaces.create(action.namespace, action.as_manifest())
            except ClusterForbidden as error:
                logger.warning(LogLine(namespace=action.namespace, name=action.name, error=str(error)))
                state.first = replace(state.first, refusal=str(error))
                return
            except StaleRevision:
                # The next observation tells whether the Workspace of that name has just come, and names the account.
                state.first = replace(state.first, is_taken=True)
                return
        state.actions_done.append(type(action).__name__)

    def _apply(self, action: AccountAction) -> None:
        self.accounts.apply(action)
        self.on_change(action.key.namespace)

    def _write(self, state: _State, plan: AccountPlan) -> tuple[Document, Mapping[str, object]]:
        document, resource = state.document, state.resource
        if plan.status is None:
            return document, document.get("status") or {}
        metadata = dict(document["metadata"])
        metadata["resourceVersion"] = self.resources.write_status(
            resource.namespace, resource.name, plan.status, resource_version=metadata.get("resourceVersion", "")
        )
        return {**document, "metadata": metadata, "status": plan.status}, plan.status
