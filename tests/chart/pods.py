"""Runs the containers of a Deployment on this machine, as a kubelet runs them: init containers first.

Commands, arguments and variables are those of the Deployment. Addresses are replaced, since all containers share the
network of this machine, and the account's token comes by a kubeconfig.
"""

import os
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from tests.commands import PROGRAM
from tests.e2e.operators import environment_with
from tests.image.containers import USER, Container
from tests.image.images import Image
from tests.network_ports import free_port
from tests.processes import Server, last_lines

REFERENCE = re.compile(r"\$\((\w+)\)")
KUBECONFIG = "WORKSPACE_OPERATOR_KUBECONFIG"
LIMIT_SECONDS = 60


class Runtime(Protocol):
    """What runs containers, whose volume `data` is a folder of this machine."""

    def write(self, name: str, text: str) -> str:
        """Write a file that only the container's user can read; its path in the container."""
        ...

    def run(self, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        """Run `workspacectl` to its end, which has to be a good one."""
        ...

    def start(self, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start `workspacectl`."""
        ...

    def stop(self) -> None:
        """End what was started."""
        ...

    def said(self) -> str:
        """The end of its log."""
        ...


@dataclass(slots=True)
class Processes:
    """Runs `workspacectl` of this environment; the volume `data` is a folder of another path, so paths are replaced."""

    folder: Path
    _server: Server | None = None

    def write(self, name: str, text: str) -> str:
        file = self.folder / name
        file.touch(mode=0o600)
        file.write_text(text, encoding="utf-8")
        return str(file)

    def run(self, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        done = subprocess.run(
            [*PROGRAM, *self._here(arguments)],
            env=self._environment(environment),
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
        )
        assert done.returncode == 0, done.stderr

    def start(self, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        command = [*PROGRAM, *self._here(arguments)]
        self._server = Server.start(command, log=self._log, environment=self._environment(environment))

    def stop(self) -> None:
        if self._server is not None:
            self._server.end()

    def said(self) -> str:
        return last_lines(self._log)

    @property
    def _log(self) -> Path:
        return self.folder / "pod.log"

    def _here(self, texts: Iterable[str]) -> list[str]:
        return [text.replace("/data/", f"{self.folder}/") for text in texts]

    def _environment(self, given: Mapping[str, str]) -> Mapping[str, str]:
        return environment_with(**dict(zip(given, self._here(given.values()), strict=True)))


@dataclass(slots=True)
class ImageContainers:
    """Runs the image, with a read-only root file system and without capabilities."""

    image: Image
    folder: Path
    _started: Container | None = None

    def __post_init__(self) -> None:
        self._data.mkdir()
        os.chown(self._data, USER, USER)

    def write(self, name: str, text: str) -> str:
        return self._container({}).write(name, text)

    def run(self, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        done = self._container(environment).run(*arguments)
        assert done.returncode == 0, done.stderr

    def start(self, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        self._started = self._container(environment)
        self._started.start(*arguments)

    def stop(self) -> None:
        if self._started is not None:
            self._started.remove()

    def said(self) -> str:
        return self._started.last_lines if self._started is not None else ""

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _container(self, environment: Mapping[str, str]) -> Container:
        return Container(image=self.image, folder=self.folder, data=self._data, environment=environment)


@dataclass(slots=True, kw_only=True)
class LocalPod:
    """The pod of a Deployment. `kubeconfig` is the text of its account's."""

    deployment: Mapping[str, Any]
    kubeconfig: str
    runtime: Runtime
    ports: dict[str, int] = field(default_factory=dict)

    def start(self) -> None:
        """Run the init containers to their end, and start the container."""
        pod = self.deployment["spec"]["template"]["spec"]
        path = self.runtime.write("kubeconfig", self.kubeconfig)
        for container in pod["initContainers"]:
            self.runtime.run(self._arguments(container), self._variables(container))
        (container,) = pod["containers"]
        self.runtime.start(self._arguments(container), {**self._variables(container), KUBECONFIG: path})

    def _variables(self, container: Mapping[str, Any]) -> Mapping[str, str]:
        return {variable["name"]: self._value(variable) for variable in container["env"]}

    def _value(self, variable: Mapping[str, Any]) -> str:
        if "value" in variable:
            return str(variable["value"])
        assert variable["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.namespace", variable
        return str(self.deployment["metadata"]["namespace"])

    def _arguments(self, container: Mapping[str, Any]) -> list[str]:
        assert container["command"] == ["workspacectl"]
        variables = self._variables(container)
        words = [REFERENCE.sub(lambda found: variables[found[1]], word) for word in container["args"]]
        for port in container.get("ports", ()):
            free = self.ports.setdefault(port["name"], free_port())
            words = [word.replace(f"0.0.0.0:{port['containerPort']}", f"127.0.0.1:{free}") for word in words]
        return words
