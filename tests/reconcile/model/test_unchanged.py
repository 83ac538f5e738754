"""Which resources need no visit after a restart; when in doubt, one is visited."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from tests.reconcile.builders import NOW, OWNER
from workspace_operator.identity.values.rules import Mode
from workspace_operator.reconcile.policies.startup_check import is_unchanged
from workspace_operator.resources.workspaces import ADOPT, FINALIZER, RECONCILE_REQUESTED_AT, ROTATE_CREDENTIALS_AT
from workspace_operator.workspaces.spec_versions import UnchangedWorkspace

SETTLED = UnchangedWorkspace(
    workspace_id=7,
    store_id="s1",
    owner=OWNER,
    generation=3,
    mode=Mode.ID_ONLY,
    rotation_request="monday",
    rotated_at=NOW.replace(microsecond=5),
)
AT_REST: dict[str, Any] = {
    "metadata": {"namespace": "team-a", "name": "shop", "uid": "uid-1", "generation": 3},
    "spec": {"displayName": "Shop"},
    "status": {
        "observedGeneration": 3,
        "workspaceID": 7,
        "storeID": "s1",
        "lastHandledReconcileAt": "tuesday",
        "identifiers": {"mode": "IDOnly"},
        "credentials": {"rotationTime": "2026-05-01T12:00:00Z"},
        "conditions": [
            {"type": "Ready", "status": "True", "reason": "InForce"},
            {"type": "IdentifiersApplied", "status": "True", "reason": "InForce"},
        ],
    },
}


def changed(path: str, value: object) -> dict[str, Any]:
    document = deepcopy(AT_REST)
    *folders, last = path.split(".")
    place = document
    for folder in folders:
        place = place.setdefault(folder, {})
    place[last] = value
    return document


@pytest.mark.parametrize(
    "document",
    [
        AT_REST,
        changed("metadata.annotations", {ADOPT: "7"}),
        changed("metadata.annotations", {RECONCILE_REQUESTED_AT: "tuesday", ROTATE_CREDENTIALS_AT: "monday"}),
        {**changed("spec.deletionPolicy", "Delete"), "metadata": {**AT_REST["metadata"], "finalizers": [FINALIZER]}},
    ],
    ids=["plain", "has adopted", "handled requests", "its finalizer"],
)
def test_resource_at_rest_is_unchanged(document: dict[str, Any]) -> None:
    assert is_unchanged(document, SETTLED)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.deletionTimestamp", "2026-05-01T12:00:00Z"),
        ("metadata.uid", "uid-2"),
        ("metadata.generation", 4),
        ("metadata.finalizers", [FINALIZER]),
        ("metadata.annotations", {RECONCILE_REQUESTED_AT: "wednesday"}),
        ("metadata.annotations", {ROTATE_CREDENTIALS_AT: "wednesday"}),
        ("metadata.annotations", {ADOPT: "8"}),
        ("spec.deletionPolicy", "Delete"),
        ("status", None),
        ("status.observedGeneration", 2),
        ("status.workspaceID", 8),
        ("status.storeID", "s2"),
        ("status.identifiers.mode", "EmailOrID"),
        ("status.credentials", None),
        ("status.credentials.rotationTime", "2026-05-01T13:00:00Z"),
        ("status.conditions", []),
        ("status.conditions", [{"type": "Ready", "status": "False", "reason": "MigrationBlocked"}]),
    ],
)
def test_resource_with_anything_to_do_is_visited(path: str, value: object) -> None:
    assert not is_unchanged(changed(path, value), SETTLED)


def test_resource_whose_workspace_was_written_since_is_visited() -> None:
    assert not is_unchanged(AT_REST, None)


def test_generation_of_the_store_must_be_the_same() -> None:
    assert not is_unchanged(AT_REST, replace(SETTLED, generation=2))
