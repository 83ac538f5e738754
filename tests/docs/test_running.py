"""Blocks and programs of the documentation, run as they stand there."""

import csv
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.api.servers import CERTIFICATE, running_api
from tests.conftest import NO_SKIPS
from tests.docs.blocks import run_blocks
from tests.docs.pages import REPOSITORY, runnable_blocks, text_of

PROGRAM = (sys.executable, "-m", "workspace_operator")
EXAMPLE = REPOSITORY / "examples" / "api" / "members.py"


@pytest.fixture
def curl() -> None:
    if shutil.which("curl") is None and not os.environ.get(NO_SKIPS):
        pytest.skip("there is no curl here, which the blocks use")


@pytest.mark.usefixtures("curl")
def test_blocks_of_readme_run(tmp_path: Path) -> None:
    printed = run_blocks(runnable_blocks("README.md"), tmp_path)

    assert '"m-1004"' in printed
    assert '"tier":"platinum"' in printed


def test_cleaning_up_runs(tmp_path: Path) -> None:
    printed = run_blocks(runnable_blocks("docs/people.md"), tmp_path)

    told = [
        line
        for line in printed.splitlines()
        if line.startswith(("segment 1", "7 people", "7 decisions", "7 of 7", "cleanup", "rule 1"))
    ]
    assert told == [
        "7 people written to decisions.csv",
        "7 decisions. With these decisions, 5 people would still block the migration.",
        "cleanup 1: 7 applied, 0 left alone",
        "7 of 7 decisions would be restored completely, 0 partly, 0 not at all",
        "cleanup 1: 7 undone completely, 0 partly, 0 not at all",
        "rule 1 would decide about 3 groups (7 people), 0 stay open",
        "rule 1 decided about 3 groups (7 people), 0 stay open",
        "7 decisions. With these decisions, 9 people would still block the migration.",
        "rule 1 is removed",
        "7 people written to to-delete.csv",
        "segment 1 (duplicates): 7 people",
        "7 people of segment 1 (duplicates) would be deleted from default/club",
        "7 people deleted",
    ]
    assert printed.splitlines()[-1].split() == ["default", "club", "True", "InForce", "EmailOrID", "21"]
    listed = csv_rows(tmp_path / "to-delete.csv")
    deleted = csv_rows(tmp_path / "deleted.csv")
    assert {"duplicateEmail"} <= set.intersection(*(set(row["_violations"].split(";")) for row in listed))
    assert {row["id"] for row in deleted} == {f"m-{each}" for each in (1013, 1014, 1017, 1018, 1019, 1020)} | {
        "eva@example.com"
    }


@pytest.mark.usefixtures("curl")
def test_first_call_of_api_page_runs(tmp_path: Path) -> None:
    printed = run_blocks(runnable_blocks("docs/api.md"), tmp_path)

    assert printed.count("{}\n") == 2
    assert '"email":"ada@example.com"' in printed
    assert '"group":"settled","reasons":[]' in printed
    assert '"people_blocking":16,"people_blocking_after":15' in printed
    assert '"state":"Applied"' in printed
    assert '"state":"Decided"' in printed.splitlines()[-1]


@pytest.mark.usefixtures("curl")
def test_first_link_of_console_page_works(tmp_path: Path) -> None:
    printed = run_blocks(runnable_blocks("docs/console.md"), tmp_path)

    assert re.fullmatch(r"http://127\.0\.0\.1:8200/enter\?t=[\w-]{43}", printed.splitlines()[-1])


def test_example_prints_what_its_page_says(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/people.db"
    command(database, "apply", "-f", str(REPOSITORY / "examples" / "shop.yaml"))
    keys = command(database, "credentials", "create", "--workspace", "default/shop", "--output", "env")
    told = dict(line.split("=") for line in keys.splitlines())

    with running_api(database, tmp_path, tls=True) as api:
        told |= {"API_HOST": "localhost", "API_PORT": str(api.port), "REQUESTS_CA_BUNDLE": str(CERTIFICATE)}
        first, second = (printed([sys.executable, str(EXAMPLE)], told) for _ in range(2))

    assert first in text_of("examples/README.md")
    assert second.endswith("mira@example.net platinum\n")


def csv_rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def command(database: str, *words: str) -> str:
    return printed([*PROGRAM, *words], {"WORKSPACE_OPERATOR_DATABASE": database})


def printed(words: list[str], told: dict[str, str]) -> str:
    answer = subprocess.run(
        words, env=os.environ | {"NO_PROXY": "*"} | told, capture_output=True, text=True, timeout=600
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout
