"""What is read from the files of an image: its packages, and the sizes of its parts."""

from pathlib import Path

import pytest

from tests.image.images import Image
from tests.image.packages import Package, compiled_python, debian_packages, debian_release
from tests.image.sizes import LARGEST, Part, largest, table, tree_size

STATUS = """\
Package: shell
Status: install ok installed
Architecture: amd64
Version: 1:2.0-3
Pre-Depends: libc6 (>= 2.36)
Depends: libtinfo6 (>= 6) | libtinfo5, awk:any [amd64]
Description: a shell
 It has a second line.

Package: gone
Status: deinstall ok config-files
Architecture: all
Version: 1
"""


@pytest.fixture
def image(tmp_path: Path) -> Image:
    """An image with a shell of five bytes and a folder for the virtual environment."""
    for folder in ("var/lib/dpkg/info", "usr/bin", "usr/local/bin", "etc", "opt/workspace-operator"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "bin").symlink_to("usr/bin")
    (tmp_path / "usr/bin/shell").write_text("shell")
    (tmp_path / "var/lib/dpkg/status").write_text(STATUS)
    (tmp_path / "var/lib/dpkg/info/shell.list").write_text("/.\n/bin\n/bin/shell\n/usr/share/doc/shell/excluded\n")
    (tmp_path / "etc/os-release").write_text('NAME="Debian"\nID=debian\nVERSION_ID="12"\n')
    (tmp_path / "opt/workspace-operator/pyvenv.cfg").write_text("home = /usr/local/bin\nversion = 3.11.9\n")
    return Image(
        id="1",
        root=tmp_path,
        user="65532:65532",
        entrypoint=(),
        command=(),
        environment=(),
        folder="/data",
        healthcheck=(),
        labels={},
        ports=frozenset(),
    )


def test_installed_packages_of_debian_are_read(image: Image) -> None:
    assert debian_packages(image) == [
        Package(
            ecosystem="deb",
            name="shell",
            version="1:2.0-3",
            architecture="amd64",
            needs=frozenset({"awk", "libc6", "libtinfo5", "libtinfo6"}),
            size=len("shell") + len("usr/bin"),
        )
    ]
    assert debian_release(image) == "debian-12"


def test_python_outside_debians_packages_is_named(image: Image) -> None:
    assert compiled_python(image) == []

    (image.root / "usr/local/bin/python3.11").touch()

    assert compiled_python(image) == [Package(ecosystem="generic", name="python", version="3.11.9")]


def test_small_parts_are_summed_up() -> None:
    found = [Part(name=f"part {size}", size=size, depth=2) for size in range(1, LARGEST + 3)]

    named = largest(found)

    assert named[0] == Part(name=f"part {LARGEST + 2}", size=LARGEST + 2, depth=2)
    assert named[-1] == Part(name="2 others", size=1 + 2, depth=2)
    assert sum(part.size for part in named) == sum(part.size for part in found)


def test_table_has_megabytes_and_depth() -> None:
    found = [Part(name="unpacked", size=2_500_000), Part(name="base", size=1_000_000, depth=1)]

    assert table(found).splitlines() == ["     2.5 MB  unpacked", "     1.0 MB    base"]


def test_file_with_two_names_counts_once(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("12345")
    (tmp_path / "two").hardlink_to(tmp_path / "one")

    assert tree_size(iter([tmp_path])) == 5
