"""Databases of runs, copied from filled ones, on a server that can be killed."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from sqlalchemy import make_url

from tests.fault_injection.workload.population import PopulationKind, fill
from tests.postgres import OwnPostgres
from tests.processes import ProcessIdentity, wait_until_gone
from tests.store.backends import upgraded

EXIT_TIMEOUT = 10
"""Seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestDatabase:
    """A database of one run."""

    url: str
    workspace_id: int


class Environment(Protocol):
    """A kind of database."""

    name: str
    people: int
    """Number of people in a database."""
    has_server: bool

    def target(self, kind: PopulationKind) -> AbstractContextManager[TestDatabase]:
        """A database of its own with such a population."""
        ...

    def kill(self) -> None:
        """Kill the server and start it again."""
        ...


@dataclass(slots=True, kw_only=True)
class SQLiteEnvironment:
    """Files in a folder."""

    folder: Path
    people: int
    name: str = "sqlite"
    has_server: bool = False
    _filled: dict[PopulationKind, int] = field(default_factory=dict)

    @contextmanager
    def target(self, kind: PopulationKind) -> Iterator[TestDatabase]:
        original = self.folder / f"{kind.name}.db"
        if kind not in self._filled:
            database = upgraded(f"sqlite:///{original}")
            self._filled[kind] = fill(database, kind, self.people)
            database.close()
        folder = self.folder / "run"
        folder.mkdir()
        try:
            shutil.copyfile(original, folder / "store.db")
            yield TestDatabase(url=f"sqlite:///{folder}/store.db", workspace_id=self._filled[kind])
        finally:
            shutil.rmtree(folder)

    def kill(self) -> None:
        raise NotImplementedError("the database is part of each process")


@dataclass(slots=True, kw_only=True)
class PostgresEnvironment:
    """Databases on a server of its own."""

    server: OwnPostgres
    people: int
    name: str = "postgres"
    has_server: bool = True
    _filled: dict[PopulationKind, tuple[str, int]] = field(default_factory=dict)

    @contextmanager
    def target(self, kind: PopulationKind) -> Iterator[TestDatabase]:
        self.server.ensure_running()
        if kind not in self._filled:
            url = self.server.create_database()
            database = upgraded(url)
            workspace_id = fill(database, kind, self.people)
            database.close()
            self._filled[kind] = (str(make_url(url).database), workspace_id)
        original, workspace_id = self._filled[kind]
        self.server._run(f"CREATE DATABASE {{}} TEMPLATE {original}", "run")
        url = self.server.url("run")
        try:
            yield TestDatabase(url=url, workspace_id=workspace_id)
        finally:
            self.server.drop_database(url)

    def kill(self) -> None:
        """Kill all processes at once, like a power failure; then start, which recovers from the log."""
        assert self.server.pid is not None
        children = [ProcessIdentity.of(pid) for pid in children_of(self.server.pid)]
        self.server.kill()
        for each in children:
            if each.is_running():
                with suppress(ProcessLookupError):
                    os.kill(each.pid, signal.SIGKILL)
            wait_until_gone(each, EXIT_TIMEOUT)
        self.server.start()


def children_of(pid: int) -> list[int]:
    """The processes that a process has started."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = [tuple(map(int, line.split())) for line in listed.splitlines()]
    return [child for child, parent in pairs if parent == pid]
