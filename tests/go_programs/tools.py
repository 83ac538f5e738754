"""Helm and promtool, which the tests marked `tools` run: built from their Go modules, as the control plane is."""

import sys
from pathlib import Path
from typing import TextIO

from tests.controlplane.build import KUBERNETES
from tests.go_programs.modules import GoModule

SOURCES = Path(__file__).parent

HELM_VERSION = "v3.22.0"
PROMTOOL_VERSION = "v0.315.1"

FAST = ("-v", "-gcflags=all=-N -l")
"""Without optimisation the compiler needs half the time."""

_MINOR = KUBERNETES.split(".")[1]
_HELM = "helm.sh/helm/v3"
# Helm's own releases are linked so: without it, `helm template` renders for Kubernetes 1.20.
_HELM_LINKED = " ".join(
    (
        "-s -w",
        f"-X {_HELM}/internal/version.version={HELM_VERSION}",
        *(
            f"-X {_HELM}/pkg/{package}.k8sVersion{part}={value}"
            for package in ("lint/rules", "chartutil")
            for part, value in (("Major", "1"), ("Minor", _MINOR))
        ),
    )
)

HELM = GoModule(
    name="helm",
    folder=SOURCES / "helm",
    version=HELM_VERSION,
    packages={"helm": f"{_HELM}/cmd/helm"},
    flags=(*FAST, f"-ldflags={_HELM_LINKED}"),
    minutes="1 to 3 minutes",
    download_megabytes=60,
    gigabytes=3,
)

PROMTOOL = GoModule(
    name="promtool",
    folder=SOURCES / "promtool",
    version=PROMTOOL_VERSION,
    packages={"promtool": "github.com/prometheus/prometheus/cmd/promtool"},
    flags=(*FAST, "-ldflags=-s -w"),
    minutes="4 to 8 minutes",
    download_megabytes=300,
    gigabytes=6,
)


def helm_program(report: TextIO = sys.stderr) -> Path:
    """Helm, built now if need be; BuildUnavailable where that cannot be."""
    return HELM.build("helm", report=report)


def promtool_program(report: TextIO = sys.stderr) -> Path:
    """Promtool, built now if need be; BuildUnavailable where that cannot be."""
    return PROMTOOL.build("promtool", report=report)
