"""Every ``kubectl ws`` command of the pages and of the help runs as it stands there, and ends as expected."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.cli.conftest import Run, manifest
from tests.cli.plugin.conftest import ANSWERS, CLUSTER
from tests.docs.pages import PAGES
from tests.fakes.cluster.kubectl_program import KubectlProgram
from workspace_operator.cli.plugin.main import EXAMPLES

COMMAND = re.compile(r"^ *(kubectl ws .*)$", re.MULTILINE)
SHELL = re.compile(r"```sh\n(.*?)```", re.DOTALL)
EXIT_CODES = {"status": 3, "plan": 3}
"""People block a change, which both commands report; the others end with 0."""
EMPTY = json.dumps({"items": []})
CLUSTER_ANSWERS = {
    "version -o json": json.dumps({key: {"gitVersion": "v1.33.1"} for key in ("clientVersion", "serverVersion")}),
    "get deployments": EMPTY,
    "get workspaces.": EMPTY,
    "get accounts.": EMPTY,
    "get events": EMPTY,
    "logs ": "",
}


def club(mode: str) -> str:
    """The manifest of members/club, whose change to EmailOrID is blocked."""
    text = manifest("club", "Club", f"  identifiers: {{mode: {mode}}}")
    return text.replace("{name: club}", "{name: club, namespace: members}")


def documented_commands() -> Iterator[str]:
    for page in PAGES:
        for block in SHELL.findall(page.read_text(encoding="utf-8")):
            yield from (command.partition("  #")[0].rstrip() for command in COMMAND.findall(block))
    yield from COMMAND.findall(EXAMPLES)


COMMANDS = sorted(set(documented_commands()))


@pytest.fixture
def environment(run: Run, tmp_path: Path) -> Mapping[str, str]:
    """A folder with manifests and people, and a pod with a database where two people block a change of the club."""
    people = "id,email\n1,a@example.com\n2,A@example.com\n3,b@example.com\n"
    (tmp_path / "people.csv").write_text(people)
    for mode, code in (("IDOnly", 0), ("EmailOrID", 3)):
        (tmp_path / "club.yaml").write_text(club(mode))
        assert run("apply", "-f", "club.yaml", "--cluster-id", CLUSTER).code == code
        if mode == "IDOnly":
            assert run("people", "import", "people.csv", "-w", "members/club").code == 0
    overlay = {"kustomize overlays/staging": club("EmailOrID")}
    (tmp_path / "overlays" / "staging").mkdir(parents=True)
    (tmp_path / "overlays" / "staging" / "kustomization.yaml").write_text("resources: []\n")
    database, answers = f"sqlite:///{tmp_path}/store.db", ANSWERS | CLUSTER_ANSWERS | overlay
    program = KubectlProgram.install(tmp_path / "bin", database=database, answers=answers)
    return os.environ | {
        "PATH": f"{program.folder}{os.pathsep}{path_without_kustomize()}",
        "WORKSPACE_OPERATOR_DATABASE": "",
    }


def path_without_kustomize() -> str:
    """The PATH, less the folders of a program that would read the overlay itself."""
    folders = os.environ["PATH"].split(os.pathsep)
    return os.pathsep.join(folder for folder in folders if shutil.which("kustomize", path=folder) is None)


def test_documented_commands_run(environment: Mapping[str, str], tmp_path: Path) -> None:
    ended = {}
    for command in COMMANDS:
        script = command.replace("/tmp/", f"{tmp_path}/")
        done = subprocess.run(
            ["sh", "-c", script],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        ended[command] = (done.returncode, done.stderr if "error" in done.stderr.lower() else "")

    assert ended == {command: (EXIT_CODES.get(command.split()[2], 0), "") for command in COMMANDS}
    assert (tmp_path / "to-fix.csv").read_text().count("\n") == 3
    assert "== conditions ==" in (tmp_path / "report.txt").read_text()


def test_commands_are_found_in_page_and_help() -> None:
    assert len(COMMANDS) >= 8
    assert {"status", "plan", "violations", "report"} <= {command.split()[2] for command in COMMANDS}
