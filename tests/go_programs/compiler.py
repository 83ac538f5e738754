"""The go command, with caches of its own and a report of its progress."""

import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.go_programs.failures import BuildFailed, BuildUnavailable
from tests.go_programs.progress import Progress
from tests.processes import Server

NEVER_COMPILED = 1
"""The package ``unsafe`` is listed like all others, and never named by the build."""
LOOK_SECONDS = 0.5

State = tuple[str, str]
"""The step that is under way, and where it stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Go:
    """The go command with caches under `work`, for the module in the folder `sources`."""

    program: Path
    sources: Path
    work: Path
    progress: Progress
    flags: tuple[str, ...] = ()
    expected_megabytes: int = 0

    def list_packages(self, packages: list[str]) -> int:
        """Download the modules that the packages need, and count what is to be compiled."""
        downloads = self.work / "modules" / "cache" / "download"
        log = self._run(
            ["list", "-deps", *packages],
            lambda _: ("downloading modules", f"{megabytes(downloads):.0f} of {self.expected_megabytes} MB"),
            lambda said: BuildUnavailable(f"the Go modules cannot be had:\n{said}"),
        )
        return named_packages(log) - NEVER_COMPILED

    def compile(self, packages: list[str], wanted: int) -> None:
        """Compile and link into `work`/bin; with -v go names each package when its turn has come."""
        target = self.work / "bin"
        target.mkdir(exist_ok=True)

        def state(log: Path) -> State:
            if is_linking(self._temporary):
                return "linking", "one program after the other; go says nothing meanwhile"
            return "compiling", f"{named_packages(log)} of {wanted} packages"

        self._run(
            ["build", *self.flags, "-o", f"{target}/", *packages],
            state,
            lambda said: BuildFailed(f"go build failed:\n{said}"),
        )

    def _run(self, arguments: list[str], state: Callable[[Path], State], failure: Callable[[str], Exception]) -> Path:
        log = self.work / f"{arguments[0]}.log"
        log.unlink(missing_ok=True)
        shutil.rmtree(self._temporary, ignore_errors=True)
        self._temporary.mkdir()
        process = Server.start(
            [self.program, *arguments], log=log, environment=self._environment(), folder=self.sources
        )
        try:
            while process.exit_code() is None:
                self.progress.show(*state(log))
                time.sleep(LOOK_SECONDS)
        finally:
            code = process.end()
        self.progress.clear()
        if code != 0:
            raise failure(f"{complaints(log)}\n(the next try goes on with what lies in {self.work})")
        return log

    def _environment(self) -> Mapping[str, str]:
        return os.environ | {
            "CGO_ENABLED": "0",
            "GOCACHE": str(self.work / "compiled"),
            "GOFLAGS": "-buildvcs=false -modcacherw -trimpath",
            "GOMODCACHE": str(self.work / "modules"),
            "GOTOOLCHAIN": "local",
            "GOTMPDIR": str(self._temporary),
            "GOWORK": "off",
        }

    @property
    def _temporary(self) -> Path:
        """Where go works, so that one can see what it is at."""
        return self.work / "temporary"


def is_linking(temporary: Path) -> bool:
    """Whether go has begun to link a program: it makes a folder for that just before.

    A second call of go cannot name the packages of the standard library and vendored ones; `-x` logs many megabytes.
    """
    return any(temporary.glob("go-build*/b*/exe"))


def complaints(log: Path) -> str:
    """What go said besides the names of packages, which have no blanks."""
    return "\n".join([line for line in log.read_text(errors="replace").splitlines() if " " in line][-15:])


def named_packages(log: Path) -> int:
    """How many packages go has named so far, one a line; what it downloads it says with `go:` before."""
    return sum(not line.startswith("go:") for line in log.read_text(errors="replace").splitlines())


def megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*.zip")) / 1e6
