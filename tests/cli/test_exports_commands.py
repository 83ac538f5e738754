import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Run

Crm = Callable[..., None]
W = ("-w", "default/crm")


@pytest.fixture
def blocked(run: Run, crm: Crm) -> None:
    """A change that two people stand in the way of, reported twice."""
    crm("IDOnly")
    Path("people.csv").write_text("id,email\n1,a@x.com\n2,A@x.com\n3,c@x.com\n")
    assert run("people", "import", "people.csv", *W).code == 0
    Path("crm.yaml").write_text(Path("crm.yaml").read_text().replace("IDOnly", "EmailOrID"))
    assert run("apply", "-f", "crm.yaml").code == 3
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
    assert [(row["id"], row["violations"]) for row in rows] == [
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
def test_unknown_export_is_told(run: Run) -> None:
    Path("first.csv").write_text("as it was")

    done = run("exports", "get", *W, "--id", "999", "-o", "first.csv")

    assert (done.code, done.out) == (1, "")
    assert "no export 999" in done.error
    assert Path("first.csv").read_text() == "as it was"


def test_workspace_without_exports_is_told(run: Run, crm: Crm) -> None:
    crm()

    done = run("exports", "get", *W)

    assert done.error == "error: default/crm has no exports: no identifier change of it was ever blocked"
    assert run("exports", "list", *W).out == "ID  CREATED  PEOPLE  DESCRIPTION\n"


def test_latest_and_number_exclude_each_other(run: Run) -> None:
    done = run("exports", "get", *W, "--latest", "--id", "1")

    assert done.code == 64
    assert "choose one of --latest and --id" in done.err
