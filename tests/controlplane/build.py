"""The Go module of the control plane: kube-apiserver with its etcd in one program, and kubectl."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from tests.go_programs.modules import GoModule

KUBERNETES = "v1.36.3"

MODULE = GoModule(
    name="controlplane",
    folder=Path(__file__).parent,
    version=KUBERNETES,
    packages={"controlplane": ".", "kubectl": "./cmd/kubectl"},
    # Without optimisation the compiler needs half the time; without the version kubectl cannot read the server's.
    flags=(
        "-v",
        "-gcflags=all=-N -l",
        f"-ldflags=-s -w -X k8s.io/component-base/version.gitVersion={KUBERNETES}",
    ),
    minutes="3 to 6 minutes",
    download_megabytes=140,
    gigabytes=4,
)


def build(program: str = "controlplane", *, also: Iterable[str] = (), report: TextIO = sys.stderr) -> Path:
    """The program, built when the cache has none for these sources; `also` is made in the same build."""
    return MODULE.build(program, also=also, report=report)
