"""The Secret that holds a workspace's credentials: what it shall look like, and whose it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workspace_operator.reconcile.model.credentials import SecretState
from workspace_operator.reconcile.model.desired import Resource
from workspace_operator.resources.workspaces import API_VERSION, KIND, MANAGED_BY, MANAGER, WORKSPACE_ID


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A Secret, as far as credentials go.

    Attributes:
        values: by key, as text; never shown.
        owners: the ownerReferences.
        version: its resourceVersion; empty while it is not there.
    """

    values: Mapping[str, str] = field(repr=False)
    labels: Mapping[str, str] = field(default_factory=dict)
    owners: tuple[Mapping[str, Any], ...] = ()
    version: str = ""


def secret_state(secret: Secret | None, resource: Resource) -> SecretState:
    """Whose the Secret is that was found under the name of a resource's Secret."""
    if secret is None:
        return SecretState.ABSENT
    if any(owner.get("uid") == resource.uid for owner in secret.owners):
        return SecretState.OWN
    return SecretState.INHERITED if secret.labels.get(MANAGED_BY) == MANAGER else SecretState.FOREIGN


def desired_secret(values: Mapping[str, str], resource: Resource, workspace_id: int, existing: Secret | None) -> Secret:
    """The Secret that shall be in the place of the one that was found; what others put there besides stays."""
    others = [owner for owner in existing.owners if not _is_replaceable(owner)] if existing else []
    return Secret(
        values=values,
        labels={MANAGED_BY: MANAGER, WORKSPACE_ID: str(workspace_id)},
        owners=(*others, _owner_reference(resource)),
        version=existing.version if existing else "",
    )


def _is_replaceable(owner: Mapping[str, Any]) -> bool:
    """A Secret has one controller, and belongs to one Workspace."""
    return bool(owner.get("controller")) or (owner.get("apiVersion"), owner.get("kind")) == (API_VERSION, KIND)


def _owner_reference(resource: Resource) -> Mapping[str, Any]:
    # Blocking the owner's deletion would take a right on finalizers, and there is nothing to wait for.
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "name": resource.name,
        "uid": resource.uid,
        "controller": True,
        "blockOwnerDeletion": False,
    }
