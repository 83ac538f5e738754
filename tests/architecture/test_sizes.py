"""The limits of CONTRIBUTING.md: lines of a file, lines of a function without its docstring, modules of a folder."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCE = REPOSITORY / "operator" / "workspace_operator"
FILES = sorted(SOURCE.rglob("*.py"))
TESTS = sorted((REPOSITORY / "tests").rglob("*.py"))

MAX_FILE_LINES = 450
MAX_FUNCTION_LINES = 40
MAX_MODULES = 14
MEDIAN_LINES_A_FILE = 120
MEDIAN_LINES_A_FUNCTION = 8


@pytest.mark.parametrize("file", [*FILES, *TESTS], ids=lambda file: str(file.relative_to(REPOSITORY)))
def test_file_is_of_readable_size(file: Path) -> None:
    lines = len(file.read_text(encoding="utf-8").splitlines())

    assert lines <= MAX_FILE_LINES


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_functions_are_of_readable_size(file: Path) -> None:
    too_long = {name: lines for name, lines in functions(file) if lines > MAX_FUNCTION_LINES}

    assert too_long == {}


def test_folders_can_be_read_at_a_glance() -> None:
    folders = Counter(file.parent for file in FILES if file.name != "__init__.py")

    assert {folder for folder, modules in folders.items() if modules > MAX_MODULES} == set()


def test_most_files_are_short() -> None:
    lines = [len(file.read_text(encoding="utf-8").splitlines()) for file in FILES]

    assert median(lines) <= MEDIAN_LINES_A_FILE


def test_most_functions_are_short() -> None:
    lines = [lines for file in FILES for _, lines in functions(file)]

    assert median(lines) <= MEDIAN_LINES_A_FUNCTION


def functions(file: Path) -> Iterator[tuple[str, int]]:
    """Name and lines of each function, its docstring not counted."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            documented = ast.get_docstring(node, clean=False)
            docstring = len(documented.splitlines()) if documented else 0
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1 - docstring
