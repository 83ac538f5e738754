"""The operator as a process of its own, under a ServiceAccount's token, on a database of its own."""

import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.commands import PROGRAM, status_of
from tests.controlplane.kubectl import Kubectl
from tests.e2e.waiting import wait_until
from tests.network_ports import free_port
from tests.processes import Server, last_lines


@dataclass(slots=True, kw_only=True)
class Operator:
    """``workspacectl run``; may be stopped, killed and started again on the same database.

    Attributes:
        account: kubectl with the kubeconfig that the operator is given.
        options: further flags of ``workspacectl run``.
        program: what is run instead of ``workspacectl``.
        part: the subcommand of ``run``; empty for all parts in one process, without the API.
    """

    account: Kubectl
    folder: Path
    database: str
    options: tuple[str, ...] = ()
    program: tuple[str, ...] = PROGRAM
    part: str = ""
    port: int = field(default_factory=free_port)
    _server: Server | None = None

    @property
    def log(self) -> Path:
        return self.folder / "operator.log"

    @property
    def pid(self) -> int:
        assert self._server is not None, "the operator is not running"
        return self._server.pid

    @property
    def is_running(self) -> bool:
        return self._server is not None and self._server.exit_code() is None

    def start(self) -> None:
        """Start it; it is watching once it is alive."""
        assert self._server is None, "the operator is started already"
        health = f"http://127.0.0.1:{self.port}/healthz"
        part = (self.part,) if self.part else ("--api-address", "off", "--console-address", "off")
        options = ("--kubeconfig", str(self.account.kubeconfig), "--health-endpoint", health)
        command = (*self.program, "run", *part, *options, *self.options)
        environment = environment_with(WORKSPACE_OPERATOR_DATABASE=self.database)
        self._server = Server.start(command, log=self.log, environment=environment)

    def wait_until_alive(self) -> None:
        wait_until(lambda: self.is_alive() or not self.is_running, what=lambda: last_lines(self.log))
        assert self.is_running, f"the operator ended while starting: {last_lines(self.log)}"

    def is_alive(self, *, within: float = 5.0) -> bool:
        """Whether its liveness endpoint answers well in time."""
        return status_of(f"http://127.0.0.1:{self.port}/healthz", timeout=within) == 200

    def is_ready(self) -> bool:
        """Whether its readiness endpoint answers well."""
        return status_of(f"http://127.0.0.1:{self.port}/readyz", timeout=5) == 200

    def metrics(self) -> str:
        """What it tells of itself, in Prometheus' text form."""
        return httpx.get(f"http://127.0.0.1:{self.port}/metrics", timeout=5).text

    def stop(self) -> int | None:
        """End it in peace; its exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as kill -9 does."""
        self._end(signal.SIGKILL)

    def memory_megabytes(self) -> float:
        """What it takes now, resident."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        kilobytes = next(line.split()[1] for line in lines if line.startswith("VmRSS:"))
        return int(kilobytes) / 1024

    def workspacectl(self, *arguments: str | Path) -> str:
        """What the command printed, run on the operator's database; it must end well."""
        environment = environment_with(WORKSPACE_OPERATOR_DATABASE=self.database)
        answer = subprocess.run(
            [*PROGRAM, *map(str, arguments)], capture_output=True, text=True, env=environment, timeout=60
        )
        assert answer.returncode == 0, answer.stderr
        return answer.stdout

    def _end(self, first: signal.Signals) -> int | None:
        server, self._server = self._server, None
        return server.end(first=first) if server else None


def environment_with(**values: str) -> Mapping[str, str]:
    return os.environ | values
