"""``workspacectl database``: what it shows and checks, and that it changes nothing."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Crm, Run
from workspace_operator.store.schema.upgrades import known_revisions

PEOPLE = "id,email\n1,ann@shop.example\n2,bob@shop.example\n"


def execute(statement: str, file: str = "store.db") -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(statement)


def status(run: Run, *arguments: str) -> dict[str, object]:
    document: dict[str, object] = json.loads(run("database", "status", "-o", "json", *arguments).out)
    return document


def test_status_shows_what_the_database_is(run: Run, crm: Crm) -> None:
    crm(people=PEOPLE)

    shown = run("database", "status")

    rows = dict(line.split(maxsplit=1) if "  " not in line else line.split("  ", 1) for line in shown.out.splitlines())
    assert shown.code == 0
    assert rows["PEOPLE"].strip() == "2"
    assert rows["WORKSPACES"].strip() == "1"
    assert rows["SCHEMA"].strip() == "current"
    assert rows["ENGINE"].strip() == f"SQLite {sqlite3.sqlite_version}"


def test_status_of_an_older_schema_says_that_an_upgrade_is_due(run: Run, crm: Crm) -> None:
    crm(people=PEOPLE)
    execute(f"UPDATE alembic_version SET version_num = '{known_revisions()[0]}'")

    shown = run("database", "status")

    assert shown.code == 2
    assert "workspacectl database upgrade" in shown.out
    assert status(run)["revision"] == known_revisions()[0]


def test_status_of_a_newer_schema_asks_for_another_version(run: Run, crm: Crm) -> None:
    crm()
    execute("UPDATE alembic_version SET version_num = '9999'")

    shown = run("database", "status")

    assert shown.code == 3
    assert "install the version" in shown.out


def test_status_of_a_file_without_schema_is_an_upgrade_due(run: Run) -> None:
    Path("store.db").touch()

    shown = run("database", "status", "-o", "json")

    assert (shown.code, json.loads(shown.out)["schema"]) == (2, "none")
    assert Path("store.db").stat().st_size == 0


@pytest.mark.parametrize(("key", "state"), [("a", "as the database"), ("b", "other")])
def test_root_key_is_compared(run: Run, crm: Crm, key: str, state: str) -> None:
    crm()
    for name in ("a", "b"):
        assert run("sending", "make-key", name).code == 0
    assert status(run)["rootKey"] == "none yet: the first sender's key becomes that of the database"
    assert run("sending", "adopt-database", "--keep-waiting", "--root-key-file", "a").code == 0

    assert status(run, "--root-key-file", key)["rootKey"] == state
    assert status(run)["rootKey"] == "not found here: name its file with --root-key-file"


def test_check_of_a_sound_database_finds_nothing(run: Run, crm: Crm) -> None:
    crm(people=PEOPLE)

    checked = run("database", "check")

    assert (checked.code, checked.out) == (0, "nothing is wrong\n")


def test_check_says_what_is_wrong_and_what_to_do(run: Run, crm: Crm) -> None:
    crm(people=PEOPLE)
    execute("DELETE FROM identifier WHERE value_key = '1'")

    checked = run("database", "check")

    assert checked.code == 3
    assert checked.out.startswith("ids-missing: 1\n  People have an id by which they are not found.\n  Restore")
    [finding] = json.loads(run("database", "check", "-o", "json").out)["findings"]
    assert (finding["check"], finding["count"]) == ("ids-missing", 1)


def test_rows_of_an_older_schema_are_not_checked(run: Run, crm: Crm) -> None:
    crm()
    execute(f"UPDATE alembic_version SET version_num = '{known_revisions()[0]}'")

    assert "upgrade it with `workspacectl database upgrade`" in run("database", "check").failure


@pytest.mark.parametrize("command", ["status", "check"])
def test_wrong_path_makes_nothing(run: Run, tmp_path: Path, command: str) -> None:
    done = run("database", command, "--database", "sqlite:///typo.db")

    assert done.failure.startswith("error: there is no database typo.db")
    assert list(tmp_path.iterdir()) == []
