"""The Secret that holds a workspace's credentials: its desired content and its owner."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workspace_operator.reconcile.model.credentials import SecretState
from workspace_operator.reconcile.model.desired import Resource
from workspace_operator.resources.workspaces import API_VERSION, KIND, MANAGED_BY, MANAGER, WORKSPACE_ID


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """The parts of a Secret that matter for credentials.

    Attributes:
        values: by key, as text; never shown or logged.
        owners: its ownerReferences.
        version: its resourceVersion; empty if it does not exist.
    """

    values: Mapping[str, str] = field(repr=False)
    labels: Mapping[str, str] = field(default_factory=dict)
    owners: tuple[Mapping[str, Any], ...] = ()
    version: str = ""


def secret_state(secret: Secret | None, resource: Resource) -> SecretState:
    """The owner of the Secret that was found under the name of a resource's Secret."""
    if secret is None:
        return SecretState.ABSENT
    if any(owner.get("uid") == resource.uid for owner in secret.owners):
        return SecretState.OWN
    return SecretState.INHERITED if secret.labels.get(MANAGED_BY) == MANAGER else SecretState.FOREIGN


def desired_secret(values: Mapping[str, str], resource: Resource, workspace_id: int, existing: Secret | None) -> Secret:
    """The desired Secret; owner references of others stay, unless only one such owner is possible."""
    others = [owner for owner in existing.owners if not _is_replaceable(owner)] if existing else []
    return Secret(
        values=values,
        labels={MANAGED_BY: MANAGER, WORKSPACE_ID: str(workspace_id)},
        owners=(*others, _owner_reference(resource)),
        version=existing.version if existing else "",
    )


def _is_replaceable(owner: Mapping[str, Any]) -> bool:
    """Whether our owner reference replaces this one: a Secret has one controller and belongs to one Workspace."""
    return bool(owner.get("controller")) or (owner.get("apiVersion"), owner.get("kind")) == (API_VERSION, KIND)


def _owner_reference(resource: Resource) -> Mapping[str, Any]:
    # blockOwnerDeletion would require a right on finalizers, and no deletion has to wait.
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "name": resource.name,
        "uid": resource.uid,
        "controller": True,
        "blockOwnerDeletion": False,
    }
