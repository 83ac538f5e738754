"""Runs an image as Kubernetes does: a numeric user without capabilities on a read-only root file system.

The runtime is crun. A container has its own processes and mounts; it shares the network of the machine, so that tests
reach its ports and it reaches theirs, unless it is told not to.
"""

import json
import os
import secrets
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.image.images import Image
from tests.processes import Server, last_lines

USER: Final = 65532
RUNTIME: Final = (
    # crun refuses machines whose cgroups are of both versions, and nothing here needs any: it is shown an own tree.
    *("unshare", "--mount", "sh", "-c", 'mount -t cgroup2 none /sys/fs/cgroup; exec "$@"', "sh"),
    *("crun", "--cgroup-manager=disabled"),
)
NAMESPACES: Final = ("pid", "mount", "ipc", "uts")
LIMIT_SECONDS: Final = 120


@dataclass(slots=True, kw_only=True)
class Container:
    """A container of an image.

    Attributes:
        folder: for the configuration and the log.
        data: the folder of the machine that is /data in the container; it is given to the image's user.
        environment: variables beside those of the image.
        root: a root file system to use instead of the image's own, which is then writable.
        is_networked: whether it shares the network of the machine; otherwise only `execute` reaches it.
    """

    image: Image
    folder: Path
    data: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    root: Path | None = None
    is_networked: bool = True
    _name: str = ""
    _server: Server | None = None

    @property
    def log(self) -> Path:
        return self.folder / "container.log"

    @property
    def is_running(self) -> bool:
        return self._server is not None and self._server.exit_code() is None

    @property
    def last_lines(self) -> str:
        """The end of its output, for messages of tests."""
        return last_lines(self.log)

    def write(self, name: str, text: str) -> str:
        """Write a file that only the image's user can read into /data; its path in the container."""
        file = self.data / name
        file.touch(mode=0o600)
        file.write_text(text, encoding="utf-8")
        os.chown(file, USER, USER)
        return f"/data/{name}"

    def start(self, *arguments: str) -> None:
        """Start it with the image's entrypoint; without arguments, the image's command follows."""
        assert self._server is None, "the container is started already"
        self._server = Server.start(self._prepare(arguments), log=self.log)

    def stop(self, *, within: float = 30) -> int:
        """Ask its first process to end, as a kubelet does; its exit code. It is killed after the grace period."""
        assert self._server is not None, "the container is not running"
        server, self._server = self._server, None
        try:
            return server.end(within=within)
        finally:
            subprocess.run([*RUNTIME, "delete", "--force", self._name], capture_output=True)

    def remove(self) -> None:
        """Stop it if it is running."""
        if self._server is not None:
            self.stop()

    def run(self, *arguments: str, entrypoint: Sequence[str] | None = None) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end."""
        command = self._prepare(arguments, entrypoint)
        return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_SECONDS)

    def execute(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a command in the container that is running, as probes of the form `exec` do."""
        command = (*RUNTIME, "exec", "--user", self.image.user, self._name, *arguments)
        return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_SECONDS)

    def _prepare(self, arguments: Sequence[str], entrypoint: Sequence[str] | None = None) -> tuple[str, ...]:
        self._name = f"workspace-operator-{secrets.token_hex(4)}"
        bundle = self.folder / self._name
        bundle.mkdir(parents=True)
        words = (*(self.image.entrypoint if entrypoint is None else entrypoint), *(arguments or self.image.command))
        (bundle / "config.json").write_text(json.dumps(self._configuration(words)))
        return (*RUNTIME, "run", "--bundle", str(bundle), self._name)

    def _configuration(self, words: Sequence[str]) -> dict[str, Any]:
        """The runtime's configuration, of the OCI runtime specification 1.0."""
        user, group = map(int, self.image.user.split(":"))
        namespaces = NAMESPACES if self.is_networked else (*NAMESPACES, "network")
        environment = [*self.image.environment, *(f"{name}={value}" for name, value in self.environment.items())]
        return {
            "ociVersion": "1.0.0",
            "process": {
                "user": {"uid": user, "gid": group},
                "args": list(words),
                "env": environment,
                "cwd": self.image.folder,
                "noNewPrivileges": True,
                "capabilities": {},
            },
            "root": {"path": str(self.root or self.image.root), "readonly": self.root is None},
            "mounts": list(self._mounts()),
            "linux": {"namespaces": [{"type": namespace} for namespace in namespaces]},
        }

    def _mounts(self) -> list[dict[str, object]]:
        return [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]},
            {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev", "mode=1777"]},
            {"destination": "/data", "type": "bind", "source": str(self.data), "options": ["rbind", "rw"]},
        ]
