"""An import that is killed and run again: nobody is lost, nobody is there twice."""

import signal
import subprocess
import time
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.commands import running
from tests.workspaces import create_workspace
from workspace_operator import bootstrap

ROWS = 30_000
INTERRUPTED = 130


@pytest.fixture
def url(database_url: str) -> str:
    """A database with an empty workspace default/crm."""
    with bootstrap.open_store(database_url) as store:
        create_workspace(store.workspaces, "crm", now=bootstrap.utc_now())
    return database_url


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Half the rows name people by id, half by email; one of a hundred is rejected."""
    path = tmp_path / "people.csv"
    with path.open("w") as text:
        text.write("id,email,plan\n")
        for number in range(ROWS):
            name = f"u{number}," if number % 2 else f",p{number}@x.com"
            text.write(f"{',' if number % 100 == 0 else name},plan {number}\n")
    return path


def importing(url: str, file: Path) -> AbstractContextManager[subprocess.Popen[str]]:
    return running("people", "import", str(file), "-w", "default/crm", WORKSPACE_OPERATOR_DATABASE=url)


def people_in(url: str) -> int:
    with bootstrap.open_store(url) as store:
        return store.people.count(1).total


def wait_for_people(url: str, least: int, process: subprocess.Popen[str]) -> None:
    while process.poll() is None and people_in(url) < least:
        time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_interrupted_import_is_run_again(url: str, file: Path, number: signal.Signals) -> None:
    for least in (0, 1, 10_000, 20_000):
        with importing(url, file) as process:
            wait_for_people(url, least, process)
            process.send_signal(number)
            process.communicate()

    with importing(url, file) as last:
        out, err = last.communicate()

    assert (last.returncode, err) == (3, "")
    told = out.splitlines()[2]
    assert told.startswith(f"{ROWS} rows: ")
    assert told.endswith(" 0 skipped, 300 rejected")
    assert everybody(url) == expected()
    assert len(file.with_name("people.rejects.csv").read_text().splitlines()) == 301


def test_interrupted_import_reports_how_far(url: str, file: Path) -> None:
    with importing(url, file) as process:
        wait_for_people(url, 1, process)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()

    assert process.returncode == INTERRUPTED
    assert err == ""
    assert " created, 0 updated, 0 skipped, " in out


def everybody(url: str) -> list[tuple[str, str]]:
    with bootstrap.open_store(url) as store:
        return sorted((each.id or each.email or "", str(each.attributes["plan"])) for each in store.people.all(1))


def expected() -> list[tuple[str, str]]:
    rows = (number for number in range(ROWS) if number % 100)
    return sorted((f"u{number}" if number % 2 else f"p{number}@x.com", f"plan {number}") for number in rows)
