"""kubectl, and kubeconfig files for it."""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self, TextIO

from tests.controlplane.build import build
from tests.controlplane.failures import KubectlFailed

OLDEST = (1, 30)
LIMIT_SECONDS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Kubectl:
    """Runs kubectl with one kubeconfig: `kubectl("get", "ns")` is what it printed."""

    program: Path
    kubeconfig: Path

    def __call__(self, *arguments: str, input: str | None = None) -> str:  # noqa: A002 - subprocess's word for it
        """What kubectl printed; KubectlFailed when it ends with an error."""
        answer = subprocess.run(
            [self.program, *arguments],
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            text=True,
            env=self.environment(),
            timeout=LIMIT_SECONDS,
        )
        if answer.returncode != 0:
            raise KubectlFailed(arguments, answer.returncode, answer.stdout, answer.stderr)
        return answer.stdout

    def json(self, *arguments: str) -> Any:
        """The answer of `kubectl … -o json`, read."""
        return json.loads(self(*arguments, "-o", "json"))

    def environment(self) -> dict[str, str]:
        """For whoever runs kubectl directly. What it remembers of a server is kept apart from others'."""
        cache = self.kubeconfig.with_suffix(".cache")
        return os.environ | {"KUBECONFIG": str(self.kubeconfig), "KUBECACHEDIR": str(cache)}

    def as_service_account(self, namespace: str, name: str, *, to: Path, duration: str = "8h") -> Self:
        """The same server with a fresh token of a ServiceAccount; its kubeconfig is written to `to`."""
        token = self("create", "token", name, "--namespace", namespace, "--duration", duration).strip()
        config = json.loads(self("config", "view", "--raw", "--minify", "--flatten", "-o", "json"))
        config["users"] = [{"name": config["users"][0]["name"], "user": {"token": token}}]
        config["contexts"][0]["context"]["namespace"] = namespace
        write_private(to, json.dumps(config, indent=2))
        return replace(self, kubeconfig=to)


def admin_kubeconfig(server: str, certificate: bytes, token: str) -> str:
    """A kubeconfig in JSON, which is YAML too."""
    name = "workspace-operator-tests"
    cluster = {"server": server, "certificate-authority-data": base64.b64encode(certificate).decode()}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": "admin", "user": {"token": token}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": "admin"}}],
        "current-context": name,
    }
    return json.dumps(config, indent=2)


def write_private(path: Path, text: str) -> None:
    """A file that was never readable by others, not even for a moment."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(text)


def find_kubectl() -> Path | None:
    """kubectl on the PATH, when it is new enough."""
    found = shutil.which("kubectl")
    return Path(found) if found and version_of(Path(found)) >= OLDEST else None


def version_of(program: Path) -> tuple[int, ...]:
    """(1, 32) of `v1.32.4`; empty when it says nothing of the kind."""
    answer = subprocess.run([program, "version", "--client", "-o", "json"], capture_output=True, text=True)
    version = re.search(r'"gitVersion": "v(\d+)\.(\d+)', answer.stdout)
    return tuple(map(int, version.groups())) if version else ()


def kubectl_program(report: TextIO = sys.stderr) -> Path:
    """kubectl from the PATH, else built from the control plane's module."""
    return find_kubectl() or build("kubectl", report=report)
