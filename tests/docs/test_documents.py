"""What the documentation says is so: links, fields, reasons, commands."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command_tree import command_tree
from tests.docs.pages import PAGES, REPOSITORY, text_of
from workspace_operator.reconcile.model.outcomes import Reason
from workspace_operator.resources.schema import resource_schema

LINK = re.compile(r"\]\(([^)#:]*)(?:#([^)]+))?\)")
COMMAND = re.compile(r"workspacectl((?: [a-z]+(?:-[a-z]+)*){1,2})")


def name_of(page: Path) -> str:
    return str(page.relative_to(REPOSITORY))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    found = LINK.findall(page.read_text(encoding="utf-8"))
    targets = [(page.parent / path if path else page, anchor) for path, anchor in found]

    missing = [str(path) for path, anchor in targets if not path.exists() or (anchor and anchor not in anchors(path))]

    assert missing == []


def test_comments_that_decisions_name_are_in_files_that_exist() -> None:
    named = re.findall(r"(?:comment at|and) `([^`]+\.\w+)`", text_of("docs/decisions/old-numbers.md"))
    roots = (REPOSITORY, REPOSITORY / "operator" / "workspace_operator")

    missing = [path for path in named if not any((root / path).is_file() for root in roots)]

    assert named
    assert missing == []


def test_every_spec_field_is_explained() -> None:
    text = text_of("docs/resource.md")

    unmentioned = [path for path in field_paths(resource_schema()["properties"]["spec"]) if f"`{path}`" not in text]

    assert unmentioned == []


def test_every_reason_is_explained() -> None:
    text = text_of("docs/resource.md") + text_of("docs/account.md")

    unmentioned = [reason for reason in Reason if f"| `{reason}` |" not in text]

    assert unmentioned == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_that_are_named_exist(page: Path) -> None:
    named = {found.strip() for found in COMMAND.findall(page.read_text(encoding="utf-8"))}

    unknown = [command for command in named if not exists(command)]

    assert unknown == []


def test_every_command_is_named_somewhere() -> None:
    everything = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)

    unnamed = [command for command in commands(command_tree()) if f"workspacectl {command}" not in everything]

    assert unnamed == []


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


def commands(group: Any, before: str = "") -> Iterator[str]:
    """The words of every command that does something by itself."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{before}{name} ")
        else:
            yield f"{before}{name}"


def exists(command: str) -> bool:
    """Whether the words are a command; after one that has no further ones, plain text may follow."""
    found = command_tree()
    for word in command.split():
        if not hasattr(found, "commands"):
            return True
        found = found.commands.get(word)
        if found is None:
            return False
    return True
