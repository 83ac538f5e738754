import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Crm, Result, Run, W, write

BY_BOTH = "  identifiers: {mode: EmailOrID}"
MERGING = "  identifiers: {mode: EmailOrID, onConflict: Merge}"
SHARING = "id,email\n1,a@x.com\n2,A@x.com\n3,b@x.com\n"
READING_ONLY = "options=-crole%3Dpg_read_all_data"


@pytest.fixture
def sharing(crm: Crm) -> None:
    """default/crm, IDOnly, with two people of one address."""
    crm("IDOnly", SHARING)


def plan_of(done: Result) -> dict[str, Any]:
    """The one resource of a plan."""
    [resource] = json.loads(done.out)["resources"]
    return dict(resource)


def test_absent_database_is_planned_for_and_not_made(run: Run, tmp_path: Path) -> None:
    write("crm.yaml", more="  color: FF0000")
    before = sorted(tmp_path.iterdir())

    done = run("plan", "-f", "crm.yaml")

    assert (done.code, done.err) == (2, "")
    lines = done.out.splitlines()
    assert (lines[:2], lines[4]) == (["default/crm: would change", '  create "CRM"'], "  set spec.color to FF0000")
    assert sorted(tmp_path.iterdir()) == before


def test_empty_file_is_planned_for_and_stays_empty(run: Run) -> None:
    write("crm.yaml")
    Path("store.db").touch()

    done = run("plan", "-f", "crm.yaml")

    assert done.code == 2
    assert Path("store.db").stat().st_size == 0


def test_nothing_to_do_ends_with_zero(run: Run, crm: Crm) -> None:
    crm()

    done = run("plan", "-f", "crm.yaml")

    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[0] == "default/crm: nothing to do"
    assert done.out.splitlines()[-1].startswith("1 nothing to do, 0 would change, 0 would be blocked.")


def test_changes_end_with_two(run: Run) -> None:
    write("crm.yaml", more="  sendBehavior: {mode: Test, testAddress: t@x.com}")
    run("apply", "-f", "crm.yaml")
    write("crm.yaml", display="Sales", more="  color: FF0000")

    done = run("plan", "-f", "crm.yaml")

    assert done.code == 2
    assert done.out.splitlines()[1:5] == [
        "  set spec.displayName CRM → Sales",
        "  set spec.color 6B7280 → FF0000",
        "  set spec.sendBehavior.mode Test → Normal",
        "  set spec.sendBehavior.testAddress t@x.com → nothing",
    ]


@pytest.mark.usefixtures("sharing")
def test_people_in_the_way_end_with_three(run: Run) -> None:
    write("crm.yaml", more=BY_BOTH)

    done = run("plan", "-f", "crm.yaml")

    assert done.code == 3
    lines = done.out.splitlines()
    assert lines[:4] == [
        "default/crm: would be blocked (MigrationBlocked)",
        "  identifiers IDOnly → EmailOrID, onConflict Block: would be requested",
        "    blocked by 2 of 3 people",
        "    duplicateEmail: 2 people share 1 address",
    ]
    assert 'id "1", email "a@x.com", shares it with cio_' in lines[4]
    assert "With spec.identifiers.onConflict: Merge the change would pass: 1 person becomes part" in done.out
    assert "people dedupe" in done.out
    assert "exports get --workspace default/crm" in done.out


@pytest.mark.usefixtures("sharing")
def test_merging_ends_with_two(run: Run) -> None:
    write("crm.yaml", more=MERGING)

    done = run("plan", "-f", "crm.yaml")

    assert done.code == 2
    assert "    allowed for 3 people" in done.out.splitlines()
    assert "    duplicateEmail: 2 people share 1 address, and would be merged" in done.out.splitlines()


@pytest.mark.usefixtures("sharing")
def test_samples_may_be_left_out(run: Run) -> None:
    write("crm.yaml", more=BY_BOTH)

    done = run("plan", "-f", "crm.yaml", "--samples", "0")

    assert done.code == 3
    assert "a@x.com" not in done.out


@pytest.mark.parametrize("count", ["-1", "101", "all"])
def test_samples_are_bounded(run: Run, count: str) -> None:
    assert run("plan", "-f", "crm.yaml", "--samples", count).code == 64


@pytest.mark.usefixtures("sharing")
def test_migration_that_is_blocked_already_is_reported(run: Run) -> None:
    write("crm.yaml", more=BY_BOTH)
    run("apply", "-f", "crm.yaml")

    blocked = run("plan", "-f", "crm.yaml")
    write("crm.yaml", more=MERGING)
    merging = run("plan", "-f", "crm.yaml")

    assert (blocked.code, merging.code) == (3, 2)
    assert "onConflict Block: is in stage Blocked" in blocked.out
    assert "  cancel the migration of spec.identifiers.mode IDOnly → EmailOrID" in merging.out.splitlines()


def test_conflict_says_why(run: Run) -> None:
    Path("all").mkdir()
    write("all/1.yaml", "one", "Same")
    write("all/2.yaml", "two", "Same")

    done = run("plan", "-f", "all")

    assert done.code == 3
    assert "default/two: would be blocked (NameConflict)" in done.out
    assert 'The display name "Same" is taken by' in done.out


@pytest.mark.usefixtures("sharing")
def test_json_says_everything(run: Run) -> None:
    write("crm.yaml", more=BY_BOTH)

    done = run("plan", "-f", "crm.yaml", "-o", "json", "--samples", "1")

    assert json.loads(done.out)["outcome"] == "blocked"
    resource = plan_of(done)
    advice, message = resource.pop("advice"), resource.pop("message")
    assert len(advice) == 3
    assert message.startswith("2 of 3 people block the change to EmailOrID.")
    [sample] = resource["migration"]["preview"]["samples"].pop("duplicateEmail")
    assert {name: value for name, value in sample.items() if name not in {"cioID", "sharesWith"}} == {
        "id": "1",
        "email": "a@x.com",
        "sharing": 2,
    }
    assert len(sample["sharesWith"]) == 1
    assert resource == {
        "sending": None,
        "kind": "Workspace",
        "namespace": "default",
        "name": "crm",
        "workspaceID": 1,
        "outcome": "blocked",
        "reason": "MigrationBlocked",
        "steps": [
            {"action": "changeIdentifiers", "field": "spec.identifiers.mode", "from": "IDOnly", "to": "EmailOrID"}
        ],
        "migration": {
            "from": "IDOnly",
            "to": "EmailOrID",
            "onConflict": "Block",
            "stage": None,
            "allowed": False,
            "preview": {
                "people": {"total": 3, "withEmail": 3, "withoutID": 0, "withoutIdentifier": 0},
                "violations": {
                    "duplicateEmail": 2,
                    "invalidEmail": 0,
                    "suppressedEmail": 0,
                    "idIsAnotherEmail": 0,
                },
                "peopleConcerned": 2,
                "peopleBlocking": 2,
                "sharedAddresses": 1,
                "peopleToMerge": 0,
                "idsGivenUp": 0,
                "ifMerged": {"peopleToMerge": 1, "idsGivenUp": 1},
                "peopleWithoutUsableIdentifier": 0,
                "samples": {},
            },
        },
    }


def test_invalid_manifests_are_an_error(run: Run, crm: Crm) -> None:
    crm()
    write("crm.yaml", more="  color: blue\n  accountName: other")

    done = run("plan", "-f", "crm.yaml")

    assert (done.code, done.out) == (1, "")
    first, *problems = done.err.splitlines()
    assert first.startswith("error: nothing was planned")
    assert len(problems) == 2
    assert any("spec.color" in problem for problem in problems)


def test_other_objects_are_left_out(run: Run) -> None:
    write("crm.yaml")
    with Path("crm.yaml").open("a") as file:
        file.write("---\napiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n")

    done = run("plan", "-f", "crm.yaml", "-o", "json")

    assert done.code == 2
    assert done.error.startswith("ignored: v1 Namespace x")
    assert json.loads(done.out)["outcome"] == "changes"


@pytest.mark.parametrize("url", ["sqlite:///folder", "sqlite:///text.db", "postgresql://u:secret@127.0.0.1:1/x"])
def test_bad_database_is_an_error(run: Run, url: str) -> None:
    write("crm.yaml")
    Path("folder").mkdir()
    Path("text.db").write_text("this is no database, however long it is" * 100)

    done = run("plan", "-f", "crm.yaml", "--database", url)

    assert "secret" not in done.failure


@pytest.mark.usefixtures("sharing")
def test_clusters_are_kept_apart(run: Run) -> None:
    write("crm.yaml", more=BY_BOTH)

    assert run("plan", "-f", "crm.yaml", "--cluster-id", "blue").out.splitlines()[1] == '  create "CRM"'


@pytest.mark.usefixtures("sharing")
def test_plan_changes_no_byte(run: Run) -> None:
    write("crm.yaml", display="Sales", more=MERGING)
    before = Path("store.db").read_bytes()

    done = run("plan", "-f", "crm.yaml")

    assert done.code == 2
    assert Path("store.db").read_bytes() == before
    assert not Path("store.db-wal").exists() or Path("store.db-wal").stat().st_size == 0


@pytest.mark.usefixtures("sharing")
@pytest.mark.parametrize("is_alive", [True, False])
def test_log_of_a_writer_is_read_and_left(run: Run, *, is_alive: bool) -> None:
    write("crm.yaml", more=BY_BOTH)
    files = Path("copy.db"), Path("copy.db-wal")
    writer = sqlite3.connect("store.db")
    writer.execute("UPDATE person SET email_key = 'c@x.com' WHERE id = '2'")
    writer.commit()
    if is_alive:
        files = Path("store.db"), Path("store.db-wal")
    else:
        for file in files:
            shutil.copy(file.name.replace("copy", "store"), file)
        writer.close()
    before = [file.read_bytes() for file in files]

    done = run("plan", "-f", "crm.yaml", "--database", f"sqlite:///{files[0]}")

    after = [file.read_bytes() for file in files]
    writer.close()
    assert done.code == 2
    assert before[1] != b""
    assert after == before


@pytest.mark.usefixtures("postgres")
def test_plan_on_postgres_needs_to_read_only(run: Run, postgres_url: str) -> None:
    database = ("--database", postgres_url)
    write("crm.yaml", more="  identifiers: {mode: IDOnly}")
    run("apply", "-f", "crm.yaml", *database)
    Path("people.csv").write_text(SHARING)
    run("people", "import", "people.csv", *W, *database)
    write("crm.yaml", more=BY_BOTH)

    done = run("plan", "-f", "crm.yaml", "-o", "json", "--database", f"{postgres_url}?{READING_ONLY}")

    assert done.code == 3
    assert plan_of(done)["migration"]["preview"]["violations"]["duplicateEmail"] == 2


def test_empty_postgres_is_planned_for_and_stays_empty(run: Run, postgres_url: str) -> None:
    write("crm.yaml")

    done = run("plan", "-f", "crm.yaml", "--database", f"{postgres_url}?{READING_ONLY}")

    assert (done.code, done.err) == (2, "")
    assert done.out.splitlines()[1] == '  create "CRM"'


def test_change_of_send_behavior_names_its_effect(run: Run) -> None:
    write("crm.yaml")
    run("apply", "-f", "crm.yaml")
    write("crm.yaml", more="  sendBehavior: {mode: Never}")

    done = run("plan", "-f", "crm.yaml")
    sending = plan_of(run("plan", "-f", "crm.yaml", "-o", "json"))["sending"]

    effect = "Normal → Never: 0 waiting messages would not be sent if Never is still in force when they are due"
    assert done.out.splitlines()[1:3] == ["  set spec.sendBehavior.mode Normal → Never", f"  {effect}"]
    assert (sending["waiting"], sending["nextDueTime"], sending["effects"]) == (0, None, [effect])


def test_new_workspace_has_no_messages(run: Run) -> None:
    write("crm.yaml", more="  sendBehavior: {mode: Never}")

    assert plan_of(run("plan", "-f", "crm.yaml", "-o", "json"))["sending"] is None
