"""A change of identifiers: through, blocked, mended, asked for again, taken back, paused."""

import csv
import io
import json

import pytest

from tests.e2e.scenes import Document, Scene, condition_stands, conditions, says
from workspace_operator.identity.rules import Mode

TWINS = [("1", "twin@example.com"), ("2", "TWIN@example.com "), ("3", "alone@example.com")]
ID_ONLY = {"mode": "IDOnly"}
EMAIL_OR_ID = {"mode": "EmailOrID"}


def mode_of(document: Document) -> str:
    return str(document["status"]["identifiers"]["mode"])


@pytest.fixture
def id_only(scene: Scene) -> Scene:
    """A workspace in mode IDOnly that is ready."""
    scene.apply(identifiers=ID_ONLY)
    scene.until_ready()
    return scene


@pytest.fixture
def blocked(id_only: Scene) -> Scene:
    """Its change to EmailOrID is blocked by two people who share an address."""
    id_only.import_people(TWINS)
    id_only.apply(identifiers=EMAIL_OR_ID)
    id_only.until_reason("MigrationBlocked")
    return id_only


def test_clean_change_goes_through(id_only: Scene) -> None:
    id_only.import_people([("1", "a@example.com"), ("2", "b@example.com"), ("3", "")])

    id_only.apply(identifiers=EMAIL_OR_ID)
    document = id_only.until_ready()

    migration = document["status"]["migration"]
    assert mode_of(document) == "EmailOrID"
    assert id_only.stored().mode is Mode.EMAIL_OR_ID
    assert (migration["from"], migration["to"], migration["stage"]) == ("IDOnly", "EmailOrID", "Completed")
    assert migration["peopleTotal"] == migration["peopleChecked"] == 3
    assert migration["completionTime"] >= migration["startTime"]
    told = [reason for _, reason, _ in id_only.events()]
    assert told[-2:] in (["IdentifiersChanged", "InForce"], ["MigrationRunning", "IdentifiersChanged"])


def test_blocked_change_says_why(blocked: Scene) -> None:
    document = blocked.get()

    message = conditions(document)["Ready"]["message"]
    assert condition_stands(document) == {"Ready": "False", "Stalled": "True", "IdentifiersApplied": "False"}
    assert "stay IDOnly: 2 people of 3 stand in the way of EmailOrID (duplicateEmail 2" in message
    assert f"workspacectl exports get --workspace {blocked.namespace}/shop --latest" in message
    assert mode_of(document) == "IDOnly"
    migration = document["status"]["migration"]
    assert (migration["stage"], migration["peopleConcerned"]) == ("Blocked", 2)
    assert migration["violations"]["duplicateEmail"] == 2
    assert ("Warning", "MigrationBlocked", message) in blocked.events()


def test_describe_tells_the_story(blocked: Scene) -> None:
    told = " ".join(blocked.kubectl("describe", "ws", "shop", "-n", blocked.namespace).split())

    assert "Reason: MigrationBlocked" in told
    assert "Duplicate Email: 2" in told
    assert "Warning MigrationBlocked" in told


def test_export_lists_who_blocks(blocked: Scene) -> None:
    printed = blocked.operator.workspacectl("exports", "get", "--workspace", f"{blocked.namespace}/shop", "--latest")

    rows = list(csv.DictReader(io.StringIO(printed)))
    assert [(row["id"], row["_violations"]) for row in rows] == [("1", "duplicateEmail"), ("2", "duplicateEmail")]
    assert "keep this person" in rows[0]["_advice"]


def test_blocked_change_lets_other_settings_in(id_only: Scene) -> None:
    id_only.import_people(TWINS)

    id_only.apply(identifiers=EMAIL_OR_ID, displayName="Renamed", color="123456", openTracking="Disabled")
    id_only.until_reason("MigrationBlocked")

    stored = id_only.stored()
    assert stored.mode is Mode.ID_ONLY
    assert (stored.settings.display_name, stored.settings.color) == ("Renamed", "123456")
    assert not stored.settings.open_tracking


def test_mended_change_is_tried_by_itself(blocked: Scene) -> None:
    blocked.import_people([("2", "other@example.com")], "--update", "--by", "id")

    document = blocked.until_ready(within=60)

    assert mode_of(document) == "EmailOrID"
    assert document["status"]["migration"].get("export") is None


def test_mended_change_is_tried_on_request(blocked: Scene) -> None:
    blocked.operator.workspacectl("people", "delete", "--workspace", f"{blocked.namespace}/shop", "--id", "2")

    token = blocked.request_reconcile()
    document = blocked.until_ready(within=4.5)  # by itself it would wait for 5 s of quiet

    assert mode_of(document) == "EmailOrID"
    assert document["status"]["lastHandledReconcileAt"] == token


def test_fruitless_request_stays_blocked(blocked: Scene) -> None:
    before = blocked.get()

    token = blocked.request_reconcile()
    document = blocked.until(
        lambda document: (
            document["status"].get("lastHandledReconcileAt") == token and document["status"]["migration"]["export"] == 2
        )
    )

    assert says(document, "MigrationBlocked")
    assert conditions(document)["Ready"]["lastTransitionTime"] == conditions(before)["Ready"]["lastTransitionTime"]
    assert [reason for _, reason, _ in blocked.events()].count("MigrationBlocked") == 1


def test_wish_taken_back_leaves_no_trace(blocked: Scene) -> None:
    blocked.apply(identifiers=ID_ONLY)

    document = blocked.until_ready()

    assert "migration" not in document["status"]
    assert condition_stands(document) == {"Ready": "True", "IdentifiersApplied": "True"}
    assert blocked.stored().mode is Mode.ID_ONLY


def test_wish_taken_back_may_be_had_again(blocked: Scene) -> None:
    blocked.apply(identifiers=ID_ONLY)
    blocked.until_ready()
    blocked.operator.workspacectl("people", "delete", "--workspace", f"{blocked.namespace}/shop", "--id", "2")

    blocked.apply(identifiers=EMAIL_OR_ID)

    assert mode_of(blocked.until_ready()) == "EmailOrID"


def test_blocked_change_goes_on_by_merging(blocked: Scene) -> None:
    blocked.patch({"identifiers": {"onConflict": "Merge"}})

    document = blocked.until_ready()

    migration = document["status"]["migration"]
    assert (mode_of(document), migration["onConflict"], migration["stage"]) == ("EmailOrID", "Merge", "Completed")
    assert (migration["peopleMerged"], migration["peopleFolded"], migration["idsGivenUp"]) == (1, 1, 1)
    assert migration["violations"] == dict.fromkeys(migration["violations"], 0)
    assert "export" not in migration
    assert document["status"]["people"] == {"total": 2, "withEmail": 2, "withoutID": 0}
    assert condition_stands(document) == {"Ready": "True", "IdentifiersApplied": "True"}


def test_merging_is_journalled_and_shown(blocked: Scene) -> None:
    blocked.patch({"identifiers": {"onConflict": "Merge"}})
    blocked.until_ready()
    whose = ("--workspace", f"{blocked.namespace}/shop")

    shown = blocked.operator.workspacectl("migrations", "show", *whose, "--watch", "-o", "json")
    journal = blocked.operator.workspacectl("merges", "list", *whose, "-o", "json")

    assert json.loads(shown).items() >= blocked.get()["status"]["migration"].items()
    assert [(each["primary"]["id"], each["secondary"]["id"]) for each in json.loads(journal)] == [("1", "2")]


def test_merging_is_given_up_for_blocking(id_only: Scene) -> None:
    id_only.import_people([*TWINS, ("4", "nonsense")])
    id_only.apply(identifiers=EMAIL_OR_ID | {"onConflict": "Merge"})
    merging = id_only.until_reason("MigrationBlocked")

    id_only.patch({"identifiers": {"onConflict": "Block"}})
    blocking = id_only.until(lambda document: document["status"]["migration"].get("peopleConcerned") == 3)

    assert "1 person of 4 stand in the way of EmailOrID (invalidEmail 1" in conditions(merging)["Ready"]["message"]
    assert blocking["status"]["migration"]["onConflict"] == "Block"
    assert id_only.stored().mode is Mode.ID_ONLY


def test_blocked_change_is_measured(blocked: Scene) -> None:
    told = blocked.operator.metrics()

    whose = f'namespace="{blocked.namespace}",name="shop"'
    assert f'{whose},violation="duplicateEmail"}} 2\n' in told
    assert f'{whose},state="total"}} 3\n' in told


def test_suspended_change_goes_on_later(blocked: Scene) -> None:
    blocked.apply(identifiers=EMAIL_OR_ID, suspend=True)
    blocked.until_reason("Suspended")
    blocked.operator.workspacectl("people", "delete", "--workspace", f"{blocked.namespace}/shop", "--id", "2")
    token = blocked.request_reconcile()

    blocked.apply(identifiers=EMAIL_OR_ID)
    document = blocked.until_ready(within=60)

    assert mode_of(document) == "EmailOrID"
    assert document["status"]["lastHandledReconcileAt"] == token


def test_wish_made_while_suspended_waits(id_only: Scene) -> None:
    id_only.apply(identifiers=EMAIL_OR_ID, suspend=True)

    document = id_only.until_reason("Suspended")

    assert condition_stands(document) == {
        "Ready": "False",
        "Stalled": "True",
        "IdentifiersApplied": "False",
        "Suspended": "True",
    }
    assert (mode_of(document), id_only.stored().mode) == ("IDOnly", Mode.ID_ONLY)


def test_email_may_cease_to_identify(scene: Scene) -> None:
    scene.apply(identifiers=EMAIL_OR_ID)
    scene.until_ready()
    scene.import_people([("1", "a@example.com"), ("", "b@example.com")])

    scene.apply(identifiers=ID_ONLY)
    document = scene.until_ready()

    migration = document["status"]["migration"]
    assert mode_of(document) == "IDOnly"
    assert (migration["peopleWithoutID"], migration["peopleWithoutIdentifier"]) == (1, 1)
    assert document["status"]["people"] == {"total": 2, "withEmail": 2, "withoutID": 1}
    (changed,) = [message for _, reason, message in scene.events() if reason == "IdentifiersChanged"]
    assert changed.endswith("1 person without an id can now be reached by cio_id only.")


def test_id_may_begin_to_identify(scene: Scene) -> None:
    scene.apply(identifiers={"mode": "EmailOnly"})
    scene.until_ready()

    scene.apply(identifiers=EMAIL_OR_ID)

    assert mode_of(scene.until_ready()) == "EmailOrID"


def test_change_and_back_keeps_people_apart(scene: Scene) -> None:
    scene.apply(identifiers=EMAIL_OR_ID)
    scene.until_ready()
    scene.apply(identifiers=ID_ONLY)
    scene.until_ready()
    scene.import_people(TWINS)

    scene.apply(identifiers=EMAIL_OR_ID)
    scene.until_reason("MigrationBlocked")

    assert scene.stored().mode is Mode.ID_ONLY
