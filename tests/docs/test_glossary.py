"""What the glossary and CONTRIBUTING.md name is there: terms, files, tests."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.docs.pages import REPOSITORY, names, rows, text_of

PAGE = "docs/glossary.md"
SOURCE = REPOSITORY / "operator" / "workspace_operator"


def terms() -> list[tuple[str, Path]]:
    """Each term with its place."""
    return [(names(term)[0], SOURCE / names(place)[0]) for term, _, place in rows(PAGE, "term")]


def names_in(module: Path) -> Iterator[str]:
    """The module's own name, and the names of its classes, functions and constants."""
    yield module.stem
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (target.id for target in targets if isinstance(target, ast.Name))


def is_in_source(term: str, place: Path) -> bool:
    if place.is_dir():
        return place.name == term
    return place.is_file() and term in names_in(place)


def test_every_term_is_in_the_source() -> None:
    missing = [f"{term}: {place}" for term, place in terms() if not is_in_source(term, place)]

    assert missing == []


def test_glossary_is_short_and_has_each_term_once() -> None:
    listed = [term for term, _ in terms()]

    # About as many as a newcomer reads in ten minutes, in seven tables.
    assert 45 <= len(listed) <= 110
    assert len(set(listed)) == len(listed)


def test_files_and_tests_of_the_first_change_exist() -> None:
    _, tables = text_of("CONTRIBUTING.md").split("## Your first change")
    paths = re.findall(r"(?<![\w/])(?:[a-z_]+/)+[\w.-]*", "\n".join(re.findall(r"^\|.*\|$", tables, re.MULTILINE)))
    tests = "".join(file.read_text() for file in (REPOSITORY / "tests").rglob("test_*.py"))

    assert [path for path in paths if not (SOURCE / path).exists() and not (REPOSITORY / path).exists()] == []
    assert [name for name in re.findall(r"`(test_\w+)`", tables) if f"def {name}(" not in tests] == []
