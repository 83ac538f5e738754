"""What commands leave in the audit log, and how it is listed."""

import json
import os
import pwd
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Crm, Run, W
from workspace_operator.application.ports import Actor
from workspace_operator.cli.support.workspace_context import current_actor

ACTOR = f"installation ({pwd.getpwuid(os.getuid()).pw_name})"


@pytest.fixture(autouse=True)
def id_only(crm: Crm) -> None:
    crm(mode="IDOnly")


def people(run: Run, *rows: str, undo_file: str = "undo.csv") -> None:
    Path("people.csv").write_text("\n".join(["id,email", *rows, ""]))
    Path(undo_file).unlink(missing_ok=True)
    assert run("people", "import", "people.csv", *W, "--undo-file", undo_file).code in {0, 3}


def log(run: Run) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads(run("audit", "list", "default/crm", "-o", "json").out)
    return entries


def recorded(run: Run) -> list[tuple[str, str, dict[str, Any]]]:
    """Actions, subjects and details, newest first."""
    return [(entry["action"], entry["subject"], entry["detail"]) for entry in log(run)]


def cio_id(run: Run, id_: str) -> str:
    return str(json.loads(run("people", "show", id_, *W).out)["cio_id"])


def test_import_leaves_one_entry_with_its_counts(run: Run) -> None:
    people(run, "1,ann@example.com", "2,bob@example.com", " ,nobody@example.com")

    (entry,) = log(run)
    assert (entry["actor"], entry["via"], entry["action"], entry["subject"]) == (ACTOR, "CLI", "imported", "")
    assert entry["detail"] == {
        "created": 2,
        "updated": 0,
        "unchanged": 0,
        "in_part": 0,
        "skipped": 0,
        "rejected": 1,
    }


def test_undo_of_an_import_says_that_it_is_one(run: Run) -> None:
    people(run, "1,ann@example.com")
    people(run, "1,ann@example.org")

    run("people", "import", "undo.csv", *W)

    assert [action for action, _, _ in recorded(run)] == ["import_undone", "imported", "imported"]


def test_imports_that_change_nobody_leave_no_entry(run: Run) -> None:
    Path("people.csv").write_text("id\n \n")
    run("people", "import", "people.csv", *W)
    Path("people.csv").write_text("id\n1\n")
    run("people", "import", "people.csv", *W, "--dry-run")

    assert log(run) == []


def test_deletion_names_the_person_by_cio_id(run: Run) -> None:
    people(run, "1,ann@example.com")
    ann = cio_id(run, "1")

    run("people", "delete", "1", *W)
    run("people", "delete", "1", *W)

    assert recorded(run)[:-1] == [("deleted", f"person {ann}", {"kind": "id"})]


def test_suppressions_never_name_the_identifier(run: Run) -> None:
    people(run, "1,ann@example.com")
    ann = cio_id(run, "1")

    run("people", "suppress", "--id", "1", *W)
    run("people", "suppress", "--email", "bob@example.com", *W)
    run("people", "unsuppress", "--id", "1", *W)
    run("people", "unsuppress", "--id", "1", *W)

    assert recorded(run)[:-1] == [
        ("unsuppressed", "identifier", {"kind": "id"}),
        ("suppressed", "identifier", {"kind": "email"}),
        ("suppressed", f"person {ann}", {"kind": "id"}),
    ]
    assert "example.com" not in run("audit", "list", "default/crm").out


def test_bulk_deletions_leave_one_entry_with_counts(run: Run) -> None:
    people(run, "1,ann@example.com", "2,ann@example.com", "3,ann@example.com")
    run("people", "dedupe", *W, "--keep", "oldest", "--yes", "--undo-file", "a.csv")
    run("people", "dedupe", *W, "--keep", "oldest", "--yes", "--undo-file", "b.csv")
    run("people", "delete", *W, "--created-in", "undo.csv", "--yes", "--undo-file", "c.csv")

    assert recorded(run)[:-1] == [
        ("deleted", "people of an import", {"people": 1, "missing": 0, "skipped": 0}),
        ("deleted", "duplicates", {"people": 2, "missing": 0, "skipped": 0}),
    ]


def test_deletion_of_a_segment_names_its_number(run: Run) -> None:
    people(run, "1,ann@example.com")
    run("segments", "create", "--name", "Secret name", *W, "--from-csv", "people.csv", "--by", "id")

    run("people", "delete", *W, "--segment", "1", "--yes", "--undo-file", "a.csv")

    assert recorded(run)[0] == ("deleted", "segment 1", {"people": 1, "missing": 0, "skipped": 0})


def test_download_of_an_export_is_recorded_before_it_is_written(run: Run, crm: Crm) -> None:
    people(run, "1,ann@example.com", "2,ann@example.com")
    crm("EmailOrID", code=3)

    run("exports", "show", *W)
    run("exports", "get", *W, "-o", "to-fix.csv")

    assert recorded(run)[:-1] == [("downloaded", "export 1", {"rows": 2})]


def test_log_is_listed_newest_first_page_by_page(run: Run) -> None:
    for number in range(3):
        people(run, f"{number},")

    first = run("audit", "list", "default/crm", "--limit", "2")
    last = run("audit", "list", "default/crm", "--limit", "2", "--before", log(run)[1]["entry_id"])

    header, *rows = first.out.splitlines()
    assert header.split() == ["ID", "AT", "ACTOR", "VIA", "ACTION", "SUBJECT", "DETAIL"]
    assert len(rows) == 2
    assert f"{ACTOR}  CLI  imported" in rows[0]
    assert "created=1 updated=0" in rows[0]
    assert first.err == f"there may be earlier entries: add --before {log(run)[1]['entry_id']}\n"
    assert len(last.out.splitlines()) == 2
    assert last.err == ""


def test_without_a_workspace_the_log_of_the_installation_is_listed(run: Run) -> None:
    people(run, "1,")

    assert json.loads(run("audit", "list", "-o", "json").out) == []


def test_unknown_workspace_has_no_log(run: Run) -> None:
    assert "default/other" in run("audit", "list", "default/other").failure


def test_user_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 3_999_999_999)

    assert current_actor() == Actor.installation("user 3999999999")
