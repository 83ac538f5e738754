"""What somebody changed in the store behind the operator's back is put right."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.e2e.clusters import MakeOperator
from tests.e2e.operators import Operator
from tests.e2e.scenes import Scene
from tests.e2e.waiting import until
from workspace_operator.bootstrap import awaited
from workspace_operator.reconcile.plan import DestroyWorkspace, PutInForce

OPTIONS = ("--resync-seconds", "1")


def drift(scene: Scene) -> None:
    """Other settings in the store than the resource says."""
    stored = scene.stored()
    settings = replace(stored.settings, color="BAD000", display_name="Drifted", open_tracking=False)
    action = PutInForce(workspace_id=stored.workspace_id, row_version=stored.row_version, settings=settings)
    with awaited(scene.operator.database) as store:
        store.workspaces.carry_out(action, now=datetime.now(UTC))


def test_resync_corrects_drift(scene: Scene) -> None:
    scene.apply(color="123456")
    scene.until_ready()
    settings = scene.stored().settings
    drift(scene)

    until(lambda: scene.stored().settings == settings)

    assert scene.until_ready()["metadata"]["generation"] == 1


def test_resync_notices_a_lost_workspace(scene: Scene) -> None:
    scene.apply()
    number = scene.until_ready()["status"]["workspaceID"]
    with awaited(scene.operator.database) as store:
        version = store.workspaces.get(number).row_version
        store.workspaces.carry_out(DestroyWorkspace(workspace_id=number, row_version=version), now=datetime.now(UTC))

    document = scene.until_reason("WorkspaceMissing")

    assert document["status"]["workspaceID"] == number
    assert scene.stored_names() == []


@pytest.fixture
def patient(make_operator: MakeOperator, operator: Operator) -> Operator:
    """An operator that would not look by itself for ten minutes; the module's rests meanwhile."""
    operator.stop()
    patient = make_operator()
    patient.start()
    patient.wait_until_alive()
    return patient


def test_request_corrects_drift(scene: Scene, patient: Operator) -> None:
    scene = replace(scene, operator=patient)
    scene.apply(color="123456")
    scene.until_ready()
    settings = scene.stored().settings
    drift(scene)

    token = scene.request_reconcile()
    scene.until(lambda document: document["status"].get("lastHandledReconcileAt") == token)

    assert scene.stored().settings == settings
