"""What the unpacked size of an image consists of."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.image.images import Image
from tests.image.packages import debian_packages, python_packages

LARGEST = 8
"""How many packages of each kind are named; the others are summed up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of the image, in bytes; an indented one is a part of the one above."""

    name: str
    size: int
    depth: int = 0


def parts(image: Image) -> list[Part]:
    """The whole, the base with its largest Debian packages, and the product with its largest Python packages."""
    base, product = (tree_size(folder) for folder in _folders(image))
    debian = [Part(name=package.name, size=package.size, depth=2) for package in debian_packages(image)]
    python = [Part(name=package.name, size=package.size, depth=2) for package in python_packages(image)]
    return [
        Part(name="unpacked", size=base + product),
        Part(name=f"base: Debian, {len(debian)} packages", size=base, depth=1),
        *largest(debian),
        Part(name=f"/opt/workspace-operator, {len(python)} Python packages", size=product, depth=1),
        *largest(python),
    ]


def largest(found: list[Part]) -> list[Part]:
    """The largest parts, in order of size, and one for all others."""
    ordered = sorted(found, key=lambda part: part.size, reverse=True)
    named, others = ordered[:LARGEST], ordered[LARGEST:]
    if not others:
        return named
    return [*named, Part(name=f"{len(others)} others", size=sum(part.size for part in others), depth=others[0].depth)]


def table(found: list[Part]) -> str:
    """Lines with the megabytes (of 1,000,000 bytes) and the name of each part."""
    return "\n".join(f"{part.size / 1e6:8.1f} MB  {'  ' * part.depth}{part.name}" for part in found)


def tree_size(folders: Iterator[Path]) -> int:
    """Bytes of the files below folders; a file with several names counts once."""
    found = {(entry.st_dev, entry.st_ino): entry.st_size for folder in folders for entry in _entries(folder)}
    return sum(found.values())


def _folders(image: Image) -> tuple[Iterator[Path], Iterator[Path]]:
    """The folders of the base, and that of the product."""
    base = (path for path in image.root.iterdir() if path.name != "opt" and not path.is_symlink())
    return base, iter([image.root / "opt"])


def _entries(folder: Path) -> Iterator[os.stat_result]:
    for path, _, files in os.walk(folder):
        yield from (Path(path, file).lstat() for file in files)
