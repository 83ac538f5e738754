"""Whether a resource needs no visit after a restart: its status says that all is in force, and the store agrees.

This is asked of every resource at start, so it reads the document as it is, without parsing it. When in doubt, the
answer is no: a visit is always right, only dearer.
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
    """Compare a document with the workspace of the same cluster, namespace and name, if the store has it settled."""
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
        and _requests_are_handled(metadata.get("annotations") or {}, status, settled)
    )


def _ready_reason(status: Mapping[str, Any]) -> str | None:
    conditions = status.get("conditions") or ()
    return next((each["reason"] for each in conditions if each["type"] == ConditionType.READY), None)


def _has_newest_credentials(status: Mapping[str, Any], settled: UnchangedWorkspace) -> bool:
    """A database that was restored may have earlier ones than the Secret."""
    reported, made = (status.get("credentials") or {}).get("rotationTime"), settled.rotated_at
    return bool(reported == (None if made is None else f"{made:%Y-%m-%dT%H:%M:%SZ}"))


def _has_required_finalizer(document: Mapping[str, Any]) -> bool:
    wants = (document.get("spec") or {}).get("deletionPolicy") == DeletionPolicy.DELETE
    return wants == (FINALIZER in (document["metadata"].get("finalizers") or ()))


def _requests_are_handled(
    annotations: Mapping[str, str], status: Mapping[str, Any], settled: UnchangedWorkspace
) -> bool:
    reconcile = annotations.get(RECONCILE_REQUESTED_AT, "")[:ECHO_MAX_LENGTH]
    rotate = annotations.get(ROTATE_CREDENTIALS_AT, "")[:ECHO_MAX_LENGTH]
    return (
        reconcile in ("", status.get("lastHandledReconcileAt"))
        and rotate in ("", settled.rotation_request)
        and annotations.get(RECREATE) == status.get("lastHandledRecreate")
        and annotations.get(ADOPT, "").strip() in ("", str(settled.workspace_id))
    )
