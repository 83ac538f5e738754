"""Skips the reconcile of unchanged resources after a restart: status and store agree that all is in force.

The check runs for every resource at start, so it reads the document without parsing it. In doubt it returns False: a
reconcile is always correct, only more expensive.
"""

from collections.abc import Mapping
from typing import Any

from workspace_operator.reconcile.model.outcomes import Reason
from workspace_operator.resources.statuses import ECHO_MAX_LENGTH, ConditionType
from workspace_operator.resources.workspaces import (
    ADOPT,
    FINALIZER,
    RECONCILE_REQUESTED_AT,
    RECREATE,
    ROTATE_CREDENTIALS_AT,
    DeletionPolicy,
)
from workspace_operator.workspaces.spec_versions import UnchangedWorkspace


def is_unchanged(document: Mapping[str, Any], settled: UnchangedWorkspace | None) -> bool:
    """Whether a document agrees with the converged workspace of its cluster, namespace and name, if any."""
    metadata, status = document["metadata"], document.get("status") or {}
    if settled is None or metadata.get("deletionTimestamp") is not None:
        return False
    return (
        metadata.get("uid") == settled.owner.uid
        and metadata.get("generation") == settled.generation == status.get("observedGeneration")
        and (status.get("workspaceID"), status.get("storeID")) == (settled.workspace_id, settled.store_id)
        and _ready_reason(status) == Reason.IN_FORCE
        and (status.get("identifiers") or {}).get("mode") == settled.mode
        and _has_newest_credentials(status, settled)
        and _has_required_finalizer(document)
        and _no_request_is_open(metadata.get("annotations") or {}, status, settled)
    )


def _ready_reason(status: Mapping[str, Any]) -> str | None:
    conditions = status.get("conditions") or ()
    return next((condition["reason"] for condition in conditions if condition["type"] == ConditionType.READY), None)


def _has_newest_credentials(status: Mapping[str, Any], settled: UnchangedWorkspace) -> bool:
    """Whether the store has the credentials of the status; a restored database may have earlier ones."""
    reported, made = (status.get("credentials") or {}).get("rotationTime"), settled.rotated_at
    return bool(reported == (None if made is None else f"{made:%Y-%m-%dT%H:%M:%SZ}"))


def _has_required_finalizer(document: Mapping[str, Any]) -> bool:
    is_needed = (document.get("spec") or {}).get("deletionPolicy") == DeletionPolicy.DELETE
    return is_needed == (FINALIZER in (document["metadata"].get("finalizers") or ()))


def _no_request_is_open(annotations: Mapping[str, str], status: Mapping[str, Any], settled: UnchangedWorkspace) -> bool:
    reconcile = annotations.get(RECONCILE_REQUESTED_AT, "")[:ECHO_MAX_LENGTH]
    rotate = annotations.get(ROTATE_CREDENTIALS_AT, "")[:ECHO_MAX_LENGTH]
    return (
        reconcile in ("", status.get("lastHandledReconcileAt"))
        and rotate in ("", settled.rotation_request)
        and annotations.get(RECREATE) == status.get("lastHandledRecreate")
        and annotations.get(ADOPT, "").strip() in ("", str(settled.workspace_id))
    )
