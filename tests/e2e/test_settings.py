"""From `kubectl apply` to settings in force."""

from typing import Any

import pytest

from tests.e2e.scenes import Scene, condition_stands, conditions
from tests.e2e.waiting import until
from workspace_operator.identity.rules import EmailUpdates, IDUpdates, Mode
from workspace_operator.reconcile.observed import Settings
from workspace_operator.resources.workspaces import ADOPT, SendMode

EVERYTHING: dict[str, Any] = {
    "displayName": "The Shop",
    "color": "#00aa11",
    "identifiers": {"mode": "IDOnly", "idUpdates": "ByCioID", "emailUpdates": "ByCioID"},
    "mergeOptions": {"multiIdentifier": "Disabled"},
    "sendBehavior": {"mode": "Test", "testAddress": "qa@example.com"},
    "openTracking": "Disabled",
}


def test_applied_workspace_becomes_ready(scene: Scene) -> None:
    scene.apply()

    scene.kubectl("wait", "--for=condition=Ready", "ws/shop", "-n", scene.namespace, "--timeout=20s")


def test_status_tells_everything(scene: Scene) -> None:
    scene.apply()

    document = scene.until_ready()

    status = dict(document["status"])
    said = conditions(document)
    assert next(iter(document["status"])) == "conditions"
    assert {each: said[each]["status"] for each in said} == {"Ready": "True", "IdentifiersApplied": "True"}
    assert said["Ready"]["message"] == "Every setting is in force."
    assert said["IdentifiersApplied"]["message"] == "EmailOrID and its update rules are in force."
    assert all(each["observedGeneration"] == 1 and each["lastTransitionTime"] for each in said.values())
    made = status["credentials"].pop("rotationTime")
    assert made.endswith("Z")
    del status["conditions"]
    assert len(status.pop("storeID")) == len("897694e4-86d8-4d7f-bd00-3e6f47fd58be")
    assert status == {
        "observedGeneration": 1,
        "workspaceID": scene.stored().workspace_id,
        "identifiers": {"mode": "EmailOrID", "emailUpdates": "ByIDOrCioID", "idUpdates": "Never"},
        "people": {"total": 0, "withEmail": 0, "withoutID": 0},
        "credentials": {"secretName": "shop-credentials"},
    }


def test_every_setting_is_in_force(scene: Scene) -> None:
    scene.apply(**EVERYTHING)

    scene.until_ready()

    stored = scene.stored()
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
    )


def test_changed_settings_come_in_force(scene: Scene) -> None:
    scene.apply(**EVERYTHING)
    number = scene.until_ready()["status"]["workspaceID"]

    scene.apply(displayName="The Other Shop", identifiers={"mode": "IDOnly"}, openTracking="Enabled")
    document = scene.until_ready()

    assert document["status"]["observedGeneration"] == document["metadata"]["generation"] == 2
    assert document["status"]["workspaceID"] == number
    assert scene.stored().settings == Settings(display_name="The Other Shop")


def test_dropped_mode_keeps_what_is_in_force(scene: Scene) -> None:
    scene.apply(identifiers={"mode": "IDOnly"})
    scene.until_ready()

    scene.apply(color="123456")
    document = scene.until_ready()

    assert document["status"]["identifiers"]["mode"] == "IDOnly"
    assert scene.stored().mode is Mode.ID_ONLY


def test_nothing_but_status_is_written(scene: Scene) -> None:
    scene.apply()
    scene.until_ready()
    scene.apply(color="123456")

    document = scene.until_ready()

    metadata = document["metadata"]
    assert "finalizers" not in metadata
    assert set(metadata["annotations"]) == {"kubectl.kubernetes.io/last-applied-configuration"}
    assert "labels" not in metadata
    fields = scene.kubectl.json("get", "ws", "shop", "-n", scene.namespace, "--show-managed-fields")
    theirs = [each for each in fields["metadata"]["managedFields"] if not each["manager"].startswith("kubectl")]
    assert [(each["subresource"], set(each["fieldsV1"])) for each in theirs] == [("status", {"f:status"})]


def test_printer_columns_tell_the_story(scene: Scene) -> None:
    scene.apply(displayName="Shop", identifiers={"mode": "IDOnly"})
    number = scene.until_ready()["status"]["workspaceID"]

    header, row = scene.kubectl("get", "ws", "-n", scene.namespace, "-o", "wide").splitlines()

    assert (
        " ".join(header.split())
        == "NAME READY REASON IDENTIFIERS PEOPLE AGE DISPLAY NAME SEND WORKSPACE ID SUSPENDED MESSAGE"
    )
    cells = row.split()
    assert cells[:5] == ["shop", "True", "InForce", "IDOnly", "0"]
    assert cells[6:10] == ["Shop", "Normal", str(number), "false"]
    assert row.rstrip().endswith("Every setting is in force.")


def test_transitions_are_events(scene: Scene) -> None:
    scene.apply()
    scene.until_ready()

    scene.apply(annotations={ADOPT: "no number"})
    scene.until_reason("InvalidSpec")
    scene.apply()
    scene.until_ready()

    told = until(lambda: [each[:2] for each in scene.events()] if len(scene.events()) >= 3 else [])
    transitions = [("Normal", "InForce"), ("Warning", "InvalidSpec"), ("Normal", "InForce")]
    assert told == transitions
    events = scene.kubectl.json("get", "events", "-n", scene.namespace)["items"]
    assert {each["reportingComponent"] for each in events} == {"workspace-operator"}
    assert all(each["reportingInstance"] for each in events)


def test_people_are_counted_with_a_reconcile(scene: Scene) -> None:
    scene.apply()
    scene.until_ready()
    scene.import_people([("1", "a@example.com"), ("2", ""), ("", "c@example.com")])

    token = scene.request_reconcile()
    document = scene.until(lambda document: document["status"].get("lastHandledReconcileAt") == token)

    assert document["status"]["people"] == {"total": 3, "withEmail": 2, "withoutID": 1}


@pytest.mark.parametrize("name", ["x" * 241, "a.b-c.9"])
def test_names_of_every_shape_are_served(scene: Scene, name: str) -> None:
    scene.apply(name, displayName='Ünï ☃ "quoted"')

    document = scene.until_ready(name)

    assert condition_stands(document)["Ready"] == "True"
    assert scene.stored(name).settings.display_name == 'Ünï ☃ "quoted"'


def test_suspended_workspace_waits(scene: Scene) -> None:
    scene.apply(suspend=True)
    document = scene.until_reason("Suspended")
    assert condition_stands(document)["Stalled"] == condition_stands(document)["Suspended"] == "True"
    assert scene.stored_names() == []

    scene.apply()
    document = scene.until_ready()

    assert condition_stands(document) == {"Ready": "True", "IdentifiersApplied": "True"}


def test_suspension_leaves_ready_what_is_in_force(scene: Scene) -> None:
    scene.apply()
    scene.until_ready()

    scene.apply(suspend=True)
    document = scene.until_ready()

    assert condition_stands(document) == {"Ready": "True", "IdentifiersApplied": "True", "Suspended": "True"}
    assert until(lambda: ("Normal", "Suspended") in [each[:2] for each in scene.events()])
