import csv
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Crm, Run, W
from tests.cli.terminals import on_a_terminal
from tests.e2e.waiting import wait_until

SEGMENT = ("people", "delete", "--segment", "1", *W)
OLDEST = ("people", "dedupe", "--keep", "oldest", *W)

PEOPLE = """\
id,email,created_at,plan
1,a@x.com,1000000100,pro
2,A@x.com,1000000200,=1+1
3,c@x.com,,
4,a@x.com,1000000050,
5,nonsense,,
"""


@pytest.fixture
def peopled(run: Run, crm: Crm) -> None:
    """Five people in mode IDOnly, of whom three share an address; two are in a segment."""
    crm("IDOnly", PEOPLE)
    Path("some.csv").write_text("id\n2\n5\n")
    assert run("segments", "create", "--from-csv", "some.csv", "--name", "to delete", *W).code == 0


def ids(run: Run) -> list[str]:
    """Who is there."""
    rows = csv.DictReader(run("people", "export", *W).out.splitlines())
    return [row["id"] for row in rows]


def column(name: str, path: str) -> list[str]:
    """What a CSV file has in one column."""
    return [row[name] for row in csv.DictReader(Path(path).read_text().splitlines())]


def undo_files() -> list[Path]:
    return list(Path().glob("*.undo.csv"))


@pytest.mark.usefixtures("peopled")
def test_dry_run_of_a_segment_counts(run: Run) -> None:
    done = run(*SEGMENT, "--dry-run")

    assert (done.code, done.err) == (0, "")
    assert done.out == "2 people of segment 1 (to delete) would be deleted from default/crm\n"
    assert ids(run) == ["1", "2", "3", "4", "5"]
    assert undo_files() == []


@pytest.mark.usefixtures("peopled")
def test_people_of_a_segment_are_deleted(run: Run) -> None:
    before = run("people", "export", *W).out.splitlines()

    done = run(*SEGMENT, "--yes", "--undo-file", "gone.csv")

    assert (done.code, done.out, done.err) == (0, "2 people deleted\nbackup: gone.csv\n", "")
    assert ids(run) == ["1", "3", "4"]
    header, *rows = Path("gone.csv").read_text().splitlines()
    assert [header, *rows] == [f"_undo,_json,{before[0]}", f"deleted,,{before[2]}", f"deleted,,{before[5]}"]
    assert Path("gone.csv").stat().st_mode & 0o777 == 0o600


@pytest.mark.usefixtures("peopled")
def test_undo_file_is_named_by_workspace_and_time(run: Run) -> None:
    done = run(*SEGMENT, "--yes")

    [path] = undo_files()
    assert path.name.startswith("default-crm-2")
    assert done.out.endswith(f"backup: {path}\n")


@pytest.mark.usefixtures("peopled")
def test_deleted_people_can_be_imported_again(run: Run) -> None:
    def known(id_: str) -> str:
        shown = run("people", "show", id_, *W).out
        return "\n".join(line for line in shown.splitlines() if "cio_id" not in line)

    before = known("2")
    run(*SEGMENT, "--yes", "--undo-file", "gone.csv")

    done = run("people", "import", "gone.csv", *W)

    assert (done.code, done.out.splitlines()[-1]) == (0, "2 rows: 2 created, 0 updated, 0 skipped, 0 rejected")
    assert known("2") == before


@pytest.mark.usefixtures("peopled")
def test_emptied_segment_has_nobody_to_delete(run: Run) -> None:
    run(*SEGMENT, "--yes", "--undo-file", "gone.csv")

    done = run(*SEGMENT, "--yes")

    assert (done.code, done.out) == (0, "no people to delete\n")
    assert undo_files() == []


@pytest.mark.usefixtures("peopled")
@pytest.mark.parametrize("command", [SEGMENT, OLDEST])
def test_nobody_is_deleted_unconfirmed(run: Run, command: tuple[str, ...]) -> None:
    done = run(*command)

    assert done.failure == "error: standard input is not a terminal, so this cannot be confirmed: add --yes"
    assert ids(run) == ["1", "2", "3", "4", "5"]
    assert undo_files() == []


@pytest.mark.usefixtures("peopled")
def test_number_has_to_be_typed(run: Run) -> None:
    refused = on_a_terminal(*SEGMENT, "--undo-file", "gone.csv", typed="3\n", code=1)
    unharmed = ids(run), Path("gone.csv").exists()
    confirmed = on_a_terminal(*SEGMENT, "--undo-file", "gone.csv", typed="2\n")

    assert "2 people of segment 1 (to delete) will be deleted from default/crm" in refused
    assert "Type 2 to delete them: " in refused
    assert "no people were deleted" in refused
    assert unharmed == (["1", "2", "3", "4", "5"], False)
    assert "2 people deleted" in confirmed
    assert ids(run) == ["1", "3", "4"]


@pytest.mark.usefixtures("peopled")
def test_deletion_is_shown_on_a_terminal() -> None:
    seen = on_a_terminal(*SEGMENT, "--yes")

    assert "reading" in seen
    assert "deleting" in seen


def test_killed_deletion_loses_nobody(run: Run, crm: Crm) -> None:
    everybody = [str(number) for number in range(6000)]
    crm("IDOnly", "id\n" + "\n".join(everybody))
    run("segments", "create", "--from-csv", "people.csv", "--name", "all", *W)
    undo = Path("gone.csv")
    process = subprocess.Popen([sys.executable, "-m", "workspace_operator", *SEGMENT, "--yes", "--undo-file", undo])
    wait_until(lambda: undo.exists() and undo.read_text().count("\n") > 1000, what=lambda: "nobody was written")

    process.kill()
    process.wait()

    left = ids(run)
    assert len(left) > 0
    assert {*left, *column("id", "gone.csv")} == {*everybody}
    assert len(column("id", "gone.csv")) - len(everybody) + len(left) in {0, 500}
    assert run(*SEGMENT, "--yes").out.startswith(f"{len(left)} people deleted\n")
    assert ids(run) == []


@pytest.mark.usefixtures("peopled")
@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("people.csv", "people.csv exists, and may be the only copy of deleted people: choose another file"),
        ("nowhere/gone.csv", "nowhere/gone.csv cannot be written: No such file or directory"),
        (".", ". exists"),
    ],
)
def test_nobody_is_deleted_without_a_file(run: Run, path: str, words: str) -> None:
    done = run(*SEGMENT, "--yes", "--undo-file", path)

    assert words in done.failure
    assert "--undo-file" in done.error
    assert ids(run) == ["1", "2", "3", "4", "5"]
    assert Path("people.csv").read_text() == PEOPLE


@pytest.mark.parametrize("named", [("1",), ("--id", "1"), ("--email", "a@x.com"), ("--cio-id", "x")])
def test_person_and_segment_exclude_each_other(run: Run, named: tuple[str, ...]) -> None:
    done = run(*SEGMENT, *named)

    assert done.code == 64
    assert "give only one of a person, --segment and --created-in" in done.err


@pytest.mark.parametrize("option", [("--dry-run",), ("--yes",), ("--undo-file", "x.csv")])
def test_options_of_segments_are_refused_for_one(run: Run, option: tuple[str, ...]) -> None:
    done = run("people", "delete", "1", *W, *option)

    assert done.code == 64
    assert "--dry-run, --yes and --undo-file need --segment or --created-in" in done.err


@pytest.mark.usefixtures("peopled")
def test_dry_run_of_dedupe_names_some(run: Run) -> None:
    done = run(*OLDEST, "--dry-run")

    first, blank, head, *rows = done.out.splitlines()
    assert first == ("3 people of default/crm share 1 address: 2 would be deleted, the oldest of each address kept")
    assert (blank, head.split()) == ("", ["EMAIL", "CIO_ID", "ID", "CREATED", "WOULD", "BE"])
    assert [(row.split()[0], row.split()[2], row.split()[-1]) for row in rows] == [
        ("a@x.com", "4", "kept"),
        ("a@x.com", "1", "deleted"),
        ("A@x.com", "2", "deleted"),
    ]
    assert ids(run) == ["1", "2", "3", "4", "5"]


@pytest.mark.usefixtures("peopled")
def test_dry_run_of_dedupe_stays_short(run: Run) -> None:
    Path("more.csv").write_text("id,email\n" + "".join(f"m{number},same@x.com\n" for number in range(20)))
    run("people", "import", "more.csv", *W)

    done = run(*OLDEST, "--dry-run")

    assert done.out.startswith("23 people of default/crm share 2 addresses: 21 would be deleted")
    assert done.out.count("deleted\n") == 10
    assert done.err == "and 11 more\n"


@pytest.mark.usefixtures("peopled")
@pytest.mark.parametrize(("keep", "left"), [("oldest", ["3", "4", "5"]), ("newest", ["2", "3", "5"])])
def test_one_of_each_address_is_kept(run: Run, keep: str, left: list[str]) -> None:
    done = run("people", "dedupe", "--keep", keep, *W, "--yes", "--undo-file", "gone.csv")

    assert (done.code, done.out) == (0, "2 people deleted\nbackup: gone.csv\n")
    assert ids(run) == left
    assert sorted([*left, *column("id", "gone.csv")]) == ["1", "2", "3", "4", "5"]


@pytest.mark.usefixtures("peopled")
def test_dedupe_again_finds_nobody(run: Run) -> None:
    run(*OLDEST, "--yes")

    assert run(*OLDEST, "--yes").out == "no people to delete\n"
    assert run(*OLDEST, "--dry-run").out == "no people in default/crm share an address\n"


def test_dedupe_needs_no_preview_where_email_identifies(run: Run, crm: Crm) -> None:
    crm()

    done = run(*OLDEST)

    assert (done.code, done.out) == (
        0,
        "no people in default/crm share an address: email is an identifier in mode EmailOrID\n",
    )


@pytest.mark.usefixtures("peopled")
def test_documented_procedure_lets_the_change_go_through(run: Run, crm: Crm) -> None:
    crm("EmailOrID", code=3)
    only = ("--violation", "duplicateEmail", "--except-oldest")
    run("exports", "get", *W, "--latest", *only, "-o", "to-delete.csv")

    made = run("segments", "create", "--from-csv", "to-delete.csv", "--name", "in the way", *W)
    dry = run("people", "delete", "--segment", "2", *W, "--dry-run")
    gone = run("people", "delete", "--segment", "2", *W, "--yes")
    Path("corrected.csv").write_text("id,email\n5,e@x.com\n")
    run("people", "import", "corrected.csv", *W, "--update")
    applied = run("apply", "-f", "crm.yaml")

    assert made.out == "segment 2 (in the way): 2 people\n2 rows: 2 added, 0 rejected\n"
    assert dry.out == "2 people of segment 2 (in the way) would be deleted from default/crm\n"
    assert gone.out.startswith("2 people deleted\n")
    assert (applied.code, applied.out.split()[-2:]) == (0, ["EmailOrID", "3"])
    assert ids(run) == ["3", "4", "5"]
    assert '"id": "4"' in run("people", "show", "a@x.com", *W).out
