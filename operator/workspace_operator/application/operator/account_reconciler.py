"""Reconciler of Account resources: what the loop (`reconcile_loop`) observes, decides and applies for one.

The rules are in accounts §2. Before each action the resource is read again, after the store
was observed, and the store compares what was observed: an older document never replaces the settings of a newer one.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import ClassVar

from workspace_operator.application.accounts.usage import UsageReader
from workspace_operator.application.operator.parsing import parse_account_resource
from workspace_operator.application.operator.reconcile_loop import (
    DEFAULT_REQUEST,
    Document,
    ReconcileLoop,
    ReconcileRequest,
    ReconcileResult,
)
from workspace_operator.application.ports import Accounts, FirstWorkspaces, ResourceWriter
from workspace_operator.errors import ClusterForbidden, NotFound, StaleRevision, StoreUnavailable
from workspace_operator.log_lines import LogLine
from workspace_operator.reconcile.model.account_resources import (
    FIRST_WORKSPACE_AFTER,
    AccountChange,
    AccountPlan,
    AccountResource,
    CreateFirstWorkspace,
    FirstWorkspaceState,
)
from workspace_operator.reconcile.model.accounts import (
    AccountAction,
    AccountKey,
    ObservedAccount,
    RemoveAccount,
    SetAccount,
)
from workspace_operator.reconcile.model.observed import StoreUnreachable
from workspace_operator.reconcile.policies.accounts import decide_account, needs_workspace_lookup
from workspace_operator.workspaces.usage import month_of, total_usage

logger = logging.getLogger(__name__)


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
    resources: ResourceWriter
    workspaces: FirstWorkspaces | None
    read_latest: Callable[[Document], Document]
    cluster_id: str
    clock: Callable[[], datetime]
    usage: UsageReader
    first_workspace_after: timedelta = FIRST_WORKSPACE_AFTER
    on_change: Callable[[str], None] = lambda _: None

    def reconcile(self, document: Document, request: ReconcileRequest = DEFAULT_REQUEST) -> ReconcileResult:
        """Reconcile one resource, whose newest known version is ``document``. Raises as `ReconcileLoop.run`."""
        subject = _Account(reconciler=self, resource=self.parse(document), now=self.clock())
        loop: ReconcileLoop[ObservedAccount, AccountChange] = ReconcileLoop(
            subject=subject, resources=self.resources, clock=self.clock, document=document, was_read=request.is_fresh
        )
        _, _, result = loop.run()
        return result

    def read(self, namespace: str, name: str) -> Document:
        """Read a resource; if it is gone, remove what it has put in force. Raises NotFound or Unavailable."""
        return self.read_newest({"metadata": {"namespace": namespace, "name": name}})

    def read_newest(self, known: Document) -> Document:
        """Read the newest version of a document, as `read`."""
        try:
            return self.read_latest(known)
        except NotFound:
            metadata = known["metadata"]
            self._forget(metadata["namespace"], metadata["name"])
            raise

    def parse(self, document: Document) -> AccountResource:
        """The resource of a document, with the age at which its first workspace is due."""
        return replace(parse_account_resource(document), first_workspace_after=self.first_workspace_after)

    def apply(self, action: AccountAction) -> None:
        """Apply an action in the store. Raises StaleRevision or StoreUnavailable."""
        self.accounts.apply(action)
        self.on_change(action.key.namespace)

    def _forget(self, namespace: str, name: str) -> None:
        key = AccountKey(cluster=self.cluster_id, namespace=namespace, name=name)
        observed = self.accounts.observe(key, now=self.clock())
        if observed.account is not None:
            self.apply(RemoveAccount(key=key, row_version=observed.row_version))


@dataclass(slots=True, kw_only=True)
class _Account:
    """An Account resource during one reconcile (`reconcile_loop.Subject`).

    Attributes:
        now: the time of the last observation, as of which it is decided: the cluster was asked about a first workspace
            that was due then.
        first: what the API server has answered about the first workspace.
    """

    irreversible: ClassVar[tuple[type, ...]] = (SetAccount, CreateFirstWorkspace)
    outdating: ClassVar[tuple[type, ...]] = ()

    reconciler: AccountReconciler
    resource: AccountResource
    now: datetime
    first: FirstWorkspaceState = field(default_factory=FirstWorkspaceState)

    def read(self, document: Document) -> Document:
        return self.reconciler.read_newest(document)

    def take(self, document: Document) -> None:
        self.resource = self.reconciler.parse(document)

    def observe(self) -> ObservedAccount | StoreUnreachable:
        reconciler, resource = self.reconciler, self.resource
        self.now = now = reconciler.clock()
        try:
            observed = reconciler.accounts.observe(resource.key(reconciler.cluster_id), now=now)
        except StoreUnavailable:
            return StoreUnreachable()
        if reconciler.workspaces is not None and needs_workspace_lookup(resource, observed, now):
            is_named = reconciler.workspaces.names_account(resource.namespace, resource.name)
            self.first = replace(self.first, is_named=is_named)
        return observed

    def count(self, observed: ObservedAccount) -> ObservedAccount | StoreUnreachable | None:
        """Read what the workspaces of the account use."""
        if self.resource.deleting or self.resource.is_of_another_store(observed.store_id):
            return None
        try:
            usage = total_usage(self.reconciler.usage.usage(observed.workspaces, month_of(self.now)))
        except StoreUnavailable:
            return StoreUnreachable()
        return replace(observed, usage=usage)

    def decide(self, observed: ObservedAccount | StoreUnreachable) -> AccountPlan:
        cluster_id = self.reconciler.cluster_id
        return decide_account(self.resource, observed, self.first, cluster_id=cluster_id, now=self.now)

    def apply(self, action: AccountChange) -> bool:
        if not isinstance(action, CreateFirstWorkspace):
            self.reconciler.apply(action)
            return True
        if self.reconciler.workspaces is None:
            return False
        try:
            self.reconciler.workspaces.create(action.namespace, action.as_manifest())
        except ClusterForbidden as error:
            logger.warning(LogLine(namespace=action.namespace, name=action.name, error=str(error)))
            self.first = replace(self.first, refusal=str(error))
            return False
        except StaleRevision:
            # The next observation tells whether the Workspace of that name has just come, and names the account.
            self.first = replace(self.first, is_taken=True)
            return False
        return True
