"""The bill of materials names what is in the image, in a form that other tools read."""

import json
import subprocess
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.image.bill_of_materials import bill_of_materials
from tests.image.containers import Container
from tests.image.images import Image

LIST_PYTHON = """
from importlib.metadata import distributions
for found in distributions(): print(found.name, found.version)
"""


@pytest.fixture(scope="module")
def document(image: Image) -> str:
    return bill_of_materials(image)


@pytest.fixture(scope="module")
def bill(document: str) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(document)
    return parsed


def listed(answer: "subprocess.CompletedProcess[str]") -> set[tuple[str, str]]:
    """Names and versions, as a program of the image prints them."""
    assert answer.returncode == 0, answer.stderr
    return {(name.lower().replace("_", "-"), version) for name, version in map(str.split, answer.stdout.splitlines())}


def named(bill: dict[str, Any], ecosystem: str) -> set[tuple[str, str]]:
    found = [part for part in bill["components"] if part["purl"].startswith(f"pkg:{ecosystem}/")]
    return {(part["name"], part["version"]) for part in found}


def test_document_is_valid(document: str) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(document) is None


def test_document_names_the_image(bill: dict[str, Any], image: Image) -> None:
    whole = bill["metadata"]["component"]

    assert (whole["type"], whole["name"], whole["bom-ref"]) == ("container", "workspace-operator", f"image:{image.id}")
    assert whole["version"] == image.labels["org.opencontainers.image.version"]


def test_every_python_package_is_named(bill: dict[str, Any], container: Container) -> None:
    answer = container.run("-c", LIST_PYTHON, entrypoint=("python",))

    assert named(bill, "pypi") == listed(answer)
    assert ("workspace-operator", bill["metadata"]["component"]["version"]) in named(bill, "pypi")


def test_every_debian_package_is_named(bill: dict[str, Any], container: Container) -> None:
    answer = container.run("-W", "-f", "${Package} ${Version}\\n", entrypoint=("dpkg-query",))

    assert named(bill, "deb") == listed(answer)


def test_dependencies_are_named(bill: dict[str, Any]) -> None:
    needs = {entry["ref"].partition("@")[0]: entry.get("dependsOn", []) for entry in bill["dependencies"]}
    direct = {part.partition("@")[0] for part in needs["pkg:pypi/workspace-operator"]}

    assert {"pkg:pypi/kopf", "pkg:pypi/kubernetes", "pkg:pypi/psycopg"} <= direct
    assert "pkg:pypi/pytest" not in direct
    assert "pkg:deb/debian/libc6" in {part.partition("@")[0] for part in needs["pkg:deb/debian/python3.11-minimal"]}
