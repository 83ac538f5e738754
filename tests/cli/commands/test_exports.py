import codecs
import csv
import io
from pathlib import Path

import pytest

from tests.cli.conftest import Crm, Run, W


@pytest.fixture
def blocked(run: Run, crm: Crm) -> None:
    """A change that two people stand in the way of, reported twice."""
    crm("IDOnly", "id,email\n1,a@x.com\n2,A@x.com\n3,c@x.com\n")
    crm("EmailOrID", code=3)
    Path("more.csv").write_text("id,email\n4,nonsense\n")
    assert run("people", "import", "more.csv", *W).code == 0
    assert run("apply", "-f", "crm.yaml").code == 3


@pytest.mark.usefixtures("blocked")
def test_exports_are_listed_newest_first(run: Run) -> None:
    done = run("exports", "list", *W)

    header, *rows = [line.split() for line in done.out.splitlines()]
    assert header == ["ID", "CREATED", "PEOPLE", "DESCRIPTION"]
    numbers = [int(row[0]) for row in rows]
    assert numbers == sorted(numbers, reverse=True)
    assert rows[0][2] == "3"


@pytest.mark.usefixtures("blocked")
def test_latest_export_is_the_default(run: Run) -> None:
    plain = run("exports", "get", *W)
    latest = run("exports", "get", *W, "--latest")

    rows = list(csv.DictReader(io.StringIO(plain.out)))
    assert plain.out == latest.out
    assert [(row["id"], row["_violations"]) for row in rows] == [
        ("4", "invalidEmail"),
        ("1", "duplicateEmail"),
        ("2", "duplicateEmail"),
    ]


@pytest.mark.usefixtures("blocked")
def test_export_is_fetched_by_number(run: Run) -> None:
    numbers = [line.split()[0] for line in run("exports", "list", *W).out.splitlines()[1:]]

    done = run("exports", "get", *W, "--id", numbers[-1], "-o", "first.csv")

    assert (done.code, done.out) == (0, "")
    assert done.err.endswith("people written to first.csv\n")
    assert Path("first.csv").stat().st_mode & 0o777 == 0o600


@pytest.mark.usefixtures("blocked")
def test_unknown_export_is_reported(run: Run) -> None:
    Path("first.csv").write_text("as it was")

    done = run("exports", "get", *W, "--id", "999", "-o", "first.csv")

    assert "there is no export 999: `workspacectl exports list` lists them" in done.failure
    assert Path("first.csv").read_text() == "as it was"


def test_workspace_without_exports_is_reported(run: Run, crm: Crm) -> None:
    crm()

    done = run("exports", "get", *W)

    assert done.error == "error: default/crm has no exports: no identifier migration has been blocked"
    assert run("exports", "list", *W).out == "ID  CREATED  PEOPLE  DESCRIPTION\n"


def test_latest_and_number_exclude_each_other(run: Run) -> None:
    done = run("exports", "get", *W, "--latest", "--id", "1")

    assert done.code == 64
    assert "choose one of --latest and --id" in done.err


@pytest.fixture
def known(run: Run, crm: Crm) -> None:
    """A blocked change of people of whom more is known than their identifiers."""
    crm("IDOnly")
    Path("people.csv").write_text(
        "id,email,first_name,city,plan,unsubscribed\n"
        "1,a@x.com,Zoë,Köln,,true\n2,A@x.com,Ben,Bonn,gold,true\n3,nonsense,,Rome,,true\n4,d@x.com,Dan,,,true\n"
    )
    assert run("people", "import", "people.csv", *W).code == 0
    crm("EmailOrID", code=3)


def header_of(text: str) -> list[str]:
    return text.splitlines()[0].split(",")


@pytest.mark.usefixtures("known")
def test_export_has_two_attributes_that_most_people_have(run: Run) -> None:
    done = run("exports", "get", *W)

    assert header_of(done.out)[-3:] == ["_advice", "city", "first_name"]
    assert [row["first_name"] for row in csv.DictReader(io.StringIO(done.out))] == ["", "Zoë", "Ben"]


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(
    ("said", "columns"),
    [("plan", ["plan"]), (" first_name, plan,plan", ["first_name", "plan"]), ("nothing", ["nothing"]), ("", [])],
)
def test_attributes_are_named(run: Run, said: str, columns: list[str]) -> None:
    done = run("exports", "get", *W, "--with", said)

    assert header_of(done.out)[7:] == columns


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("said", ["email", "_advice", "x" * 151, ",".join(map(str, range(21)))])
def test_attribute_that_cannot_be_a_column_is_refused(run: Run, said: str) -> None:
    done = run("exports", "get", *W, "--with", said)

    assert "--with" in done.failure


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("command", [("exports", "get"), ("people", "export")])
def test_file_for_excel_begins_with_a_byte_order_mark(run: Run, command: tuple[str, str]) -> None:
    run(*command, *W, "-o", "plain.csv")

    run(*command, *W, "-o", "excel.csv", "--for-excel")

    assert Path("excel.csv").read_bytes() == codecs.BOM_UTF8 + Path("plain.csv").read_bytes()


@pytest.mark.usefixtures("known")
def test_only_duplicates_but_the_oldest_are_written(run: Run) -> None:
    done = run("exports", "get", *W, "--violation", "duplicateEmail", "--except-oldest", "-o", "to-delete.csv")

    assert done.err == "1 person written to to-delete.csv\n"
    assert [row["id"] for row in csv.DictReader(io.StringIO(Path("to-delete.csv").read_text()))] == ["2"]


@pytest.mark.usefixtures("known")
def test_corrected_export_is_imported_as_it_is(run: Run) -> None:
    before = run("people", "export", *W).out
    run("exports", "get", *W, "-o", "to-correct.csv", "--for-excel")
    text = Path("to-correct.csv").read_text()
    Path("to-correct.csv").write_text(text.replace("A@x.com", "b@x.com").replace("nonsense", "c@x.com"))

    done = run("people", "import", "to-correct.csv", *W, "--by", "cio_id", "--update")

    assert done.out == (
        "identifiers: cio_id, id\nattributes: email, city, first_name\n"
        "ignored: _violations, _age_from, _shares_with, _advice\n"
        "3 rows: 0 created, 3 updated (1 of them unchanged), 0 skipped, 0 rejected\n"
    )
    assert run("people", "export", *W).out == before.replace("A@x.com", "b@x.com").replace("nonsense", "c@x.com")
    assert run("apply", "-f", "crm.yaml").code == 0


@pytest.mark.usefixtures("known")
def test_first_people_are_shown_as_a_table(run: Run) -> None:
    done = run("exports", "show", *W, "--limit", "2")

    assert [line.split()[:3] for line in done.out.splitlines()] == [
        ["VIOLATIONS", "ID", "EMAIL"],
        ["invalidEmail", "3", "nonsense"],
        ["duplicateEmail", "1", "a@x.com"],
    ]
    assert done.out.splitlines()[2].endswith("keep this person (the oldest of 2 with this email)")
    assert done.err == "and 1 more; for all of them: workspacectl exports get -w default/crm -o FILE\n"


@pytest.mark.usefixtures("known")
def test_all_people_are_shown_if_they_are_few(run: Run) -> None:
    done = run("exports", "show", *W, "--id", "1")

    assert len(done.out.splitlines()) == 4
    assert done.err == ""
