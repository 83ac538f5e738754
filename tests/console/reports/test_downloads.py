"""Lists of people as files: who may, what they contain, and their entries in the audit log."""

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from httpx import Response

from tests.console.cleanups.club import ADA_SILVA, Club, words_of
from tests.console.environment import ADMIN, AUTHOR, MANAGER, VIEWER, ConsoleEnv
from tests.console.reports.segments import Segments
from tests.store.fixtures import WorkspaceEnv
from workspace_operator.application.cleanups.csv_decisions import RowReader
from workspace_operator.application.people.csv_files.reader import open_csv
from workspace_operator.identity.values.rules import Mode


@pytest.fixture
def club(tmp_path: Path) -> Iterator[Club]:
    with Club.opened(tmp_path) as club:
        club.fill()
        club.block()
        yield club


def rows_of(answer: Response) -> list[dict[str, str]]:
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.text.startswith("\ufeff")  # so that Excel reads it as UTF-8
    return list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))


def downloads_of(env: ConsoleEnv, number: int) -> list[tuple[str, str, object]]:
    """Who downloaded what, and how many rows."""
    entries = env.store.audit_log.entries(number, limit=10)
    return [(entry.actor, entry.subject, entry.detail["rows"]) for entry in entries if entry.action == "downloaded"]


def test_list_of_the_clean_up_can_be_saved(club: Club) -> None:
    browser = club.console.member(AUTHOR)
    assert 'href="/w/1/exports/1/csv" download' in browser.get(club.path).text

    answer = browser.get("/w/1/exports/1/csv")

    assert answer.headers["content-disposition"] == 'attachment; filename="export-1.csv"'
    assert {row["id"] for row in rows_of(answer)} >= {"m-1001", "m-1017", "m-1004"}
    assert rows_of(answer)[0].keys() >= {"_violations", "cio_id", "first_name", "name"}
    assert downloads_of(club.console, 1) == [(AUTHOR, "export 1", 8)]


def test_exports_page_has_the_list(club: Club) -> None:
    said = words_of(club.console.installation().get("/w/1/exports"))

    assert "All people with all attributes (CSV)" in said
    assert "8 people" in said


def test_all_people_can_be_saved(club: Club) -> None:
    rows = rows_of(club.console.installation().get("/w/1/exports/people"))

    assert len(rows) == 9
    assert rows[0]["id"] == "m-1001"
    assert rows[0].keys() == {"cio_id", "id", "email", "chapter", "first_name", "name", "plan"}
    assert downloads_of(club.console, 1) == [("installation (root)", "people", 9)]


def test_decisions_can_be_saved_and_are_a_file_of_decisions(club: Club) -> None:
    browser = club.console.installation()
    club.settle(browser)
    review = browser.get(f"{club.path}/review").text
    assert f'href="{club.path}/1/csv" download' in review

    rows = rows_of(browser.get(f"{club.path}/1/csv"))

    kinds = {row["id"]: row["_decision"] for row in rows}
    assert (kinds["m-1001"], kinds["m-1017"], kinds["m-1003"]) == ("keep", "merge", "delete")
    by_id = {row["id"]: row for row in rows}
    assert by_id["m-1017"]["_into"] == club.cio_ids["m-1001"]
    assert by_id["m-1004"]["_email"] == "cleo@club.example"
    assert downloads_of(club.console, 1) == [("installation (root)", "cleanup 1", len(rows))]


def test_file_of_decisions_means_the_same_decisions(club: Club) -> None:
    browser = club.console.installation()
    club.settle(browser)
    saved = browser.get(f"{club.path}/1/csv").content

    with open_csv(io.BytesIO(saved)) as source:
        reader = RowReader.of(source.header)
        read = {row.cio_id: row.decision for row in map(reader.decision, source.rows) if row is not None}

    stored = club.store.sql_cleanups.decisions(club.workspace.workspace_id, 1, limit=100)
    assert read == {each.cio_id: each.decision for each in stored}


def test_people_who_are_gone_keep_their_decision(club: Club) -> None:
    browser = club.console.installation()
    club.settle(browser)
    club.workspace.delete(id="m-1040")

    rows = rows_of(browser.get(f"{club.path}/1/csv"))

    [gone] = [row for row in rows if row["cio_id"] == club.cio_ids["m-1040"]]
    assert (gone["id"], gone["email"]) == ("", "")


def test_people_who_were_merged_or_deleted_are_named_as_they_were(club: Club) -> None:
    browser = club.console.installation()
    club.settle(browser)
    club.apply(browser)
    club.work()

    by_cio_id = {row["cio_id"]: row for row in rows_of(browser.get(f"{club.path}/1/csv"))}

    for id_, email in (("m-1017", ADA_SILVA), ("m-1003", "Bo@Club.example")):
        row = by_cio_id[club.cio_ids[id_]]
        assert (row["id"], row["email"], row["_outcome"]) == (id_, email, "applied")


def test_people_of_a_segment_can_be_saved(env: ConsoleEnv) -> None:
    made = Segments.of(env)
    made.add("to delete", "a", "b")

    answer = env.installation().get(f"{made.path}/1/csv")

    assert sorted(row["id"] for row in rows_of(answer)) == ["a", "b"]
    assert answer.headers["content-disposition"] == 'attachment; filename="segment-1.csv"'
    assert downloads_of(env, made.workspace.workspace_id) == [("installation (root)", "segment 1", 2)]


def test_formulas_are_escaped(env: ConsoleEnv) -> None:
    workspace = WorkspaceEnv.create(env.store, Mode.ID_ONLY)
    workspace.add("=cmd|' /C calc'!A0", "@SUM(1)@club.example", plan="+1")

    [row] = rows_of(env.installation().get(f"/w/{workspace.workspace_id}/exports/people"))

    assert (row["id"], row["email"], row["plan"]) == ("'=cmd|' /C calc'!A0", "'@SUM(1)@club.example", "'+1")


FILES: dict[str, Callable[[ConsoleEnv], object]] = {
    "/w/1/exports/people": lambda _: None,
    "/w/1/segments/1/csv": lambda env: env.store.segments.create(1, "a", now=env.store.clock()),
}


@pytest.mark.parametrize("path", FILES)
@pytest.mark.parametrize(("person", "status"), [(VIEWER, 403), (AUTHOR, 200), (MANAGER, 200), (ADMIN, 200)])
def test_authors_and_up_may_download(nordlicht: ConsoleEnv, path: str, person: str, status: int) -> None:
    FILES[path](nordlicht)

    answer = nordlicht.member(person).get(path)

    assert answer.status_code == status
    assert len(downloads_of(nordlicht, 1)) == (status == 200)


@pytest.mark.parametrize("path", ["exports/7/csv", "segments/7/csv", "cleanup/7/csv"])
def test_missing_list_is_not_found(nordlicht: ConsoleEnv, path: str) -> None:
    assert nordlicht.installation().get(f"/w/1/{path}").status_code == 404
    assert downloads_of(nordlicht, 1) == []


def test_list_of_another_workspace_is_not_found(club: Club) -> None:
    other = WorkspaceEnv.create(club.store, Mode.ID_ONLY)

    assert club.console.installation().get(f"/w/{other.workspace_id}/exports/1/csv").status_code == 404


def test_viewer_of_the_clean_up_is_told_who_may_download(club: Club) -> None:
    said = words_of(club.console.member(VIEWER).get(club.path))

    assert "Download list (CSV): You can view this, but your role does not allow downloading." in said
