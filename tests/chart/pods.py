"""Runs the containers of a Deployment as processes of this machine, as a kubelet runs them: init containers first.

Commands, arguments and variables are those of the Deployment. Paths of volumes and addresses are replaced, since every
process shares this machine; the account's token comes by a kubeconfig.
"""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.commands import PROGRAM
from tests.controlplane.kubectl import Kubectl
from tests.e2e.operators import environment_with
from tests.network_ports import free_port
from tests.processes import Server

REFERENCE = re.compile(r"\$\((\w+)\)")


@dataclass(slots=True, kw_only=True)
class LocalPod:
    """The pod of a Deployment, whose volumes are folders below `folder`."""

    deployment: Mapping[str, Any]
    account: Kubectl
    folder: Path
    ports: dict[str, int] = field(default_factory=dict)
    _server: Server | None = None

    @property
    def spec(self) -> Mapping[str, Any]:
        spec: Mapping[str, Any] = self.deployment["spec"]["template"]["spec"]
        return spec

    @property
    def log(self) -> Path:
        return self.folder / "pod.log"

    def start(self) -> None:
        """Run the init containers to their end, and start the container."""
        for container in self.spec["initContainers"]:
            done = subprocess.run(
                self._command(container), env=self._environment(container), capture_output=True, text=True, timeout=60
            )
            assert done.returncode == 0, done.stderr
        (container,) = self.spec["containers"]
        self._server = Server.start(self._command(container), log=self.log, environment=self._environment(container))

    def stop(self) -> int | None:
        return self._server.end() if self._server else None

    def _command(self, container: Mapping[str, Any]) -> list[str]:
        assert container["command"] == ["workspacectl"]
        variables = {each["name"]: self._value(each) for each in container["env"]}
        expanded = (REFERENCE.sub(lambda found: variables[found[1]], each) for each in container["args"])
        return [*PROGRAM, *(self._on_this_machine(container, each) for each in expanded)]

    def _environment(self, container: Mapping[str, Any]) -> Mapping[str, str]:
        given = {each["name"]: self._on_this_machine(container, self._value(each)) for each in container["env"]}
        return environment_with(**given, WORKSPACE_OPERATOR_KUBECONFIG=str(self.account.kubeconfig))

    def _value(self, variable: Mapping[str, Any]) -> str:
        if "value" in variable:
            return str(variable["value"])
        assert variable["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.namespace"}}, variable
        return str(self.deployment["metadata"]["namespace"])

    def _on_this_machine(self, container: Mapping[str, Any], text: str) -> str:
        for mount in container["volumeMounts"]:
            place = self.folder / mount["name"]
            place.mkdir(exist_ok=True)
            text = text.replace(f"{mount['mountPath']}/", f"{place}/")
        for port in container.get("ports", ()):
            free = self.ports.setdefault(port["name"], free_port())
            text = text.replace(f"0.0.0.0:{port['containerPort']}", f"127.0.0.1:{free}")
        return text
