"""An Account resource: what its spec asks for, and what the cluster says about its first workspace (accounts §2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from workspace_operator.access.model import Member
from workspace_operator.identity.values.email_keys import email_key
from workspace_operator.reconcile.model.accounts import AccountAction, AccountKey, AccountSettings, Notices
from workspace_operator.reconcile.model.actions import Plan
from workspace_operator.reconcile.model.desired import ApiObject, InvalidSpec, readable_status
from workspace_operator.resources.accounts import AccountSpec, FirstWorkspace
from workspace_operator.resources.statuses import AccountStatus
from workspace_operator.resources.workspaces import API_VERSION, KIND

FIRST_WORKSPACE_AFTER = timedelta(minutes=2)
"""Age of an Account without a workspace at which the operator creates one: manifests of one commit come first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredAccount:
    """A valid spec of an Account."""

    settings: AccountSettings
    creates_first_workspace: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountResource(ApiObject):
    """An Account resource, from the API server or a manifest.

    Attributes:
        first_workspace_after: its age at which the first workspace is due.
    """

    desired: DesiredAccount | InvalidSpec
    first_workspace_after: timedelta = FIRST_WORKSPACE_AFTER

    def key(self, cluster_id: str) -> AccountKey:
        """The account of this resource in the store."""
        return AccountKey(cluster=cluster_id, namespace=self.namespace, name=self.name)

    @property
    def previous(self) -> AccountStatus:
        """The status that was written last, as far as it is readable."""
        return readable_status(AccountStatus, self.status)

    def is_of_another_store(self, store_id: str) -> bool:
        """Whether the status names another database than ``store_id``, and the annotation ``recreate`` does not."""
        return self.previous.store_id not in (None, store_id, self.recreate_annotation)

    @property
    def first_workspace_due_at(self) -> datetime | None:
        """When the first workspace is due; None if none is wanted, or if that question is settled."""
        if isinstance(self.desired, InvalidSpec) or not self.desired.creates_first_workspace:
            return None
        if not self.is_in_cluster or self.previous.first_workspace_time is not None:
            return None
        return datetime.fromisoformat(self.created_at) + self.first_workspace_after


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstWorkspaceState:
    """What the cluster says about the first workspace.

    Attributes:
        is_named: whether a Workspace resource names the account; False if nobody asked.
        is_taken: whether there was a Workspace resource of the same name when one was to be created.
        refusal: why the API server refused to create one; empty if it did not.
    """

    is_named: bool = False
    is_taken: bool = False
    refusal: str = ""

    @property
    def is_refused(self) -> bool:
        """Whether it could not be created, and no other Workspace is the account's first one."""
        return not self.is_named and (self.is_taken or bool(self.refusal))


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateFirstWorkspace:
    """Create a Workspace resource in the cluster, without an owner reference."""

    namespace: str
    name: str
    display_name: str

    def as_manifest(self) -> Mapping[str, Any]:
        """The manifest of the Workspace."""
        return {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "metadata": {"name": self.name, "namespace": self.namespace},
            "spec": {"displayName": self.display_name, "accountName": self.name},
        }


AccountChange: TypeAlias = AccountAction | CreateFirstWorkspace
"""An action of the reconcile of an Account, in the store or in the cluster."""

AccountPlan: TypeAlias = Plan[AccountChange]


def desired_account_of(spec: AccountSpec) -> DesiredAccount:
    """The desired state of a valid spec, whose addresses have e-mail keys."""
    notices = spec.notices
    settings = AccountSettings(
        display_name=spec.display_name,
        workspace_limit=spec.plan.workspace_limit,
        admins=tuple(sorted(spec.admins, key=_key)),
        members=tuple(
            Member(email=entry.email, workspaces=frozenset(entry.workspaces), role=entry.role)
            for entry in sorted(spec.members, key=lambda entry: _key(entry.email))
        ),
        notices=None if notices is None else Notices(transport=notices.transport, sender=notices.sender),
    )
    return DesiredAccount(settings=settings, creates_first_workspace=spec.first_workspace is FirstWorkspace.CREATE)


def _key(email: str) -> str:
    return email_key(email) or ""
