"""What the container image holds, and what it does not."""

import os
import re
import tomllib
from pathlib import Path

import pytest

from tests.caches import CHECKOUT
from tests.image.build import SOURCE_VARIABLE
from tests.image.containers import Container
from tests.image.images import Image
from tests.image.sizes import parts

UNCHECKED_HASH = (1).to_bytes(4, "little")
"""The flags of a compiled file that is valid whatever its source is (PEP 552)."""

IMPORT_OURS = """
import pkgutil, importlib, workspace_operator
found = [module.name for module in pkgutil.walk_packages(workspace_operator.__path__, "workspace_operator.")]
for name in found:
    if not name.endswith("__main__") and ".schema.revisions." not in name:  # Alembic runs those
        importlib.import_module(name)
print(len(found))
"""
IMPORT_CLIENT = """
import kubernetes
found = [getattr(kubernetes.client, name) for name in kubernetes.client.__all__]
print(len(found))
"""


def python(container: Container, program: str) -> int:
    """The number that a program prints, which is run by the image's Python."""
    answer = container.run("-c", program, entrypoint=("python",))
    assert answer.returncode == 0, answer.stderr
    return int(answer.stdout)


def test_version_is_printed(container: Container) -> None:
    answer = container.run("version")

    assert (answer.returncode, answer.stdout.strip()) == (0, project()["version"])


def test_image_is_labelled(image: Image) -> None:
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in image.labels.items()}

    assert labels["title"] == project()["name"]
    assert labels["version"] == project()["version"]
    assert labels["licenses"] == project()["license"]
    assert labels["description"] == project()["description"]
    assert labels["base.name"].startswith("localhost/workspace-operator-base:")
    assert re.fullmatch(r"[0-9a-f]{40}(-dirty)?", labels["revision"])
    assert labels["source"] == os.environ.get(SOURCE_VARIABLE, "")


def test_image_runs_as_numeric_user(image: Image) -> None:
    assert (image.user, image.folder) == ("65532:65532", "/data")
    assert image.ports == {"8080/tcp", "8100/tcp"}


def test_every_module_of_ours_is_imported(container: Container) -> None:
    assert python(container, IMPORT_OURS) > 100


def test_every_class_of_the_client_is_imported(container: Container) -> None:
    assert python(container, IMPORT_CLIENT) > 500


def test_every_source_is_compiled(image: Image) -> None:
    """Nothing can be compiled on a read-only root, and a start would take seconds longer."""
    sources = list(image.packages.rglob("*.py"))

    stale = [str(source) for source in sources if not is_compiled_unchecked(source) and is_python(source)]

    assert len(sources) > 2000
    assert stale == []


@pytest.mark.parametrize("program", ["pip", "gcc", "cc", "c++", "make", "ld", "curl", "wget", "git"])
def test_image_has_no_tool_for_building_or_downloading(image: Image, program: str) -> None:
    folders = ("bin", "usr/bin", "usr/sbin", "usr/local/bin", "opt/workspace-operator/bin")

    assert [folder for folder in folders if (image.root / folder / program).exists()] == []


def test_image_has_no_pip(container: Container) -> None:
    answer = container.run("-m", "pip", entrypoint=("/usr/bin/python3",))

    assert answer.returncode == 1
    assert "No module named pip" in answer.stderr


@pytest.mark.parametrize("path", ["run/secrets", "etc/pip.conf", "source", "root/.cache"])
def test_image_has_nothing_of_its_build(image: Image, path: str) -> None:
    assert not (image.root / path).exists()


def test_sizes_of_the_parts_add_up(image: Image) -> None:
    found = parts(image)

    whole, (base, product) = found[0].size, [part.size for part in found if part.depth == 1]
    named = sum(part.size for part in found if part.depth == 2)
    assert base + product == whole
    assert 0.85 * whole < named <= whole  # the others belong to no package, such as dpkg's own lists


def project() -> dict[str, str]:
    """The table `project` of pyproject.toml."""
    document: dict[str, dict[str, str]] = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    return document["project"]


def is_python(source: Path) -> bool:
    """Whether it compiles: some packages come with templates of that ending."""
    try:
        compile(source.read_bytes(), source, "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True


def is_compiled_unchecked(source: Path) -> bool:
    """Whether there is a compiled file, which is valid whatever the date of its source is."""
    compiled = list(source.parent.glob(f"__pycache__/{source.stem}.cpython-3*.pyc"))
    return len(compiled) == 1 and compiled[0].read_bytes()[4:8] == UNCHECKED_HASH
