"""Accounts among manifests: what an apply of one would change, and first workspaces without a cluster."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self

from workspace_operator.application.operator.parsing import parse_account_resource
from workspace_operator.application.ports import Accounts
from workspace_operator.reconcile.model.account_resources import (
    AccountResource,
    CreateFirstWorkspace,
    FirstWorkspaceState,
)
from workspace_operator.reconcile.model.accounts import ObservedAccount, SetAccount
from workspace_operator.reconcile.model.desired import InvalidSpec
from workspace_operator.reconcile.model.outcomes import Outcome, Reason
from workspace_operator.reconcile.plan.diff import ChangeKind, PlannedChange, planned_account_changes
from workspace_operator.reconcile.plan.results import PlannedResource
from workspace_operator.reconcile.plan.simulation import InMemoryWorkspaces
from workspace_operator.reconcile.policies.accounts import decide_account
from workspace_operator.reconcile.status import account_messages
from workspace_operator.resources.accounts import KIND
from workspace_operator.resources.manifests import namespace_and_name
from workspace_operator.resources.statuses import AccountStatus
from workspace_operator.resources.workspaces import account_name_of
from workspace_operator.workspaces.model import Owner

Document = Mapping[str, Any]


def is_account(document: Document) -> bool:
    """Whether a document is an Account."""
    return document.get("kind") == KIND


def accounts_of(documents: Iterable[Document]) -> Sequence[Document]:
    """The Accounts among documents, in their order."""
    return [document for document in documents if is_account(document)]


def workspaces_of(documents: Iterable[Document]) -> Sequence[Document]:
    """The other documents, in their order."""
    return [document for document in documents if not is_account(document)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestWorkspaces:
    """The Workspaces among manifests: their namespaces and names, and the namespaces and accounts that they name."""

    names: frozenset[tuple[str, str]]
    accounts: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, workspaces: Iterable[Document]) -> Self:
        """Of manifests of Workspaces only."""
        found = [(*namespace_and_name(document), account_name_of(document["spec"])) for document in workspaces]
        return cls(
            names=frozenset((namespace, name) for namespace, name, _ in found),
            accounts=frozenset((namespace, account) for namespace, _, account in found),
        )


def plan_account(
    document: Document,
    simulation: InMemoryWorkspaces,
    workspaces: ManifestWorkspaces,
    *,
    cluster_id: str,
    now: datetime,
) -> PlannedResource:
    """Plan the apply of an Account as of an API server, and apply it to a simulation."""
    resource, changes = parse_account_resource(document), list[PlannedChange]()
    stored = simulation.accounts.get(resource.key(cluster_id))
    if stored is not None:
        # Only the cluster knows the UIDs of its resources, so the plan assumes that they equal those in the store.
        resource = replace(resource, uid=stored.uid)
    while True:
        observed = simulation.observe_account(resource.key(cluster_id))
        decision = decide_account(resource, observed, FirstWorkspaceState(), cluster_id=cluster_id, now=now)
        settings = [action for action in decision.actions if isinstance(action, SetAccount)]
        if not settings:
            break
        for action in settings:
            changes += planned_account_changes(action, observed)
            simulation.accounts.apply(action)
    [ready, *_] = AccountStatus.model_validate(decision.status).conditions
    notes = _limit_notes(resource, observed)
    # Of an account that is known, only its resource in the cluster tells whether the question is settled.
    if stored is None and _lacks_first_workspace(resource, observed, workspaces):
        owner = Owner(cluster=cluster_id, namespace=resource.namespace, name=resource.name, uid="")
        is_taken = (owner.namespace, owner.name) in workspaces.names or simulation.owned_by(owner) is not None
        notes = (_first_workspace_note(owner, is_taken=is_taken),)
        if not is_taken:
            changes.append(PlannedChange(kind=ChangeKind.CREATE_FIRST_WORKSPACE, after=owner.name))
    return PlannedResource(
        kind=KIND,
        namespaced_name=resource.namespaced_name,
        cluster=cluster_id,
        workspace_id=None,
        changes=tuple(changes),
        notes=notes,
        outcome=Outcome(reason=Reason(ready.reason), message=ready.message),
    )


def first_workspaces(
    documents: Sequence[Document], accounts: Accounts, *, cluster_id: str, now: datetime
) -> Sequence[Document]:
    """The manifests of first workspaces that an operator would create for the Accounts of an apply.

    ``documents`` are those that were applied, as of an API server.
    """
    workspaces = ManifestWorkspaces.of(workspaces_of(documents))
    resources = [parse_account_resource(document) for document in accounts_of(documents)]
    return [
        _first_workspace(resource)
        for resource in resources
        if _lacks_first_workspace(resource, accounts.observe(resource.key(cluster_id), now=now), workspaces)
    ]


def _lacks_first_workspace(
    resource: AccountResource, observed: ObservedAccount, workspaces: ManifestWorkspaces
) -> bool:
    """Whether an account wants a first workspace, and has none in the store or among the manifests."""
    return (
        not isinstance(resource.desired, InvalidSpec)
        and resource.desired.creates_first_workspace
        and (resource.namespace, resource.name) not in workspaces.accounts
        and not observed.workspaces
    )


def _limit_notes(resource: AccountResource, observed: ObservedAccount) -> tuple[str, ...]:
    if isinstance(resource.desired, InvalidSpec):
        return ()
    limit = resource.desired.settings.workspace_limit
    return tuple(filter(None, (account_messages.over_limit(len(observed.workspaces), limit),)))


def _first_workspace_note(owner: Owner, *, is_taken: bool) -> str:
    if is_taken:
        return account_messages.first_name_taken(owner.namespace, owner.name)
    return account_messages.first_workspace_planned(owner.name)


def _first_workspace(resource: AccountResource) -> Document:
    name = "" if isinstance(resource.desired, InvalidSpec) else resource.desired.settings.display_name
    return CreateFirstWorkspace(namespace=resource.namespace, name=resource.name, display_name=name).as_manifest()
