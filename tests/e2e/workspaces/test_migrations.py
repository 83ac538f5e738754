"""A migration: completed, blocked, fixed, retried, cancelled, paused."""

import csv
import io
import json

import pytest

from tests.e2e.fixtures import Document, NamespaceEnv, condition_is_stable, conditions, has_reason
from workspace_operator.identity.values.rules import Mode

TWINS = [("1", "twin@example.com"), ("2", "TWIN@example.com "), ("3", "alone@example.com")]
ID_ONLY = {"mode": "IDOnly"}
EMAIL_OR_ID = {"mode": "EmailOrID"}


def mode_of(document: Document) -> str:
    return str(document["status"]["identifiers"]["mode"])


@pytest.fixture
def id_only(env: NamespaceEnv) -> NamespaceEnv:
    """A workspace in mode IDOnly that is ready."""
    env.apply(identifiers=ID_ONLY)
    env.wait_until_ready()
    return env


@pytest.fixture
def blocked(id_only: NamespaceEnv) -> NamespaceEnv:
    """Its change to EmailOrID is blocked by two people who share an address."""
    id_only.import_people(TWINS)
    id_only.apply(identifiers=EMAIL_OR_ID)
    id_only.wait_for_reason("MigrationBlocked")
    return id_only


def test_clean_migration_goes_through(id_only: NamespaceEnv) -> None:
    id_only.import_people([("1", "a@example.com"), ("2", "b@example.com"), ("3", "")])

    id_only.apply(identifiers=EMAIL_OR_ID)
    document = id_only.wait_until_ready()

    migration = document["status"]["migration"]
    assert mode_of(document) == "EmailOrID"
    assert id_only.stored().mode is Mode.EMAIL_OR_ID
    assert (migration["from"], migration["to"], migration["stage"]) == ("IDOnly", "EmailOrID", "Completed")
    assert migration["peopleTotal"] == migration["peopleChecked"] == 3
    assert migration["completionTime"] >= migration["startTime"]
    told = [reason for _, reason, _ in id_only.events()]
    assert told[-2:] in (["IdentifiersChanged", "InForce"], ["MigrationRunning", "IdentifiersChanged"])


def test_blocked_migration_says_why(blocked: NamespaceEnv) -> None:
    document = blocked.get()

    message, details = (conditions(document)[each]["message"] for each in ("Ready", "IdentifiersApplied"))
    assert condition_is_stable(document) == {"Ready": "False", "Stalled": "True", "IdentifiersApplied": "False"}
    assert message.startswith("2 of 3 people block the change to EmailOrID.")
    assert "2 of 3 people block the change to EmailOrID (duplicateEmail 2" in details
    assert f"workspacectl exports get --workspace {blocked.namespace}/shop --latest" in details
    assert mode_of(document) == "IDOnly"
    migration = document["status"]["migration"]
    assert (migration["stage"], migration["peopleConcerned"]) == ("Blocked", 2)
    assert migration["violations"]["duplicateEmail"] == 2
    assert ("Warning", "MigrationBlocked", message) in blocked.events()


def test_describe_shows_the_history(blocked: NamespaceEnv) -> None:
    told = " ".join(blocked.kubectl("describe", "ws", "shop", "-n", blocked.namespace).split())

    assert "Reason: MigrationBlocked" in told
    assert "Duplicate Email: 2" in told
    assert "Warning MigrationBlocked" in told


def test_export_lists_who_blocks(blocked: NamespaceEnv) -> None:
    printed = blocked.operator.workspacectl("exports", "get", "--workspace", f"{blocked.namespace}/shop", "--latest")

    rows = list(csv.DictReader(io.StringIO(printed)))
    assert [(row["id"], row["_violations"]) for row in rows] == [("1", "duplicateEmail"), ("2", "duplicateEmail")]
    assert "keep this person" in rows[0]["_advice"]


def test_blocked_migration_lets_other_settings_in(id_only: NamespaceEnv) -> None:
    id_only.import_people(TWINS)

    id_only.apply(identifiers=EMAIL_OR_ID, displayName="Renamed", color="123456", openTracking="Disabled")
    id_only.wait_for_reason("MigrationBlocked")

    stored = id_only.stored()
    assert stored.mode is Mode.ID_ONLY
    assert (stored.settings.display_name, stored.settings.color) == ("Renamed", "123456")
    assert not stored.settings.open_tracking


def test_fixed_migration_is_tried_by_itself(blocked: NamespaceEnv) -> None:
    blocked.import_people([("2", "other@example.com")], "--update", "--by", "id")

    document = blocked.wait_until_ready(within=60)

    assert mode_of(document) == "EmailOrID"
    assert document["status"]["migration"].get("export") is None


def test_fixed_migration_is_tried_on_request(blocked: NamespaceEnv) -> None:
    blocked.operator.workspacectl("people", "delete", "--workspace", f"{blocked.namespace}/shop", "--id", "2")

    token = blocked.request_reconcile()
    document = blocked.wait_until_ready(within=4.5)  # by itself it would wait for 5 s of quiet

    assert mode_of(document) == "EmailOrID"
    assert document["status"]["lastHandledReconcileAt"] == token


def test_fruitless_request_stays_blocked(blocked: NamespaceEnv) -> None:
    before = blocked.get()

    token = blocked.request_reconcile()
    document = blocked.wait_until(
        lambda document: (
            document["status"].get("lastHandledReconcileAt") == token and document["status"]["migration"]["export"] == 2
        )
    )

    assert has_reason(document, "MigrationBlocked")
    assert conditions(document)["Ready"]["lastTransitionTime"] == conditions(before)["Ready"]["lastTransitionTime"]
    assert [reason for _, reason, _ in blocked.events()].count("MigrationBlocked") == 1


def test_reverted_spec_leaves_no_trace(blocked: NamespaceEnv) -> None:
    blocked.apply(identifiers=ID_ONLY)

    document = blocked.wait_until_ready()

    assert "migration" not in document["status"]
    assert condition_is_stable(document) == {"Ready": "True", "IdentifiersApplied": "True"}
    assert blocked.stored().mode is Mode.ID_ONLY


def test_reverted_spec_may_be_had_again(blocked: NamespaceEnv) -> None:
    blocked.apply(identifiers=ID_ONLY)
    blocked.wait_until_ready()
    blocked.operator.workspacectl("people", "delete", "--workspace", f"{blocked.namespace}/shop", "--id", "2")

    blocked.apply(identifiers=EMAIL_OR_ID)

    assert mode_of(blocked.wait_until_ready()) == "EmailOrID"


def test_blocked_migration_resumes_by_merging(blocked: NamespaceEnv) -> None:
    blocked.patch({"identifiers": {"onConflict": "Merge"}})

    document = blocked.wait_until_ready()

    migration = document["status"]["migration"]
    assert (mode_of(document), migration["onConflict"], migration["stage"]) == ("EmailOrID", "Merge", "Completed")
    assert (migration["peopleToMerge"], migration["peopleMerged"], migration["idsGivenUp"]) == (1, 1, 1)
    assert migration["violations"] == dict.fromkeys(migration["violations"], 0)
    assert "export" not in migration
    assert document["status"]["people"] == {"total": 2, "withEmail": 2, "withoutID": 0}
    assert condition_is_stable(document) == {"Ready": "True", "IdentifiersApplied": "True"}


def test_merging_is_journalled_and_shown(blocked: NamespaceEnv) -> None:
    blocked.patch({"identifiers": {"onConflict": "Merge"}})
    blocked.wait_until_ready()
    whose = ("--workspace", f"{blocked.namespace}/shop")

    shown = blocked.operator.workspacectl("migrations", "show", *whose, "--watch", "-o", "json")
    journal = blocked.operator.workspacectl("merges", "list", *whose, "-o", "json")

    assert json.loads(shown).items() >= blocked.get()["status"]["migration"].items()
    assert [(each["primary"]["id"], each["secondary"]["id"]) for each in json.loads(journal)] == [("1", "2")]


def test_merging_is_given_up_for_blocking(id_only: NamespaceEnv) -> None:
    id_only.import_people([*TWINS, ("4", "nonsense")])
    id_only.apply(identifiers=EMAIL_OR_ID | {"onConflict": "Merge"})
    merging = id_only.wait_for_reason("MigrationBlocked")

    id_only.patch({"identifiers": {"onConflict": "Block"}})
    blocking = id_only.wait_until(lambda document: document["status"]["migration"].get("peopleConcerned") == 3)

    details = conditions(merging)["IdentifiersApplied"]["message"]
    assert "1 of 4 people blocks the change to EmailOrID (invalidEmail 1" in details
    assert blocking["status"]["migration"]["onConflict"] == "Block"
    assert id_only.stored().mode is Mode.ID_ONLY


def test_blocked_migration_is_measured(blocked: NamespaceEnv) -> None:
    told = blocked.operator.metrics()

    whose = f'name="shop",namespace="{blocked.namespace}"'
    assert f'{whose},violation="duplicateEmail"}} 2.0\n' in told
    assert f'{whose},state="total"}} 3.0\n' in told


def test_suspended_migration_resumes_later(blocked: NamespaceEnv) -> None:
    blocked.apply(identifiers=EMAIL_OR_ID, suspend=True)
    blocked.wait_for_reason("Suspended")
    blocked.operator.workspacectl("people", "delete", "--workspace", f"{blocked.namespace}/shop", "--id", "2")
    token = blocked.request_reconcile()

    blocked.apply(identifiers=EMAIL_OR_ID)
    document = blocked.wait_until_ready(within=60)

    assert mode_of(document) == "EmailOrID"
    assert document["status"]["lastHandledReconcileAt"] == token


def test_spec_changed_while_suspended_waits(id_only: NamespaceEnv) -> None:
    id_only.apply(identifiers=EMAIL_OR_ID, suspend=True)

    document = id_only.wait_for_reason("Suspended")

    assert condition_is_stable(document) == {
        "Ready": "False",
        "Stalled": "True",
        "IdentifiersApplied": "False",
        "Suspended": "True",
    }
    assert (mode_of(document), id_only.stored().mode) == ("IDOnly", Mode.ID_ONLY)


def test_email_may_cease_to_identify(env: NamespaceEnv) -> None:
    env.apply(identifiers=EMAIL_OR_ID)
    env.wait_until_ready()
    env.import_people([("1", "a@example.com"), ("", "b@example.com")])

    env.apply(identifiers=ID_ONLY)
    document = env.wait_until_ready()

    migration = document["status"]["migration"]
    assert mode_of(document) == "IDOnly"
    assert (migration["peopleWithoutID"], migration["peopleWithoutIdentifier"]) == (1, 1)
    assert document["status"]["people"] == {"total": 2, "withEmail": 2, "withoutID": 1}
    (changed,) = [message for _, reason, message in env.events() if reason == "IdentifiersChanged"]
    assert changed.endswith("1 person without an id can now be reached by cio_id only.")


def test_id_may_begin_to_identify(env: NamespaceEnv) -> None:
    env.apply(identifiers={"mode": "EmailOnly"})
    env.wait_until_ready()

    env.apply(identifiers=EMAIL_OR_ID)

    assert mode_of(env.wait_until_ready()) == "EmailOrID"


def test_migration_and_back_keeps_people_apart(env: NamespaceEnv) -> None:
    env.apply(identifiers=EMAIL_OR_ID)
    env.wait_until_ready()
    env.apply(identifiers=ID_ONLY)
    env.wait_until_ready()
    env.import_people(TWINS)

    env.apply(identifiers=EMAIL_OR_ID)
    env.wait_for_reason("MigrationBlocked")

    assert env.stored().mode is Mode.ID_ONLY
