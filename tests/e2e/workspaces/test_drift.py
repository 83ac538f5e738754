"""What somebody changed in the store behind the operator's back is put right."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.e2e.clusters import MakeOperator
from tests.e2e.fixtures import NamespaceEnv
from tests.e2e.operators import Operator
from tests.e2e.waiting import wait_until
from workspace_operator.bootstrap import open_store_lazily
from workspace_operator.reconcile.model.actions import DeleteWorkspace, UpdateSettings

OPTIONS = ("--resync-seconds", "1")


def drift(env: NamespaceEnv) -> None:
    """Other settings in the store than the resource says."""
    stored = env.stored()
    settings = replace(stored.settings, color="BAD000", display_name="Drifted", open_tracking=False)
    action = UpdateSettings(workspace_id=stored.workspace_id, row_version=stored.row_version, settings=settings)
    with open_store_lazily(env.operator.database) as store:
        store.workspaces.apply(action, now=datetime.now(UTC))


def test_resync_corrects_drift(env: NamespaceEnv) -> None:
    env.apply(color="123456")
    env.wait_until_ready()
    settings = env.stored().settings
    drift(env)

    wait_until(lambda: env.stored().settings == settings)

    assert env.wait_until_ready()["metadata"]["generation"] == 1


def test_resync_notices_a_lost_workspace(env: NamespaceEnv) -> None:
    env.apply()
    number = env.wait_until_ready()["status"]["workspaceID"]
    with open_store_lazily(env.operator.database) as store:
        version = store.workspaces.get(number).row_version
        store.workspaces.apply(DeleteWorkspace(workspace_id=number, row_version=version), now=datetime.now(UTC))

    document = env.wait_for_reason("WorkspaceMissing")

    assert document["status"]["workspaceID"] == number
    assert env.stored_names() == []


@pytest.fixture
def patient(make_operator: MakeOperator, operator: Operator) -> Operator:
    """An operator that would not look by itself for ten minutes; the module's rests meanwhile."""
    operator.stop()
    patient = make_operator()
    patient.start()
    patient.wait_until_alive()
    return patient


def test_request_corrects_drift(env: NamespaceEnv, patient: Operator) -> None:
    env = replace(env, operator=patient)
    env.apply(color="123456")
    env.wait_until_ready()
    settings = env.stored().settings
    drift(env)

    token = env.request_reconcile()
    env.wait_until(lambda document: document["status"].get("lastHandledReconcileAt") == token)

    assert env.stored().settings == settings
