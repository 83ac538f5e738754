"""The packages that a root file system holds, read from its files alone: nothing of it is run."""

from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_string
from email.message import Message
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.image.images import Image


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """An installed package.

    Attributes:
        ecosystem: ``deb``, ``pypi`` or ``generic``, the type of its package URL.
        architecture: of Debian packages; empty for others.
        licence: as the package states it; empty for Debian's, which state it in a file each.
        needs: names of packages of the same ecosystem, installed or not.
        size: bytes of its files that are there.
    """

    ecosystem: str
    name: str
    version: str
    architecture: str = ""
    licence: str = ""
    needs: frozenset[str] = frozenset()
    size: int = 0


def python_packages(image: Image) -> list[Package]:
    """The distributions in the virtual environment, by name."""
    found = [_of_distribution(distribution) for distribution in distributions(path=[str(image.packages)])]
    return sorted(found, key=lambda package: package.name)


def debian_packages(image: Image) -> list[Package]:
    """The packages that dpkg knows as installed, by name."""
    paragraphs = (image.root / "var/lib/dpkg/status").read_text(encoding="utf-8").split("\n\n")
    found = [message_from_string(paragraph) for paragraph in paragraphs if paragraph.strip()]
    installed = [_of_paragraph(fields, image.root) for fields in found if fields["Status"].endswith(" installed")]
    return sorted(installed, key=lambda package: package.name)


def compiled_python(image: Image) -> list[Package]:
    """The interpreter, if it is none of Debian's packages: official images have it in /usr/local."""
    if not list(image.root.glob("usr/local/bin/python3.*")):
        return []
    (configuration,) = image.root.glob("opt/workspace-operator/pyvenv.cfg")
    fields = _fields(configuration)
    return [Package(ecosystem="generic", name="python", version=fields["version"])]


def debian_release(image: Image) -> str:
    """Such as ``debian-12``."""
    fields = _fields(image.root / "etc" / "os-release")
    return f"{fields['ID']}-{fields['VERSION_ID']}"


def _fields(file: Path) -> dict[str, str]:
    """The lines ``name = value`` of a file, without quotes."""
    lines = (line.partition("=") for line in file.read_text(encoding="utf-8").splitlines())
    return {name.strip(): value.strip(' "') for name, separator, value in lines if separator}


def _of_distribution(distribution: Distribution) -> Package:
    paths = (Path(str(file.locate())) for file in distribution.files or ())
    return Package(
        ecosystem="pypi",
        name=canonicalize_name(distribution.name),
        version=distribution.version,
        licence=str(distribution.metadata.json.get("license_expression", "")),
        needs=frozenset(_requirements(distribution)),
        size=sum(_size_with_compiled(path) for path in paths),
    )


def _requirements(distribution: Distribution) -> Iterator[str]:
    """The names of what it requires on this platform, without what its extras require."""
    for line in distribution.requires or ():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield canonicalize_name(requirement.name)


def _size_with_compiled(path: Path) -> int:
    """Bytes of a file and of what it was compiled to, which is in no list of files; 0 if it was removed."""
    compiled = path.parent.glob(f"__pycache__/{path.stem}.*.pyc") if path.suffix == ".py" else ()
    return sum(file.lstat().st_size for file in (path, *compiled) if file.exists())


def _of_paragraph(fields: "Message[str, str]", root: Path) -> Package:
    name, architecture = fields["Package"], fields["Architecture"]
    depends = ", ".join(filter(None, (fields["Depends"], fields["Pre-Depends"])))
    return Package(
        ecosystem="deb",
        name=name,
        version=fields["Version"],
        architecture=architecture,
        needs=frozenset(_names(depends)),
        size=sum(_size_of_list(path, root) for path in _lists_of_files(root, name, architecture)),
    )


def _lists_of_files(root: Path, name: str, architecture: str) -> list[Path]:
    folder = root / "var/lib/dpkg/info"
    return [path for path in (folder / f"{name}.list", folder / f"{name}:{architecture}.list") if path.exists()]


def _size_of_list(path: Path, root: Path) -> int:
    """Bytes of the files of a package, without those that were excluded from the installation."""
    files = (root / line.lstrip("/") for line in path.read_text(encoding="utf-8").splitlines())
    return sum(file.lstat().st_size for file in files if file.is_symlink() or file.is_file())


def _names(relations: str) -> Iterator[str]:
    """The names in a field such as ``Depends``: alternatives, versions and architectures are taken apart."""
    for alternative in relations.replace("|", ",").split(","):
        if words := alternative.split():
            yield words[0].partition(":")[0]
