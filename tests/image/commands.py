"""The programs that build an image and run it, and what is missing on this machine."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.image.failures import ImageBuildFailed, ImageUnavailable

PROGRAMS: Final = ("buildah", "crun", "mmdebstrap")
PACKAGES: Final = (*PROGRAMS, "debian-archive-keyring")
"""Debian packages: the programs, and the keys that the packages of the base are checked with."""
LAST_LINES: Final = 25


def require_programs() -> None:
    """Check what building and running an image takes.

    Raises:
        ImageUnavailable: names what is missing, and the command that installs it. Nothing is installed here.
    """
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        raise ImageUnavailable(
            f"not installed: {', '.join(missing)}. On Debian and Ubuntu:\n"
            f"  apt-get update && apt-get install --no-install-recommends {' '.join(PACKAGES)}"
        )
    if os.geteuid() != 0:
        raise ImageUnavailable("building and running the image takes root, such as: sudo make image")


def output_of(*command: str | Path, folder: Path | None = None, environment: Mapping[str, str] | None = None) -> str:
    """Run a command of the build, and return what it printed, without blanks at the ends.

    Raises:
        ImageBuildFailed: the command ended with an error.
    """
    words = [str(word) for word in command]
    answer = subprocess.run(words, capture_output=True, text=True, cwd=folder, env=environment)
    if answer.returncode != 0:
        lines = (answer.stdout + answer.stderr).strip().splitlines()[-LAST_LINES:]
        raise ImageBuildFailed("\n".join((f"{' '.join(words[:2])} ended with {answer.returncode}:", *lines)))
    return answer.stdout.strip()


def buildah(*arguments: str | Path) -> str:
    """Run buildah; its images are in the usual storage, where podman finds them, too."""
    return output_of("buildah", *arguments)
