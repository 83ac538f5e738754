"""A cluster for releases of the chart: its definitions belong to a release, so no other test may have applied them."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.controlplane.kubectl import Kubectl
from tests.controlplane.launcher import ControlPlane, Programs
from tests.processes import Server


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseCluster:
    """A cluster without anything of ours, with Helm and kubectl for its administrator."""

    helm: Path
    kubectl: Kubectl

    def environment(self) -> dict[str, str]:
        """For scripts that call `helm` and `kubectl`."""
        programs = os.pathsep.join((str(self.helm.parent), str(self.kubectl.program.parent)))
        return self.kubectl.environment() | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "NO_PROXY": "*"}

    def run(self, script: str, folder: Path, **variables: str) -> Server:
        """Start a script, which ends at the first command that fails."""
        log = folder / "script.log"
        command = ("sh", "-e", "-c", script)
        return Server.start(command, log=log, environment=self.environment() | variables, folder=folder)

    def uid(self, kind: str, name: str, namespace: str = "") -> str:
        """Of an object that is there and is not being deleted; empty if there is none."""
        place = ("--namespace", namespace) if namespace else ()
        found = self.kubectl(
            "get",
            kind,
            name,
            *place,
            "--ignore-not-found",
            "-o",
            "jsonpath={.metadata.uid} {.metadata.deletionTimestamp}",
        )
        uid, _, deleted = found.partition(" ")
        return "" if deleted else uid


@pytest.fixture
def release_cluster(
    programs: Programs, helm: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ReleaseCluster]:
    server = ControlPlane.create(programs, tmp_path_factory.mktemp("release-cluster"))
    server.start()
    yield ReleaseCluster(helm=helm, kubectl=server.kubectl)
    server.stop()
