"""``people import``: what it prints, its exit codes, dry runs, undo files and rejects files."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Crm, Run, W

FIRST = "id,email,city,unsubscribed\ns-1,sue@example.com,Bonn,true\n,bob@example.com,Rome,\ns-3,,Oslo,\n"
SECOND = (
    "id,email,city,unsubscribed,plan\ns-1,,Berlin,,gold\nb-2,bob@example.com,,,\ns-3,s3@example.com,,yes,\n"
    "n-4,new@example.com,Kyiv,,\ns-1,sue@example.com,Wien,,\n"
)

pytestmark = pytest.mark.usefixtures("peopled")


@pytest.fixture
def peopled(run: Run, crm: Crm) -> None:
    crm()
    Path("first.csv").write_text(FIRST)
    Path("second.csv").write_text(SECOND)
    assert run("people", "import", "first.csv", *W).code == 0


def export(run: Run) -> str:
    return run("people", "export", *W).out


@pytest.mark.parametrize(
    ("rows", "options", "code"),
    [
        ("", (), 0),
        ("1,a@x.com\n", (), 0),
        ("1,a@x.com\n2,b@x.com\n", ("--update",), 0),
        ("1,a@x.com\n,\n", (), 3),
        ("1,nonsense\n", (), 3),
        ("7,a@x.com\n", ("--by", "cio_id"), 1),
        (",\n,\n", (), 1),
        ("1E+12,a@x.com\n", (), 1),
        (",\n9,\n", ("--update",), 1),
        ('"1\n', (), 1),
        ("1,K\xf6ln\n", (), 1),
    ],
)
@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_exit_code_reports_what_came_of_the_rows(
    run: Run, rows: str, options: tuple[str, ...], code: int, dry: tuple[str, ...]
) -> None:
    Path("people.csv").write_bytes(f"id,email\n{rows}".encode("latin-1"))

    assert run("people", "import", "people.csv", *W, *options, *dry).code == code


def test_dry_run_says_the_same_and_changes_nothing(run: Run) -> None:
    before = export(run)

    dry = run("people", "import", "second.csv", *W, "--dry-run")
    unchanged = export(run)
    files = {each.name for each in Path().iterdir()}
    done = run("people", "import", "second.csv", *W)

    assert (dry.code, dry.err) == (done.code, done.err) == (3, "")
    assert unchanged == before
    assert not files & {"second.rejects.csv", "first.rejects.csv"}
    columns = "identifiers: id, email\nattributes: city, unsubscribed, plan\n"
    counts = (
        "5 rows: 1 created, 4 updated, 0 skipped, 0 rejected\n1 of the created or updated rows were imported in part\n"
        "1 person is in several rows (such as lines 2, 6): where rows differ, the last one counts\n"
    )
    reason = "unsubscribed: 'yes' is neither true nor false, the value is unchanged: write true or false"
    assert dry.out == (
        f"{columns}dry run, nothing was changed; the import would give:\n{counts}"
        f"rows that would be rejected, with reasons:\n  line 4, in part: {reason}\n"
    )
    assert done.out == f"{columns}{counts}rejected rows, with reasons: second.rejects.csv\n"


def test_dry_run_shows_some_rows_and_writes_all_where_asked(run: Run) -> None:
    Path("many.csv").write_text("id\n1\n" + " \n" * 12)

    short = run("people", "import", "many.csv", *W, "--dry-run")
    kept = run("people", "import", "many.csv", *W, "--dry-run", "--rejects", "why.csv")

    assert short.out.count(", rejected: The row identifies no person") == 10
    assert short.out.endswith("  and 2 more: write all of them to a file with --rejects\n")
    assert kept.out.endswith("rejected rows, with reasons: why.csv\n")
    assert Path("why.csv").read_text().count("\n") == 13


def test_import_is_undone_by_its_undo_file(run: Run) -> None:
    before = export(run)

    done = run("people", "import", "second.csv", *W, "--undo-file", "undo.csv")
    undone = run("people", "import", "undo.csv", *W)
    deletion = ("people", "delete", "--created-in", "undo.csv", *W)
    dry = run(*deletion, "--dry-run")
    deleted = run(*deletion, "--yes", "--undo-file", "created.csv")

    assert done.out.endswith(
        "undo file: undo.csv (3 changed, 1 created)\nto undo: workspacectl people import undo.csv -w default/crm\n"
    )
    assert (undone.code, undone.err) == (0, "")
    assert undone.out.endswith(
        "4 rows: 0 created, 3 updated, 1 skipped, 0 rejected\n3 values were removed by empty cells\n"
        "1 person that the undone import created remain; to delete them: "
        "workspacectl people delete --created-in undo.csv -w default/crm\n"
    )
    assert dry.out == "1 person that the import of undo.csv created would be deleted from default/crm\n"
    assert (deleted.code, deleted.out) == (0, "1 person deleted\nbackup: created.csv\n")
    assert export(run) == before
    assert Path("undo.csv").stat().st_mode & 0o777 == 0o600


def test_undo_file_of_nothing_is_no_file(run: Run) -> None:
    done = run("people", "import", "first.csv", *W, "--undo-file", "undo.csv")

    assert (done.code, done.err) == (0, "")
    assert "undo" not in done.out
    assert not Path("undo.csv").exists()


def test_undo_file_is_never_written_over(run: Run) -> None:
    before = export(run)

    done = run("people", "import", "second.csv", *W, "--undo-file", "first.csv")

    assert done.failure.startswith("error: first.csv exists")
    assert (export(run), Path("first.csv").read_text()) == (before, FIRST)


def test_other_files_say_of_nobody_that_an_import_created_them(run: Run) -> None:
    done = run("people", "delete", "--created-in", "first.csv", *W, "--yes")

    assert (
        done.error
        == "error: first.csv, line 1: the columns _undo and cio_id are missing: name the undo file of an import"
    )


def test_dry_run_takes_no_undo_file(run: Run) -> None:
    done = run("people", "import", "second.csv", *W, "--undo-file", "undo.csv", "--dry-run")

    assert done.code == 64
    assert "a --dry-run writes no --undo-file" in done.err


@pytest.mark.parametrize("content", ["precious\n", "id,email\n1,a@x.com\n", "_line,id\n", "_line_outcome_reason"])
@pytest.mark.parametrize("file", ["first.csv", "second.csv"])
def test_only_rejects_files_are_replaced_or_removed(run: Run, content: str, file: str) -> None:
    Path("precious.txt").write_text(content)
    before = export(run)

    done = run("people", "import", file, *W, "--rejects", "precious.txt")

    assert done.failure == (
        "error: precious.txt exists and is not a rejects file of an import, so it is not replaced: "
        "choose another file with --rejects"
    )
    assert (Path("precious.txt").read_text(), export(run)) == (content, before)


@pytest.mark.parametrize(
    "start",
    ["", "_line,_outcome,_reason,id\r\n", "\ufeff_line;_outcome;_reason;id\n", '"_line"\t"_outcome"\t"_reason"\n'],
)
def test_rejects_files_are_replaced_and_removed(run: Run, start: str) -> None:
    Path("rejects.csv").write_text(start, encoding="utf-8")
    run("people", "import", "second.csv", *W, "--rejects", "rejects.csv")
    replaced = Path("rejects.csv").read_text()

    run("people", "import", "first.csv", *W, "--rejects", "rejects.csv")

    assert replaced.startswith("_line,_outcome,_reason,id,email")
    assert not Path("rejects.csv").exists()


def test_folders_are_no_rejects_files(run: Run) -> None:
    done = run("people", "import", "second.csv", *W, "--rejects", ".")

    assert (done.code, done.error) == (1, "error: . is a folder: give a file with --rejects")


def test_columns_can_be_mapped(run: Run) -> None:
    Path("list.csv").write_text("User ID,Email Address,First Name,Notes\ns-9,ana@example.com,Ana,x\n")

    refused = run("people", "import", "list.csv", *W)
    maps = ("--map", "User ID=id", "--map", "Email Address=email", "--map", "Notes=ignore")
    done = run("people", "import", "list.csv", *W, *maps)

    assert refused.code == 1
    assert "add --map 'Email Address=email' or --map 'Email Address=attribute'" in refused.error
    assert done.out == (
        "identifiers: User ID (as id), Email Address (as email)\nattributes: First Name\nignored: Notes\n"
        "1 rows: 1 created, 0 updated, 0 skipped, 0 rejected\n"
    )


def test_wide_files_list_some_of_their_columns(run: Run) -> None:
    names = ",".join(f"a{number}" for number in range(30))
    Path("wide.csv").write_text(f"id,{names}\n1{',' * 30}\n")

    done = run("people", "import", "wide.csv", *W)

    assert "a18, a19 and 10 more\n" in done.out


def test_encodings_can_be_named(run: Run) -> None:
    Path("latin.csv").write_bytes("id,city\nm-1,Köln\n,Ulm\nm-3,#\n".encode("cp1252"))

    refused = run("people", "import", "latin.csv", *W)
    wrong = run("people", "import", "latin.csv", *W, "--encoding", "nonsense")
    done = run("people", "import", "latin.csv", *W, "--encoding", "windows-1252")

    assert refused.error == (
        "error: latin.csv, line 2: the file is not UTF-8 here, and nothing was imported: save it as CSV UTF-8 or, "
        "if the word there is 'Köln', add --encoding windows-1252"
    )
    assert "error: --encoding 'nonsense' is not a file encoding" in wrong.error
    assert done.code == 3
    assert '"city": "Köln"' in run("people", "show", "m-1", *W).out
    again = run("people", "import", "latin.rejects.csv", *W, "--encoding", "windows-1252")
    assert "the file is UTF-8, not cp1252: omit --encoding" in again.error


def test_empty_cells_remove_when_asked(run: Run) -> None:
    Path("empty.csv").write_text("id,city,unsubscribed\ns-1,,\ns-3,,\n")

    done = run("people", "import", "empty.csv", *W, "--empty-cells", "remove")

    assert done.out.endswith(
        "2 rows: 0 created, 2 updated, 0 skipped, 0 rejected\n2 values were removed by empty cells\n"
    )
    assert '"unsubscribed": "true"' in run("people", "show", "s-1", *W).out


def test_cells_that_hold_rows_are_reported(run: Run) -> None:
    rows = 'm-1,"half\nm-2,x\nm-3,half"\nm-4,ok\n'
    Path("one.csv").write_text(f"id,note\n{rows}")
    Path("two.csv").write_text(f"id,note\n{rows}{rows}")

    one, two = (run("people", "import", name, *W) for name in ("one.csv", "two.csv"))

    assert one.out.splitlines()[-1] == (
        "1 row has a cell that seems to hold rows, which are not imported (line 2): is a quote missing?"
    )
    assert "2 rows have a cell that seems to hold rows, which are not imported (first line 2)" in two.out


@pytest.mark.parametrize("name", ["/dev/stdin", "-"])
def test_pipes_are_read_as_files_are(tmp_path: Path, name: str) -> None:
    command = [sys.executable, "-m", "workspace_operator", "people", "import", name, *W, "--rejects", "r.csv"]

    done = subprocess.run(command, input=b"sep=;\nid;city\ns-1;Pipe\n;x\n", capture_output=True, cwd=tmp_path)

    assert (done.returncode, done.stderr) == (3, b"")
    assert b"2 rows: 0 created, 1 updated, 0 skipped, 1 rejected\n" in done.stdout


@pytest.mark.parametrize(
    "command", [("people", "import", "some.csv"), ("segments", "create", "--from-csv", "some.csv", "--name", "some")]
)
def test_rejects_for_excel_begin_with_a_byte_order_mark(run: Run, command: tuple[str, ...]) -> None:
    Path("some.csv").write_text("id,city\n,Köln\n")

    done = run(*command, *W, "--for-excel")

    assert done.code == 1
    assert Path("some.rejects.csv").read_bytes().startswith(b"\xef\xbb\xbf_line,")


@pytest.mark.parametrize("rejects", [(), ("--rejects", "./both.csv")])
def test_one_file_is_not_for_undoing_and_for_rejects(run: Run, rejects: tuple[str, ...]) -> None:
    before = export(run)
    Path("people.csv").write_text("id,email\n1,a@x.com\n2,nonsense\n")
    undo_file = "both.csv" if rejects else "people.rejects.csv"

    done = run("people", "import", "people.csv", *W, "--undo-file", undo_file, *rejects)

    assert done.code == 64
    assert "is also the rejects file" in done.err
    assert export(run) == before


def test_rejects_of_a_process_go_to_the_current_folder(run: Run) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"id,email\n1,a@x.com\n,\n")
    os.close(writing)

    done = run("people", "import", f"/dev/fd/{reading}", *W)

    os.close(reading)
    assert done.code == 3
    assert Path(f"{reading}.rejects.csv").read_text().count("\n") == 2
