"""Ready says of a change of sending: nothing is in flight under the earlier rules any more (sending §3.4)."""

import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from tests.controlplane.failures import KubectlFailed
from tests.e2e.fixtures import NamespaceEnv, conditions
from tests.e2e.waiting import wait_until
from workspace_operator.resources.workspaces import CONFIRM_DELETE
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.schema.sending_tables import attempt

NEVER: dict[str, object] = {"sendBehavior": {"mode": "Never"}}


def write(env: NamespaceEnv, work: Callable[[sa.Connection], object]) -> None:
    with closing(Database(env.operator.database)) as database:
        database.writing(work)


def hand_over(env: NamespaceEnv, *, seconds: float) -> None:
    """A sender begins to hand a message over, under the rules in force."""
    workspace, now = env.stored(), datetime.now(UTC)
    row = {
        "workspace_id": workspace.workspace_id,
        "delivery_id": f"{time.time_ns():024x}",
        "number": 1,
        "begun_at": now,
        "deadline": now + timedelta(seconds=seconds),
        "send_version": workspace.send_version,
        "mode": "Normal",
        "transport": "default",
        "worker": "w1",
        "recipients": 1,
    }
    write(env, lambda connection: connection.execute(sa.insert(attempt), row))


def end_hand_overs(env: NamespaceEnv) -> None:
    is_ours = attempt.c.workspace_id == env.stored().workspace_id
    statement = sa.update(attempt).where(is_ours).values(ended_at=datetime.now(UTC), outcome="sent")
    write(env, lambda connection: connection.execute(statement))


def wait_for_ready(env: NamespaceEnv, seconds: int) -> None:
    """As a user does after an edit."""
    generation = env.get()["metadata"]["generation"]
    observed = f"--for=jsonpath={{.status.observedGeneration}}={generation}"
    env.kubectl("wait", observed, "ws/shop", "-n", env.namespace, f"--timeout={seconds}s")
    env.kubectl("wait", "--for=condition=Ready", "ws/shop", "-n", env.namespace, f"--timeout={seconds}s")


def test_unknown_transport_is_stalled_and_corrected(env: NamespaceEnv) -> None:
    env.apply(sending={"transport": "bulk"})

    stalled = env.wait_for_reason("TransportUnknown")
    env.apply(sending={"from": "Shop <hello@shop.example>"})

    assert conditions(stalled)["Stalled"]["status"] == "True"
    assert "Offered are: none." in conditions(stalled)["Ready"]["message"]
    assert env.wait_until_ready()["status"]["sending"]["mode"] == "Normal"


@pytest.fixture
def sending(env: NamespaceEnv) -> NamespaceEnv:
    env.apply()
    env.wait_until_ready()
    return env


def test_never_is_ready_when_the_hand_over_has_ended(sending: NamespaceEnv) -> None:
    hand_over(sending, seconds=30)
    sending.patch(NEVER)

    draining = sending.wait_for_reason("Draining")
    with pytest.raises(KubectlFailed):
        wait_for_ready(sending, 2)
    end_hand_overs(sending)
    wait_for_ready(sending, 5)

    said = conditions(draining)
    assert (said["SendingApplied"]["status"], said["Reconciling"]["status"]) == ("False", "True")
    assert said["Ready"]["message"].startswith("1 message was being handed over when Never was put in force;")
    document = sending.get()
    assert document["status"]["sending"]["mode"] == "Never"
    assert conditions(document)["SendingApplied"]["reason"] == "InForce"


def test_hand_over_past_its_deadline_is_not_awaited(sending: NamespaceEnv) -> None:
    hand_over(sending, seconds=3)
    began = time.monotonic()
    sending.patch(NEVER)

    wait_for_ready(sending, 10)

    assert time.monotonic() - began > 2


def test_short_barrier_is_not_reported(sending: NamespaceEnv) -> None:
    hand_over(sending, seconds=0.7)
    sending.patch(NEVER)

    sending.wait_until_ready()

    seen = sending.recorder.of(sending.namespace, "shop")
    assert {conditions(document)["Ready"]["reason"] for document in seen if "conditions" in document["status"]} <= {
        "Pending",
        "InForce",
    }


def test_confirmed_deletion_waits_for_the_hand_over(env: NamespaceEnv) -> None:
    env.apply(displayName="Shop", deletionPolicy="Delete", annotations={CONFIRM_DELETE: "Shop"})
    env.wait_until_ready()
    hand_over(env, seconds=30)
    env.delete("shop", "--wait=false")

    env.wait_until(lambda document: conditions(document)["Ready"]["reason"] == "Draining")
    assert env.stored().settings.send_mode == "Never"
    end_hand_overs(env)

    wait_until(lambda: env.names() == [] and env.stored_names() == [])
