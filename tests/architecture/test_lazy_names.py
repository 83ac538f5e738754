"""Packages with lazy names: what the type checker sees is what there is."""

import ast
import importlib
from pathlib import Path

import pytest

from tests.docs.pages import REPOSITORY
from workspace_operator.lazy_names import lazy_names

SOURCES = REPOSITORY / "operator"
PACKAGES = [file for file in SOURCES.rglob("__init__.py") if "lazy_names(" in file.read_text()]


def name_of(file: Path) -> str:
    return ".".join(file.parent.relative_to(SOURCES).parts)


def imports_for_the_type_checker(file: Path) -> dict[str, str]:
    """The module of each name that is imported for the type checker."""
    [block] = [node for node in ast.parse(file.read_text()).body if isinstance(node, ast.If)]
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    return {alias.name: str(node.module) for node in imports for alias in node.names}


def names_at_run_time(file: Path) -> dict[str, str]:
    """The module of each name that the package gives when asked."""
    [block] = [node for node in ast.parse(file.read_text()).body if isinstance(node, ast.If)]
    [mapping] = [node for node in ast.walk(block) if isinstance(node, ast.Dict)]
    return {name: module for module, names in ast.literal_eval(mapping).items() for name in names.split()}


@pytest.mark.parametrize("file", PACKAGES, ids=name_of)
def test_type_checker_sees_the_names_that_there_are(file: Path) -> None:
    assert imports_for_the_type_checker(file) == names_at_run_time(file)


@pytest.mark.parametrize("file", PACKAGES, ids=name_of)
def test_each_name_is_that_of_its_module(file: Path) -> None:
    package = importlib.import_module(name_of(file))

    for name, module in names_at_run_time(file).items():
        assert getattr(package, name) is getattr(importlib.import_module(module), name)


def test_unknown_name_is_no_attribute() -> None:
    get = lazy_names("some.package", {"json": "loads dumps"})

    assert get("loads")("[1]") == [1]
    with pytest.raises(AttributeError, match=r"module 'some\.package' has no attribute 'load'"):
        get("load")
