"""The examples do what their README says, command by command."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml

from tests.controlplane.kubectl import Kubectl
from tests.e2e.waiting import succeeds, wait_until
from workspace_operator.resources.manifests import load_manifests
from workspace_operator.resources.parsing import parse, validate_manifest

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples"
BLOCKED = 3
REJECTED = 3

Answers = list[tuple[str, subprocess.CompletedProcess[str]]]


def commands() -> list[str]:
    """Every command of the README's code blocks, in order."""
    blocks = re.findall(r"```sh\n(.*?)```", (EXAMPLES / "README.md").read_text(), re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.startswith("workspacectl ")]


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "PYTHONPATH": str(ROOT / "operator"),
        "WORKSPACE_OPERATOR_DATABASE": f"sqlite:///{folder}/club.db",
    }
    program = [sys.executable, "-m", "workspace_operator", *command.split()[1:]]
    return subprocess.run(program, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the examples in it, where all commands were run."""
    folder = tmp_path_factory.mktemp("examples")
    shutil.copytree(EXAMPLES, folder / "examples")
    return folder


@pytest.fixture(scope="module")
def answers(folder: Path) -> Answers:
    return [(command, run(command, folder)) for command in commands()]


def test_migration_is_blocked_until_people_are_fixed(answers: Answers) -> None:
    first, second = (answer for command, answer in answers if command.endswith("-f examples/change"))

    assert (first.returncode, second.returncode) == (BLOCKED, 0)
    assert "17 of 28 people block the change to EmailOrID (duplicateEmail 11" in " ".join(first.stdout.split())
    assert "EmailOrID" in second.stdout


def test_every_other_command_works(answers: Answers) -> None:
    ended = {command: answer.returncode for command, answer in answers if answer.returncode and "change" not in command}

    assert list(ended.values()) == [REJECTED]
    assert "shop.csv" in next(iter(ended))
    assert len(answers) == len(commands()) == 13


@pytest.mark.usefixtures("answers")
def test_violations_are_those_of_the_readme(folder: Path) -> None:
    with (folder / "violations.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    told = dict(re.findall(r"^\| (\w+) \| (\d+) \|", (EXAMPLES / "README.md").read_text(), re.MULTILINE))

    assert len(rows) == 17
    assert Counter(name for row in rows for name in row["_violations"].split(";")) == {
        violation: int(people) for violation, people in told.items()
    }


def test_person_is_found_by_address_in_the_end(answers: Answers) -> None:
    (shown,) = (answer.stdout for command, answer in answers if " show " in command)

    assert json.loads(shown)["id"] == "m-1001"


@pytest.mark.usefixtures("answers")
def test_rows_not_taken_are_reported(folder: Path) -> None:
    with (folder / "examples/people/shop.rejects.csv").open(encoding="utf-8-sig", newline="") as file:
        assert len(list(csv.DictReader(file))) == 2


def test_manifests_are_valid() -> None:
    found = load_manifests(EXAMPLES)

    assert [manifest.document["metadata"]["name"] for manifest in found.ours] == ["club", "shop", "shop-staging"]
    assert found.others == ()
    for manifest in found.ours:
        assert validate_manifest(manifest.document) == []
        assert parse(manifest.document).spec.color == manifest.document["spec"]["color"].lstrip("#")


def test_migration_is_allowed_and_about_identifiers_only() -> None:
    (new,) = load_manifests(EXAMPLES / "change").ours
    old = yaml.safe_load((EXAMPLES / "club.yaml").read_text())

    assert validate_manifest(new.document, old | {"status": {"identifiers": {"mode": "IDOnly"}}}) == []
    assert new.document["metadata"] == old["metadata"]
    assert {name for name in old["spec"] if old["spec"][name] != new.document["spec"][name]} == {"identifiers"}


def test_api_server_takes_the_examples(kubectl: Kubectl) -> None:
    kubectl("apply", "-k", str(ROOT / "crds"))
    wait_until(lambda: succeeds(lambda: kubectl("get", "workspaces")))

    applied = kubectl("apply", "--dry-run=server", "-f", str(EXAMPLES))

    assert len(applied.splitlines()) == 3
