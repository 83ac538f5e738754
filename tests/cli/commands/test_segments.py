import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Crm, Run, W

pytestmark = pytest.mark.usefixtures("peopled")


@pytest.fixture
def peopled(crm: Crm) -> None:
    """Three people in mode IDOnly."""
    crm("IDOnly", "id,email\n1,a@x.com\n2,A@x.com\n3,c@x.com\n")


def made(run: Run, rows: str, *, name: str = "to delete", code: int = 0) -> str:
    """What is told of a segment that is made of a file."""
    Path("some.csv").write_text(rows)
    done = run("segments", "create", "--from-csv", "some.csv", "--name", name, *W)
    assert (done.code, done.err) == (code, "")
    return done.out


def test_segment_is_made_of_a_file(run: Run) -> None:
    told = made(run, "id\n1\n3\n3\n")

    assert told == "segment 1 (to delete): 2 people\n3 rows: 3 added, 0 rejected\n"
    assert not Path("some.rejects.csv").exists()


def test_rows_that_name_nobody_are_kept(run: Run) -> None:
    told = made(run, "id,plan\n1,pro\n9,pro\n", code=3)

    assert told == (
        "segment 1 (to delete): 1 person\n2 rows: 1 added, 1 rejected\nrejected rows, with reasons: some.rejects.csv\n"
    )
    assert Path("some.rejects.csv").read_text() == (
        "_line,_outcome,_reason,id,plan\n3,rejected,No person has this identifier.,9,pro\n"
    )


def test_segments_are_listed(run: Run) -> None:
    made(run, "id\n1\n", name="first")
    made(run, "id\n1\n2\n", name="second")

    done = run("segments", "list", *W)
    listed = json.loads(run("segments", "list", *W, "-o", "json").out)

    assert [line.split()[:3] for line in done.out.splitlines()] == [
        ["SEGMENT", "NAME", "PEOPLE"],
        ["1", "first", "1"],
        ["2", "second", "2"],
    ]
    assert [(each["segment"], each["name"], each["people"]) for each in listed] == [(1, "first", 1), (2, "second", 2)]
    assert all(each["created_at"].endswith("+00:00") for each in listed)


def test_first_people_are_shown(run: Run) -> None:
    made(run, "id\n1\n2\n3\n")

    done = run("segments", "show", "1", *W, "--limit", "2")

    head, segment, blank, columns, *people = done.out.splitlines()
    assert head.split() == ["SEGMENT", "NAME", "PEOPLE", "CREATED"]
    assert segment.split()[:4] == ["1", "to", "delete", "3"]
    assert (blank, columns.split()) == ("", ["CIO_ID", "ID", "EMAIL"])
    assert [line.split()[1:] for line in people] == [["1", "a@x.com"], ["2", "A@x.com"]]
    assert done.err == "and 1 more\n"


def test_segment_is_shown_as_json(run: Run) -> None:
    made(run, "id\n3\n")

    shown = json.loads(run("segments", "show", "1", *W, "-o", "json").out)

    [person] = shown.pop("first")
    assert (person["id"], person["email"]) == ("3", "c@x.com")
    assert shown.pop("created_at")
    assert shown == {"segment": 1, "name": "to delete", "people": 1}


def test_deleted_segment_leaves_its_people(run: Run) -> None:
    made(run, "id\n1\n2\n")

    done = run("segments", "delete", "1", *W)

    assert (done.code, done.out) == (0, "segment 1 deleted; 2 people removed from it, no people deleted\n")
    assert run("segments", "list", *W).out == "SEGMENT  NAME  PEOPLE  CREATED\n"
    assert run("people", "show", "1", *W).code == 0


def test_taken_name_is_reported(run: Run) -> None:
    made(run, "id\n1\n")

    done = run("segments", "create", "--from-csv", "some.csv", "--name", " to delete ", *W)

    assert done.failure == (
        "error: segment 1 already has the name 'to delete': choose another one, or delete that segment"
    )


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("email\na@x.com\n", "some.csv, line 1: the column cio_id or id, which identifies people, is missing"),
        ("plan\npro\n", "some.csv, line 1: one column must be named id, email or cio_id; found 'plan'"),
    ],
)
def test_bad_file_makes_no_segment(run: Run, rows: str, words: str) -> None:
    Path("some.csv").write_text(rows)

    done = run("segments", "create", "--from-csv", "some.csv", "--name", "x", *W)

    assert done.failure == f"error: {words}"
    assert run("segments", "list", *W).out.count("\n") == 1


def test_file_that_names_nobody_makes_no_segment_and_keeps_the_name_free(run: Run) -> None:
    Path("some.csv").write_text("id\n8\n9\n")

    done = run("segments", "create", "--from-csv", "some.csv", "--name", "x", *W)

    assert (done.code, done.err) == (1, "")
    assert done.out == (
        "no segment was created: all rows were rejected\n"
        "2 rows: 0 added, 2 rejected\nrejected rows, with reasons: some.rejects.csv\n"
    )
    assert made(run, "id\n1\n", name="x").startswith("segment 1 (x): 1 person\n")


def test_file_without_rows_makes_an_empty_segment(run: Run) -> None:
    assert made(run, "id\n", name="x") == "segment 1 (x): 0 people\n0 rows: 0 added, 0 rejected\n"


def test_columns_of_segments_can_be_mapped_and_decoded(run: Run) -> None:
    Path("some.csv").write_bytes("User ID;Größe\n1;x\n \u00a03;y\n1E+12;z\n".encode("cp1252"))

    command = ("segments", "create", "--from-csv", "some.csv", "--name", "x", *W)
    undecodable = run(*command)
    unmapped = run(*command, "--encoding", "windows-1252")
    done = run(*command, "--encoding", "windows-1252", "--map", "User ID=id")

    assert "add --encoding windows-1252" in undecodable.error
    assert "--map 'User ID=id'" in unmapped.error
    assert (done.code, done.out.splitlines()[:2]) == (3, ["segment 1 (x): 2 people", "3 rows: 2 added, 1 rejected"])
    assert Path("some.rejects.csv").read_bytes().startswith(b"\xef\xbb\xbf_line,")


def test_empty_name_is_reported(run: Run) -> None:
    Path("some.csv").write_text("id\n1\n")

    done = run("segments", "create", "--from-csv", "some.csv", "--name", " ", *W)

    assert done.error == "error: --name is empty: give the segment a name"


@pytest.mark.parametrize("number", ["0", "-1", "1000000000000000000", "9" * 5000])
def test_number_that_no_segment_can_have_is_reported(run: Run, number: str) -> None:
    shown = run("segments", "show", *W, "--", number)
    deleted = run("people", "delete", f"--segment={number}", *W)

    words = f"{number[:150]} is no number from 1 to 999999999999999999"
    assert (shown.code, shown.error) == (1, f"error: SEGMENT {words}")
    assert (deleted.code, deleted.error) == (1, f"error: --segment {words}")


def test_number_that_is_the_name_of_another_segment_is_refused(run: Run) -> None:
    """As names of earlier versions may be."""
    made(run, "id\n1\n", name="leaving")
    made(run, "id\n2\n", name="in the way")
    with closing(sqlite3.connect("store.db")) as database, database:
        database.execute("UPDATE segment SET name = '1' WHERE number = 2")

    told = run("people", "delete", "--segment", "1", *W, "--yes")

    assert told.error == (
        "error: --segment 1 is both a number and the name of segment 2: delete segment 2, which keeps its people, "
        "and create it again under another name"
    )
    assert run("segments", "show", "2", *W).out.splitlines()[1].split()[:3] == ["2", "1", "1"]


def test_segments_are_called_by_their_names(run: Run) -> None:
    made(run, "id\n1\n", name="leaving")
    made(run, "id\n2\n", name="in the way")

    shown = run("segments", "show", "leaving", *W)
    counted = run("people", "delete", "--segment", " in the way ", *W, "--dry-run")
    deleted = run("segments", "delete", "leaving", *W)

    assert shown.out.splitlines()[1].split()[:3] == ["1", "leaving", "1"]
    assert counted.out == "1 person of segment 2 (in the way) would be deleted from default/crm\n"
    assert deleted.out == "segment 1 deleted; 1 person removed from it, no people deleted\n"
    again = run("segments", "show", "leaving", *W)
    assert again.error == "error: there is no segment 'leaving': `workspacectl segments list` lists them"
