"""Only apply, run and database upgrade make a database: to every other command a wrong path is an error."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.cli.conftest import Run, W, write

READING = {
    "workspaces list": ("workspaces", "list"),
    "workspaces assign": ("workspaces", "assign", "1", "--to", "default/crm"),
    "people show": ("people", "show", "1", *W),
    "people find": ("people", "find", "1", *W),
    "people export": ("people", "export", *W),
    "exports list": ("exports", "list", *W),
    "segments list": ("segments", "list", *W),
    "merges list": ("merges", "list", *W),
    "migrations show": ("migrations", "show", *W),
    "credentials create": ("credentials", "create", *W),
}
commands = pytest.mark.parametrize("words", READING.values(), ids=READING)


@commands
def test_wrong_path_makes_nothing(run: Run, tmp_path: Path, words: tuple[str, ...]) -> None:
    done = run(*words, "--database", f"sqlite:///{tmp_path}/typo/folder/w.db")

    assert done.failure.startswith(f"error: there is no database {tmp_path}/typo/folder/w.db: correct --database")
    assert list(tmp_path.iterdir()) == []


def test_import_into_a_wrong_path_makes_nothing(run: Run, tmp_path: Path) -> None:
    Path("people.csv").write_text("id\n1\n")

    done = run("people", "import", "people.csv", *W, "--database", "sqlite:///typo.db")

    assert done.code == 1
    assert [each.name for each in tmp_path.iterdir()] == ["people.csv"]


def empty(file: Path) -> None:
    file.touch()


def of_another_program(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE bookmark (url TEXT)")
    connection.close()


@pytest.mark.parametrize("made", [empty, of_another_program])
def test_file_without_workspaces_is_left_as_it_is(run: Run, tmp_path: Path, made: Callable[[Path], None]) -> None:
    made(tmp_path / "other.db")
    before = (tmp_path / "other.db").read_bytes()

    done = run("workspaces", "list", "--database", "sqlite:///other.db")

    assert "sqlite:///other.db has no workspaces" in done.failure
    assert (tmp_path / "other.db").read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["other.db"]


@pytest.mark.postgres
def test_postgres_database_without_workspaces_is_left_as_it_is(run: Run, postgres_url: str) -> None:
    done = run("workspaces", "list", "--database", postgres_url)

    engine = sa.create_engine(postgres_url.replace("postgresql://", "postgresql+psycopg://"))
    tables = sa.inspect(engine).get_table_names()
    engine.dispose()
    assert "has no workspaces" in done.failure
    assert tables == []


def test_upgrade_makes_a_database(run: Run, tmp_path: Path) -> None:
    database = ("--database", f"sqlite:///{tmp_path}/folder/w.db")

    assert run("database", "upgrade", *database).code == 0
    assert run("workspaces", "list", *database).code == 0


def test_apply_makes_a_database(run: Run, tmp_path: Path) -> None:
    write("crm.yaml")
    database = ("--database", f"sqlite:///{tmp_path}/folder/w.db")

    assert run("apply", "-f", "crm.yaml", *database).code == 0
    assert run("people", "export", *W, *database).code == 0
