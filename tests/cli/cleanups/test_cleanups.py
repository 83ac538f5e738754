"""``workspacectl cleanups``, as somebody uses it who has a shell and a spreadsheet."""

import csv
import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import Crm, Run, W, write
from tests.cli.terminals import on_a_terminal
from workspace_operator import bootstrap
from workspace_operator.application.ports import ApplyRequest
from workspace_operator.cli.support.workspace_context import current_actor
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import OnConflict
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.reconcile.model.actions import RequestMigration
from workspace_operator.settings import variable_of

PEOPLE = """\
id,email,created_at,plan
m-1,a@x.com,1000000050,pro
m-2,A@x.com,1000000100,
m-3,a@x.com,1000000200,
m-4,nonsense,,
m-5,b@x.com,1000000300,
m-6,b@x.com,1000000400,
m-7,c@x.com,,
"""


@pytest.fixture
def blocked(crm: Crm) -> None:
    """Seven people in mode IDOnly, of whom six block the change to EmailOrID."""
    crm("IDOnly", PEOPLE)
    crm("EmailOrID", code=3)


def decisions_file(run: Run, path: str = "people.csv", **rows: str) -> None:
    """An export with decisions by id, each as cells of _decision, _email and _into, separated by blanks."""
    assert run("exports", "get", "--latest", "-o", path, *W).code == 0
    with Path(path).open(newline="") as file:
        exported = list(csv.DictReader(file))
    columns = ("_decision", "_email", "_into")
    for row in exported:
        cells = rows.get(row["id"].replace("-", "_"), "").split(" ")
        row.update(dict(zip(columns, [*cells, "", ""], strict=False)))
    with Path(path).open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(exported[0]))
        writer.writeheader()
        writer.writerows(exported)


def people(run: Run) -> dict[str, str]:
    """Addresses by id."""
    rows = csv.DictReader(run("people", "export", *W).out.splitlines())
    return {row["id"]: row["email"] for row in rows}


def shown(run: Run, *arguments: str) -> dict[str, object]:
    done = run("cleanups", "show", *arguments, "-o", "json", *W)
    assert done.code == 0
    document: dict[str, object] = json.loads(done.out)
    return document


@pytest.mark.usefixtures("blocked")
def test_from_the_export_to_the_change(run: Run) -> None:
    decisions_file(run, m_1="keep", m_2="merge", m_3="correct new@x.com", m_4="clear", m_6="delete")

    made = run("cleanups", "decide", "--from-csv", "people.csv", *W)

    assert (made.code, made.err) == (0, "")
    assert made.out == (
        "6 rows: 5 decisions made, 1 without a decision, 0 rejected\n"
        "5 decisions. With these decisions, nobody blocks the migration any more.\n"
    )
    before = people(run)
    done = run("cleanups", "apply", "--yes", *W)
    assert (done.code, done.err) == (0, "")
    assert done.out == "cleanup 1: 5 applied, 0 left alone\nthe migration is Completed\n"
    assert before.keys() == {f"m-{number}" for number in range(1, 8)}
    assert people(run) == {"m-1": "a@x.com", "m-3": "new@x.com", "m-4": "", "m-5": "b@x.com", "m-7": "c@x.com"}


@pytest.mark.usefixtures("blocked")
def test_nothing_happens_before_apply(run: Run) -> None:
    before = people(run)
    decisions_file(run, m_1="clear", m_2="clear", m_3="delete")

    assert run("cleanups", "decide", "--from-csv", "people.csv", *W).code == 0

    assert people(run) == before
    document = shown(run)
    assert (document["state"], document["peopleBlocking"], document["peopleBlockingAfter"]) == ("Draft", 6, 3)
    assert document["decisions"] == {"keep": 0, "merge": 0, "correct": 0, "clear": 2, "delete": 1}
    assert document["deletePeople"] == 1


@pytest.mark.usefixtures("blocked")
def test_merge_goes_into_whom_the_file_keeps(run: Run) -> None:
    decisions_file(run, m_1="merge", m_2="keep", m_3="merge", m_6="merge", m_5="")
    run("cleanups", "decide", "--from-csv", "people.csv", *W)

    listed = json.loads(run("cleanups", "decisions", "-o", "json", *W).out)

    with Path("people.csv").open(newline="") as file:
        ids = {row["cio_id"]: row["id"] for row in csv.DictReader(file)}
    into = {ids[row["cioId"]]: ids.get(row["into"] or "") for row in listed}
    assert into == {"m-1": "m-2", "m-2": None, "m-3": "m-2", "m-6": "m-5"}


@pytest.mark.usefixtures("blocked")
def test_file_without_addresses_merges_people_of_the_same_address(run: Run) -> None:
    """Those of the list of people: nobody becomes part of a person of another address."""
    decisions_file(run, m_1="merge", m_2="keep", m_3="merge", m_4="merge", m_5="merge", m_6="keep")
    with Path("people.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    ids = {row["cio_id"]: row["id"] for row in rows}
    with Path("people.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=["cio_id", "id", "_decision"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)

    done = run("cleanups", "decide", "--from-csv", "people.csv", *W)

    listed = json.loads(run("cleanups", "decisions", "-o", "json", *W).out)
    into = {ids[row["cioId"]]: ids.get(row["into"] or "") for row in listed}
    assert into == {"m-1": "m-2", "m-2": None, "m-3": "m-2", "m-5": "m-6", "m-6": None}
    assert done.code == 3
    with Path("people.rejects.csv").open(newline="") as file:
        reasons = {row["id"]: row["_reason"] for row in csv.DictReader(file)}
    assert reasons == {"m-4": "Nobody else has this address: name the person to merge into in _into."}


@pytest.mark.usefixtures("blocked")
def test_rejected_rows_can_be_corrected(run: Run) -> None:
    decisions_file(run, m_1="keep", m_2="keeep", m_3="correct", m_4="merge", m_5="correct b@x", m_6="clear x@x.com")

    done = run("cleanups", "decide", "--from-csv", "people.csv", *W)

    assert done.code == 3
    assert "1 decisions made" in done.out
    assert "rejected rows, with reasons: people.rejects.csv" in done.out
    with Path("people.rejects.csv").open(newline="") as file:
        reasons = {row["id"]: (row["_reason"], row["_decision"]) for row in csv.DictReader(file)}
    assert reasons == {
        "m-2": (
            "'keeep' in _decision is no decision: write one of keep, merge, correct, clear, delete, none.",
            "keeep",
        ),
        "m-3": ("There is no new address in _email.", "correct"),
        "m-4": ("Nobody else has this address: name the person to merge into in _into.", "merge"),
        "m-5": ("'b@x' is not a valid address.", "correct"),
        "m-6": ("_email has a value, but _decision is not correct.", "clear"),
    }


@pytest.mark.usefixtures("blocked")
def test_decisions_are_removed(run: Run) -> None:
    decisions_file(run, m_1="clear", m_4="clear")
    run("cleanups", "decide", "--from-csv", "people.csv", *W)
    decisions_file(run, m_1="none")

    done = run("cleanups", "decide", "--from-csv", "people.csv", *W)

    assert done.out.startswith("6 rows: 0 decisions made, 1 removed, 5 without a decision, 0 rejected\n1 decision.")
    again = run("cleanups", "decide", "--from-csv", "people.csv", *W)
    assert again.out.startswith("6 rows: 0 decisions made, 6 without a decision, 0 rejected\n1 decision.")


@pytest.mark.usefixtures("blocked")
@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("id,_decision\nm-1,keep\n", "the file has no column cio_id"),
        ("cio_id,id\n1,m-1\n", "the file has no column _decision"),
        ("", "the file must start with a header"),
    ],
)
def test_file_of_another_kind(run: Run, content: str, message: str) -> None:
    Path("people.csv").write_text(content)

    done = run("cleanups", "decide", "--from-csv", "people.csv", *W)

    assert done.code == 1
    assert message in done.err
    assert not Path("people.rejects.csv").exists()
    assert json.loads(run("cleanups", "list", "-o", "json", *W).out) == []


@pytest.mark.usefixtures("blocked")
def test_export_with_a_decision_in_every_row(run: Run) -> None:
    duplicates = ("--violation", "duplicateEmail", "--except-oldest")
    assert run("exports", "get", *duplicates, "--decide", "merge", "-o", "merges.csv", *W).code == 0

    done = run("cleanups", "decide", "--from-csv", "merges.csv", *W)

    assert done.out == (
        "3 rows: 3 decisions made, 0 without a decision, 0 rejected\n"
        "3 decisions. With these decisions, 1 person would still block the migration.\n"
    )
    assert run("exports", "get", "--decide", "", *W).out.startswith("_decision,_violations,cio_id,")
    wrong = run("exports", "get", "--decide", "correct", *W).failure
    assert "--decide 'correct' is no decision for every row: use one of keep, merge, clear, delete, or ''" in wrong


@pytest.mark.usefixtures("crm")
def test_nothing_is_blocked(run: Run, crm: Crm) -> None:
    crm("IDOnly")
    Path("people.csv").write_text("cio_id,_decision\n")

    assert (
        "no identifier change of this workspace is blocked"
        in run("cleanups", "decide", "--from-csv", "people.csv", *W).err
    )
    assert run("cleanups", "list", *W).code == 0
    assert "has no cleanups" in run("cleanups", "show", *W).failure
    assert "there is no cleanup 3" in run("cleanups", "show", "3", *W).failure


@pytest.mark.usefixtures("blocked")
def test_deletions_are_confirmed(run: Run) -> None:
    decisions_file(run, m_2="delete", m_3="delete")
    run("cleanups", "decide", "--from-csv", "people.csv", *W)

    refused = run("cleanups", "apply", *W)
    assert "standard input is not a terminal" in refused.failure
    wrong = on_a_terminal("cleanups", "apply", *W, typed="1\n", code=1)
    assert "Type 2 to delete 2 people of default/crm:" in wrong
    assert "nothing was applied" in wrong
    assert "cleanup 1: 2 applied, 0 left alone" in on_a_terminal("cleanups", "apply", *W, typed="2\n")


@pytest.mark.usefixtures("blocked")
def test_undo(run: Run) -> None:
    before = people(run)
    decisions_file(run, m_1="keep", m_2="merge", m_3="clear", m_6="delete")
    run("cleanups", "decide", "--from-csv", "people.csv", *W)
    run("cleanups", "apply", "--yes", *W)

    done = run("cleanups", "undo", "1", *W)

    assert (done.code, done.out) == (0, "cleanup 1: 4 undone completely, 0 partly, 0 not at all\n")
    assert people(run) == before
    assert "only one that was applied can be undone" in run("cleanups", "undo", "1", *W).failure


@pytest.mark.usefixtures("blocked")
def test_records_are_kept_as_long_as_the_variable_of_the_worker_says(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable_of("--undo-days"), "0")
    decisions_file(run, m_4="clear")
    run("cleanups", "decide", "--from-csv", "people.csv", *W)
    assert run("cleanups", "apply", *W).code == 0

    assert "cleanup 1 cannot be undone any more" in run("cleanups", "undo", "1", *W).failure


@pytest.mark.usefixtures("blocked")
def test_undo_of_one_person_that_cannot_be_undone(run: Run) -> None:
    decisions_file(run, m_3="correct new@x.com", m_4="clear")
    run("cleanups", "decide", "--from-csv", "people.csv", *W)
    run("cleanups", "apply", *W)
    Path("later.csv").write_text("id,email\nm-3,later@x.com\n")
    run("people", "import", "later.csv", *W)
    with Path("people.csv").open(newline="") as file:
        cio_id = next(row["cio_id"] for row in csv.DictReader(file) if row["id"] == "m-3")

    unknown = run("cleanups", "undo", "1", "--cio-id", cio_id, "--cio-id", "x", *W)
    done = run("cleanups", "undo", "1", "--cio-id", f"cio_{cio_id}", "--cio-id", cio_id, *W)

    assert "cleanup 1 has no decision that can be undone about 'x'" in unknown.failure
    assert (done.code, done.out) == (3, "cleanup 1: 0 undone completely, 0 partly, 1 not at all\n")
    assert people(run)["m-3"] == "later@x.com"
    assert re.search(rf"{cio_id} .*notUndone +changed", run("cleanups", "decisions", "1", *W).out)


@pytest.mark.usefixtures("blocked")
def test_apply_after_people_have_changed(run: Run) -> None:
    decisions_file(run, m_3="correct new@x.com", m_4="clear")
    run("cleanups", "decide", "--from-csv", "people.csv", *W)
    Path("later.csv").write_text("id,email\nm-3,later@x.com\n")
    run("people", "import", "later.csv", *W)

    done = run("cleanups", "apply", *W)

    assert done.code == 3
    assert done.out.startswith("cleanup 1: 1 applied, 1 left alone\n")
    assert people(run)["m-3"] == "later@x.com"


@pytest.mark.usefixtures("blocked")
def test_stopped_apply_says_so_and_can_be_continued(run: Run, tmp_path: Path) -> None:
    decisions_file(run, m_3="delete", m_4="clear")
    run("cleanups", "decide", "--from-csv", "people.csv", *W)
    with bootstrap.open_store(f"sqlite:///{tmp_path}/store.db") as store:
        seen = store.cleanups.get(1, 1)
        request = ApplyRequest(version=seen.version, deletions=1)
        store.cleanups.apply(1, 1, request, actor=current_actor(), now=bootstrap.utc_now())
    assert run("cleanups", "stop", "1", *W).code == 0

    stopped = run("cleanups", "apply", "1", *W)

    assert (stopped.code, stopped.out) == (
        3,
        "cleanup 1: 0 applied, 0 left alone\nthe migration is Blocked: 6 people block it\n",
    )
    assert stopped.err == "stopped before 2 of 2 decisions\nto go on: workspacectl cleanups apply 1 -w default/crm\n"
    question = "Type 1 to go on with cleanup 1, which deletes 1 person of default/crm in all:"
    assert question in on_a_terminal("cleanups", "apply", "1", *W, typed="0\n", code=1)
    done = run("cleanups", "apply", "1", "--yes", *W)
    assert done.out.startswith("cleanup 1: 2 applied, 0 left alone\n")
    assert (done.code, done.err) == (0, "")


@pytest.mark.usefixtures("blocked")
@pytest.mark.parametrize("chosen", [False, True])
def test_stopped_undo_says_so(run: Run, tmp_path: Path, chosen: bool) -> None:
    decisions_file(run, m_3="clear", m_4="clear")
    run("cleanups", "decide", "--from-csv", "people.csv", *W)
    run("cleanups", "apply", *W)
    with bootstrap.open_store(f"sqlite:///{tmp_path}/store.db") as store:
        cio_ids = [stored.cio_id for stored in store.cleanups.decisions(1, 1, limit=1)] if chosen else None
        store.cleanups.undo(1, 1, cio_ids, actor=current_actor(), now=bootstrap.utc_now())
    assert run("cleanups", "stop", "1", *W).code == 0

    done = run("cleanups", "undo", "1", *(("--cio-id", cio_ids[0]) if cio_ids else ()), *W)

    assert (done.code, done.out) == (3, "cleanup 1: 0 undone completely, 0 partly, 0 not at all\n")
    assert done.err == f"stopped before {1 if chosen else 2} of them: to go on, undo again\n"


@pytest.mark.usefixtures("blocked")
def test_apply_leaves_the_changes_of_other_workspaces_to_their_worker(run: Run, tmp_path: Path) -> None:
    write("shop.yaml", "shop", "Shop", more="  identifiers: {mode: IDOnly}")
    assert run("apply", "-f", "shop.yaml").code == 0
    decisions_file(run, m_4="clear")
    run("cleanups", "decide", "--from-csv", "people.csv", *W)
    with bootstrap.open_store(f"sqlite:///{tmp_path}/store.db") as store:
        shop = store.workspaces.find("default", "shop").workspace_id
        change = RequestMigration(
            workspace_id=shop, from_mode=Mode.ID_ONLY, to_mode=Mode.EMAIL_OR_ID, on_conflict=OnConflict.BLOCK
        )
        store.workspaces.apply(change, now=bootstrap.utc_now())

        assert run("cleanups", "apply", *W).code == 0

        newest = store.migrations.newest(shop)
    assert newest is not None
    assert newest.stage is Stage.REQUESTED


@pytest.mark.usefixtures("blocked")
def test_discard_and_list(run: Run) -> None:
    decisions_file(run, m_4="clear")
    run("cleanups", "decide", "--from-csv", "people.csv", *W)

    assert run("cleanups", "discard", "1", *W).out == "cleanup 1 is discarded\n"

    assert "Discarded" in run("cleanups", "list", *W).out
    assert "there is nothing to stop" in run("cleanups", "stop", "1", *W).failure
    assert "its decisions cannot be changed any more" in run("cleanups", "discard", "1", *W).failure


@pytest.mark.usefixtures("blocked")
def test_audit_log_names_who_did_it(run: Run) -> None:
    decisions_file(run, m_1="clear", m_4="clear")
    run("cleanups", "decide", "--from-csv", "people.csv", *W)
    run("cleanups", "apply", *W)

    entries = json.loads(run("audit", "list", "default/crm", "-o", "json").out)

    actions = [(entry["action"], entry["subject"]) for entry in entries]
    assert actions[:2] == [("applied", "cleanup 1"), ("decided", "cleanup 1")]
    assert entries[1]["detail"] == {"made": 2, "removed": 0}
    assert {entry["via"] for entry in entries} == {"CLI"}
