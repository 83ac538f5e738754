"""From `kubectl apply` to settings in force."""

from typing import Any

import pytest

from tests.e2e.fixtures import NamespaceEnv, condition_is_stable, conditions
from tests.e2e.waiting import wait_until
from workspace_operator.identity.values.rules import EmailUpdates, IDUpdates, Mode
from workspace_operator.resources.workspaces import ADOPT
from workspace_operator.sending.rules import SendMode
from workspace_operator.workspaces.app_keys import AppKeyMay
from workspace_operator.workspaces.model import Settings

EVERYTHING: dict[str, Any] = {
    "displayName": "The Shop",
    "color": "#00aa11",
    "identifiers": {"mode": "IDOnly", "idUpdates": "ByCioID", "emailUpdates": "ByCioID"},
    "mergeOptions": {"multiIdentifier": "Disabled"},
    "sendBehavior": {"mode": "Test", "testAddress": "qa@example.com"},
    "openTracking": "Disabled",
    "sending": {"from": "The Shop <hello@shop.example>"},
    "credentials": {"appKeyMay": "Clean"},
}


def test_applied_workspace_becomes_ready(env: NamespaceEnv) -> None:
    env.apply()

    env.kubectl("wait", "--for=condition=Ready", "ws/shop", "-n", env.namespace, "--timeout=20s")


def test_status_reports_everything(env: NamespaceEnv) -> None:
    env.apply()

    document = env.wait_until_ready()

    status = dict(document["status"])
    said = conditions(document)
    assert next(iter(document["status"])) == "conditions"
    assert condition_is_stable(document) == {"Ready": "True", "IdentifiersApplied": "True"}
    assert said["Ready"]["message"] == "Every setting is in force."
    assert said["IdentifiersApplied"]["message"] == "EmailOrID and its update rules are in force."
    assert all(each["observedGeneration"] == 1 and each["lastTransitionTime"] for each in said.values())
    made = status["credentials"].pop("rotationTime")
    assert made.endswith("Z")
    del status["conditions"]
    assert len(status.pop("storeID")) == len("897694e4-86d8-4d7f-bd00-3e6f47fd58be")
    assert status == {
        "observedGeneration": 1,
        "workspaceID": env.stored().workspace_id,
        "identifiers": {"mode": "EmailOrID", "emailUpdates": "ByIDOrCioID", "idUpdates": "Never"},
        "people": {"total": 0, "withEmail": 0, "withoutID": 0},
        "sending": {"mode": "Normal", "openTracking": "Enabled", "waiting": 0, "inFlight": 0},
        "credentials": {"secretName": "shop-credentials"},
    }


def test_every_setting_is_in_force(env: NamespaceEnv) -> None:
    env.apply(**EVERYTHING)

    env.wait_until_ready()

    stored = env.stored()
    assert stored.mode is Mode.ID_ONLY
    assert stored.settings == Settings(
        display_name="The Shop",
        color="00AA11",
        email_updates=EmailUpdates.BY_CIO_ID,
        id_updates=IDUpdates.BY_CIO_ID,
        merge_multi_identifier=False,
        send_mode=SendMode.TEST,
        test_address="qa@example.com",
        open_tracking=False,
        sender="The Shop <hello@shop.example>",
        app_key_may=AppKeyMay.CLEAN,
    )


def test_changed_settings_come_in_force(env: NamespaceEnv) -> None:
    env.apply(**EVERYTHING)
    number = env.wait_until_ready()["status"]["workspaceID"]

    env.apply(displayName="The Other Shop", identifiers={"mode": "IDOnly"}, openTracking="Enabled")
    document = env.wait_until_ready()

    assert document["status"]["observedGeneration"] == document["metadata"]["generation"] == 2
    assert document["status"]["workspaceID"] == number
    assert env.stored().settings == Settings(display_name="The Other Shop")


def test_dropped_mode_keeps_what_is_in_force(env: NamespaceEnv) -> None:
    env.apply(identifiers={"mode": "IDOnly"})
    env.wait_until_ready()

    env.apply(color="123456")
    document = env.wait_until_ready()

    assert document["status"]["identifiers"]["mode"] == "IDOnly"
    assert env.stored().mode is Mode.ID_ONLY


def test_nothing_but_status_is_written(env: NamespaceEnv) -> None:
    env.apply()
    env.wait_until_ready()
    env.apply(color="123456")

    document = env.wait_until_ready()

    metadata = document["metadata"]
    assert "finalizers" not in metadata
    assert set(metadata["annotations"]) == {"kubectl.kubernetes.io/last-applied-configuration"}
    assert "labels" not in metadata
    fields = env.kubectl.json("get", "ws", "shop", "-n", env.namespace, "--show-managed-fields")
    theirs = [each for each in fields["metadata"]["managedFields"] if not each["manager"].startswith("kubectl")]
    assert [(each["subresource"], set(each["fieldsV1"])) for each in theirs] == [("status", {"f:status"})]


def test_printer_columns_show_the_state(env: NamespaceEnv) -> None:
    env.apply(displayName="Shop", identifiers={"mode": "IDOnly"})
    number = env.wait_until_ready()["status"]["workspaceID"]

    header, row = env.kubectl("get", "ws", "-n", env.namespace, "-o", "wide").splitlines()

    assert (
        " ".join(header.split())
        == "NAME READY REASON IDENTIFIERS PEOPLE AGE DISPLAY NAME SEND WAITING WORKSPACE ID SUSPENDED MESSAGE"
    )
    cells = row.split()
    assert cells[:5] == ["shop", "True", "InForce", "IDOnly", "0"]
    assert cells[6:11] == ["Shop", "Normal", "0", str(number), "false"]
    assert row.rstrip().endswith("Every setting is in force.")


def test_transitions_are_events(env: NamespaceEnv) -> None:
    env.apply()
    env.wait_until_ready()

    env.apply(annotations={ADOPT: "no number"})
    env.wait_for_reason("InvalidSpec")
    env.apply()
    env.wait_until_ready()

    told = wait_until(lambda: [each[:2] for each in env.events()] if len(env.events()) >= 3 else [])
    transitions = [("Normal", "InForce"), ("Warning", "InvalidSpec"), ("Normal", "InForce")]
    assert told == transitions
    events = env.kubectl.json("get", "events", "-n", env.namespace)["items"]
    assert {each["reportingComponent"] for each in events} == {"workspace-operator"}
    assert all(each["reportingInstance"] for each in events)


def test_people_are_counted_with_a_reconcile(env: NamespaceEnv) -> None:
    env.apply()
    env.wait_until_ready()
    env.import_people([("1", "a@example.com"), ("2", ""), ("", "c@example.com")])

    token = env.request_reconcile()
    document = env.wait_until(lambda document: document["status"].get("lastHandledReconcileAt") == token)

    assert document["status"]["people"] == {"total": 3, "withEmail": 2, "withoutID": 1}


@pytest.mark.parametrize("name", ["x" * 241, "a.b-c.9"])
def test_names_of_every_shape_are_served(env: NamespaceEnv, name: str) -> None:
    env.apply(name, displayName='Ünï ☃ "quoted"')

    document = env.wait_until_ready(name)

    assert condition_is_stable(document)["Ready"] == "True"
    assert env.stored(name).settings.display_name == 'Ünï ☃ "quoted"'


def test_suspended_workspace_waits(env: NamespaceEnv) -> None:
    env.apply(suspend=True)
    document = env.wait_for_reason("Suspended")
    assert condition_is_stable(document)["Stalled"] == condition_is_stable(document)["Suspended"] == "True"
    assert env.stored_names() == []

    env.apply()
    document = env.wait_until_ready()

    assert condition_is_stable(document) == {"Ready": "True", "IdentifiersApplied": "True"}


def test_suspension_leaves_ready_what_is_in_force(env: NamespaceEnv) -> None:
    env.apply()
    env.wait_until_ready()

    env.apply(suspend=True)
    document = env.wait_until_ready()

    assert condition_is_stable(document) == {"Ready": "True", "IdentifiersApplied": "True", "Suspended": "True"}
    assert wait_until(lambda: ("Normal", "Suspended") in [each[:2] for each in env.events()])
