"""The base image where there is no registry: Debian with Python and pip, made by mmdebstrap.

It stands for the image that the Dockerfile names, which is made of the same packages of the same Debian release. Its
archive is in the cache, under a digest of what it is made from; the month is part of that, so that security updates
arrive. It holds nothing of this machine.
"""

import hashlib
import platform
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Final, TextIO

from tests.caches import cache_folder, locked
from tests.image.commands import buildah, output_of
from tests.image.failures import ImageBuildFailed

SUITE: Final = "bookworm"
PACKAGES: Final = ("ca-certificates", "python3", "tzdata", "usr-is-merged")
MERGED_USR: Final = "/usr/share/mmdebstrap/hooks/merged-usr"
"""Makes /bin and others links into /usr from the start; the package that does so later takes 50 MB of Perl along."""
PIP: Final = "pip==25.3"
REPOSITORY: Final = "localhost/workspace-operator-base"

# As Debian's slim images: without pages for people, but with each package's copyright.
EXCLUDED: Final = ("/usr/share/doc/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/man/*")
INCLUDED: Final = ("/usr/share/doc/*/copyright", "/usr/share/locale/locale.alias")

# The official image has pip in /usr/local as well; Debian's own package of it would bring a compiler.
INSTALL_PIP: Final = (
    'site="$1"/usr/local/lib/python3.11/dist-packages && '
    f'"{{python}}" -m pip install --quiet --no-compile --no-deps --target "$site" {PIP} && rm -r "$site/bin"'
)
LINK_PYTHON: Final = 'ln -s python3 "$1/usr/bin/python"'


def base_image(report: TextIO) -> str:
    """The name of the base in the storage of images; it is made if it is not there."""
    name = f"{REPOSITORY}:{base_digest()}"
    with locked(image_folder() / "base.lock", report, "Another process is making the base image; waiting."):
        if not _named(name):
            archive = _archive(report)
            for earlier in _named(f"{REPOSITORY}:*"):
                with suppress(ImageBuildFailed):  # an image may still be made of it
                    buildah("rmi", earlier)
            container = buildah("from", "scratch")
            buildah("add", "--quiet", container, archive, "/")
            buildah("commit", "--quiet", "--rm", container, name)
    return name


def base_digest(month: str | None = None) -> str:
    """Changes whenever the base could come out differently, and each month (``YYYY-MM``)."""
    month = month or time.strftime("%Y-%m")
    inputs = (SUITE, PACKAGES, MERGED_USR, PIP, EXCLUDED, INCLUDED, INSTALL_PIP, LINK_PYTHON, platform.machine(), month)
    return hashlib.sha256(repr(inputs).encode()).hexdigest()[:16]


def _named(pattern: str) -> list[str]:
    """The names of the images that match."""
    reference = ("--filter", f"reference={pattern}", "--format", "{{.Name}}:{{.Tag}}")
    return buildah("images", "--noheading", *reference).split()


def image_folder() -> Path:
    """What builds of images keep, in the cache."""
    folder = cache_folder() / "image"
    folder.mkdir(exist_ok=True)
    return folder


def _archive(report: TextIO) -> Path:
    """The root file system as a tar archive in the cache; those of earlier inputs are deleted."""
    archive = image_folder() / f"base-{base_digest()}.tar"
    if archive.exists():
        return archive
    print(
        f"== Making the base image from Debian {SUITE}, once a month: about 2 minutes, 40 MB.", file=report, flush=True
    )
    for earlier in image_folder().glob("base-*.tar"):
        earlier.unlink()
    unfinished = archive.with_name("unfinished.tar")
    output_of("mmdebstrap", "--quiet", "--variant=minbase", *_options(), SUITE, unfinished)
    return unfinished.rename(archive)


def _options() -> list[str]:
    return [
        f"--include={','.join(PACKAGES)}",
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in EXCLUDED),
        *(f"--dpkgopt=path-include={pattern}" for pattern in INCLUDED),
        f"--hook-dir={MERGED_USR}",
        f"--customize-hook={LINK_PYTHON}",
        f"--customize-hook={INSTALL_PIP.format(python=sys.executable)}",
    ]
