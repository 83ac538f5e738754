"""Ids that nobody is given, on the command line: their holders are found by them, and nobody new gets one."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Crm, Run, W


@pytest.fixture
def holder(crm: Crm) -> str:
    """Somebody whose id was taken before such ids were refused; tells it."""
    crm("EmailOrID", "id,plan\nx7,pro\n")
    with closing(sqlite3.connect("store.db")) as connection, connection:
        connection.execute("UPDATE person SET id = 'cio_7'")
        connection.execute("UPDATE identifier SET value_key = 'cio_7' WHERE value_key = 'x7'")
    return "cio_7"


def test_holder_is_shown_by_the_bare_id(run: Run, holder: str) -> None:
    assert json.loads(run("people", "show", holder, *W).out)["id"] == holder


@pytest.mark.parametrize("command", ["delete", "suppress"])
def test_holder_is_removed_by_the_bare_id(run: Run, holder: str, command: str) -> None:
    assert run("people", command, holder, *W).code == 0
    assert run("people", "show", "--id", holder, *W).code == 1


def test_holder_is_changed_by_a_row_of_a_file(run: Run, holder: str) -> None:
    Path("people.csv").write_text(f"id,plan\n{holder},free\n")

    done = run("people", "import", "people.csv", *W)

    assert (done.code, json.loads(run("people", "show", holder, *W).out)["attributes"]) == (0, {"plan": "free"})


@pytest.mark.parametrize(
    ("id_", "reason"),
    [
        ("cio_7", "id 'cio_7' begins with cio_, which is reserved: send another id."),
        ("undefined", "id 'undefined' looks like a variable that was not set: send the identifier itself."),
        ("[object Object]", "id '[object Object]' looks like a variable that was not set: send the identifier itself."),
    ],
)
def test_row_that_gives_one_is_rejected(run: Run, crm: Crm, id_: str, reason: str) -> None:
    crm("EmailOrID")
    Path("people.csv").write_text(f"id,plan\n{id_},pro\n1,pro\n")

    done = run("people", "import", "people.csv", *W)

    assert done.code == 3
    assert reason in Path("people.rejects.csv").read_text()
    assert run("people", "show", "--id", id_, *W).code == 1


@pytest.mark.parametrize("command", ["delete", "suppress", "unsuppress"])
def test_nobody_is_named_by_one(run: Run, crm: Crm, command: str) -> None:
    crm("IDOnly")

    done = run("people", command, "undefined", *W)

    assert done.failure == "error: id 'undefined' looks like a variable that was not set: send the identifier itself."


def test_file_for_a_segment_names_nobody_by_one(run: Run, crm: Crm) -> None:
    crm("IDOnly")
    Path("some.csv").write_text("id\nundefined\n")

    assert run("segments", "create", "--from-csv", "some.csv", "--name", "some", *W).code == 1
    assert "looks like a variable that was not set" in Path("some.rejects.csv").read_text()
