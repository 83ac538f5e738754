"""The layout that everything relies on (design §2): what would shadow what, and who may import whom."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
MAX_MODULES = 14
"""As many as a reader sees at a glance; a folder with more is two concepts."""


def test_source_root_holds_no_module() -> None:
    # operator/x.py or operator/__init__.py would take the place of the standard library's operator
    modules = list((REPOSITORY / "operator").glob("*.py"))

    assert modules == []


def test_standard_operator_module_is_found() -> None:
    command = [sys.executable, "-c", "import operator; print(operator.add(1, 2))"]

    printed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout

    assert printed == "3\n"


def test_package_is_typed() -> None:
    marker = REPOSITORY / "operator" / "workspace_operator" / "py.typed"

    assert marker.exists()


def test_folders_have_few_modules() -> None:
    files = [file for root in ("operator", "tests") for file in (REPOSITORY / root).rglob("*.py")]
    modules = Counter(file.parent for file in files if file.stem not in {"__init__", "conftest"})

    too_many = {str(folder): number for folder, number in modules.items() if number > MAX_MODULES}

    assert {folder: number for folder, number in too_many.items() if not folder.endswith("revisions")} == {}


def test_import_contracts_are_kept() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]

    result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)

    assert result.returncode == 0, result.stdout
