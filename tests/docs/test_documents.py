"""What the documentation says is so: links, fields, reasons, commands, and the block that runs."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from workspace_operator.cli.app import app
from workspace_operator.reconcile.verdicts import Reason
from workspace_operator.resources.schema import resource_schema

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = sorted((*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").glob("*.md")))
COMMANDS = Path(sys.executable).parent

LINK = re.compile(r"\]\(([^)#:]+)(?:#([^)]+))?\)")
TESTED = re.compile(r"<!-- tested: [^>]*-->\n```sh\n(.*?)```", re.DOTALL)
COMMAND = re.compile(r"workspacectl((?: [a-z]+){1,2})")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = [(page.parent / path, anchor) for path, anchor in LINK.findall(page.read_text(encoding="utf-8"))]

    missing = [str(path) for path, anchor in targets if not path.exists() or (anchor and anchor not in anchors(path))]

    assert missing == []


def test_every_spec_field_is_explained() -> None:
    text = (REPOSITORY / "docs" / "resource.md").read_text(encoding="utf-8")

    unmentioned = [path for path in field_paths(resource_schema()["properties"]["spec"]) if f"`{path}`" not in text]

    assert unmentioned == []


def test_every_reason_is_explained() -> None:
    text = (REPOSITORY / "docs" / "resource.md").read_text(encoding="utf-8")

    unmentioned = [reason for reason in Reason if f"| `{reason}` |" not in text]

    assert unmentioned == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_that_are_named_exist(page: Path) -> None:
    named = {found.strip() for found in COMMAND.findall(page.read_text(encoding="utf-8"))}

    unknown = [command for command in named if not exists(command)]

    assert unknown == []


def test_cluster_less_block_of_readme_runs(tmp_path: Path) -> None:
    shutil.copytree(REPOSITORY / "examples", tmp_path / "examples")
    (block,) = TESTED.findall((REPOSITORY / "README.md").read_text(encoding="utf-8"))
    environment = os.environ | {"PATH": f"{COMMANDS}{os.pathsep}{os.environ['PATH']}"}

    answer = subprocess.run(
        ["sh", "-e", "-c", block], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )

    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert '"m-1004"' in answer.stdout


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def field_paths(schema: dict[str, object], prefix: str = "") -> list[str]:
    """The paths of all fields that hold a value."""
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return [prefix]
    return [path for name, child in properties.items() for path in field_paths(child, f"{prefix}.{name}".lstrip("."))]


def exists(command: str) -> bool:
    """Whether the words are a command; after one that has no further ones, plain text may follow."""
    found: Any = typer.main.get_command(app)
    for word in command.split():
        if not hasattr(found, "commands"):
            return True
        found = found.commands.get(word)
        if found is None:
            return False
    return True
