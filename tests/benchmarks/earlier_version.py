"""The product as it was at an earlier commit, run beside today's: what a change of it is compared with."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.api.servers import MadeWorkspace
from tests.benchmarks.measurement import processor_seconds
from tests.e2e.waiting import wait_until
from tests.network_ports import free_port
from tests.processes import Server, last_lines
from workspace_operator.application.operator.api_keys import ApiKeys

COMMIT = "c4e56a57"
"""Before the work on the speed of one machine began."""

BEFORE_CONSOLE = "1e138e10"
"""Before the API recorded calls about people that block a change."""

MAKE_WORKSPACE = """
import json, sys
from dataclasses import asdict
from tests.api.servers import make_workspace
made = make_workspace(sys.argv[1])
print(json.dumps({"workspace_id": made.workspace_id, "keys": asdict(made.keys)}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningServer:
    """A server of the API, its database apart."""

    port: int
    pid: int

    def processor_seconds(self) -> float:
        return processor_seconds(self.pid)


@dataclass(frozen=True, slots=True)
class EarlierVersion:
    """Its product and its tests, in a folder."""

    folder: Path

    @classmethod
    def extracted(cls, folder: Path, commit: str = COMMIT) -> "EarlierVersion":
        """From the history of this checkout; skips the benchmark where the commit is not in it."""
        root = Path(__file__).parents[2]
        archive = subprocess.run(
            ["git", "-C", root, "archive", commit, "operator", "tests", "pyproject.toml"],
            capture_output=True,
            check=False,
        )
        if archive.returncode:
            pytest.skip(f"the history of this checkout has no {commit}")
        folder.mkdir()
        subprocess.run(["tar", "--extract", "--directory", folder], input=archive.stdout, check=True)
        return cls(folder)

    def environment(self, database: str) -> dict[str, str]:
        path = f"{self.folder / 'operator'}:{self.folder}"
        return {**os.environ, "PYTHONPATH": path, "WORKSPACE_OPERATOR_DATABASE": database}

    def make_workspace(self, database: str) -> MadeWorkspace:
        """Create a workspace in a database of this version."""
        command = [sys.executable, "-c", MAKE_WORKSPACE, database]
        environment = self.environment(database)
        printed = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=True
        ).stdout
        made = json.loads(printed)
        return MadeWorkspace(workspace_id=made["workspace_id"], keys=ApiKeys(**made["keys"]))

    @contextmanager
    def serving(self, database: str, *, has_store: bool = True) -> Iterator[RunningServer]:
        """The API of this version; without its store (its `tests.benchmarks.storeless_api`), calls are only parsed."""
        port, log = free_port(), self.folder / f"api-{has_store}.log"
        module = ("workspace_operator", "run", "api", "--port") if has_store else ("tests.benchmarks.storeless_api",)
        command = (sys.executable, "-m", *module, str(port))
        server = Server.start(command, log=log, environment=self.environment(database), folder=self.folder)
        try:
            wait_until(lambda: answers(port), what=lambda: last_lines(log))
            yield RunningServer(port=port, pid=server.pid)
        finally:
            server.end()


def answers(port: int) -> bool:
    """Whether a server serves."""
    probe = ["curl", "--silent", "--fail", "--output", os.devnull, f"http://127.0.0.1:{port}/openapi.json"]
    return subprocess.run(probe, check=False).returncode == 0
