"""One moment for everybody: two API processes and an import, while the identifiers of their workspace change."""

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from tests import commands
from tests.api.servers import MadeWorkspace, RunningAPI, make_workspace, running_api
from tests.store.invariants import assert_sound
from workspace_operator import bootstrap
from workspace_operator.application.migrations.worker import MigrationWorker
from workspace_operator.bootstrap import Repositories
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import OnConflict
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.reconcile.model.actions import RequestMigration
from workspace_operator.store.engine.databases import Database

CALLERS = 4
ROWS_AT_ONCE = 200
REJECTED_SOME = 3
IN_FLIGHT = 50
"""Calls of each caller before the change begins, and after it has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """One call: with which address, from when to when, and the status of the answer."""

    address: str
    began: float
    ended: float
    status: int


@dataclass(slots=True)
class CallLoop:
    """Says a person of a new address, over and over: an id under the old rules, an email under the new ones."""

    number: int
    api: RunningAPI
    workspace: MadeWorkspace
    calls: list[CallRecord] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        with self.api.client(self.workspace.track, timeout=300) as client:
            while not self.stopping.is_set():
                address = f"{self.number}-{len(self.calls)}@called.example.com"
                began = time.monotonic()
                answer = client.put(f"/api/v1/customers/{address}", json={"email": address})
                self.calls.append(
                    CallRecord(address=address, began=began, ended=time.monotonic(), status=answer.status_code)
                )


@dataclass(slots=True)
class ImportLoop:
    """Writes rows into the file that is imported, as long as that goes on; each names nobody but by an email."""

    pipe: Path
    calls: list[int] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def row_count(self) -> int:
        return len(self.calls) * ROWS_AT_ONCE

    def run(self) -> None:
        with self.pipe.open("w") as file:
            file.write("id,email\n")
            while not self.stopping.wait(0.002):
                numbers = range(self.row_count, self.row_count + ROWS_AT_ONCE)
                file.write("".join(f",{number}@imported.example.com\n" for number in numbers))
                file.flush()
                self.calls.append(ROWS_AT_ONCE)


@contextmanager
def running(callers: Sequence[CallLoop | ImportLoop]) -> Iterator[None]:
    threads = [threading.Thread(target=each.run) for each in callers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for each in callers:
            each.stopping.set()
        for thread in threads:
            thread.join()


@dataclass(slots=True)
class Timed:
    """The port Migrations, that notes when the switch took place."""

    store: Repositories
    began: float = 0.0
    ended: float = 0.0

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.store.migrations, name)
        return self._timed(method) if name == "cut_over" else method

    def _timed(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def cut_over(*arguments: Any, **named: Any) -> Any:
            began = time.monotonic()
            result = method(*arguments, **named)
            if result.stage is Stage.SWITCHED:
                self.began, self.ended = began, time.monotonic()
            return result

        return cut_over


def test_everybody_follows_the_new_rules_at_once(database_url: str, tmp_path: Path) -> None:
    workspace = make_workspace(database_url, "shop", mode=Mode.ID_ONLY)
    pipe, rejects = tmp_path / "people.csv", tmp_path / "rejects.csv"
    os.mkfifo(pipe)
    feeder = ImportLoop(pipe)
    with running_api(database_url, tmp_path, processes=2) as api, bootstrap.open_store(database_url) as store:
        callers = [CallLoop(number, api, workspace) for number in range(CALLERS)]
        with importing(database_url, pipe, rejects) as import_:
            with running([*callers, feeder]):
                until_called([*callers, feeder])
                timed = migration(store, workspace.workspace_id)
                until_called([*callers, feeder])
            assert import_.wait(timeout=900) == REJECTED_SOME, import_.stderr.read() if import_.stderr else ""
        calls = [call for each in callers for call in each.calls]
        old = {call.address for call in calls if followed_old_rules(store, workspace, call.address)}
        imported = sum(each.email is not None and "imported" in each.email for each in people_of(store, workspace))

    assert {call.status for call in calls} == {httpx.codes.OK}
    assert all(call.address in old for call in calls if call.ended < timed.began)
    assert all(call.address not in old for call in calls if call.began > timed.ended)
    rejected = [int(line.partition(",")[0]) for line in rejects.read_text().splitlines()[1:]]
    assert rejected == list(range(2, len(rejected) + 2)), "an import follows the old rules, and then the new ones"
    assert 0 < len(rejected) < feeder.row_count
    assert imported == feeder.row_count - len(rejected)
    with closing(Database(database_url)) as database:
        assert_sound(database)


def importing(url: str, pipe: Path, rejects: Path) -> AbstractContextManager[subprocess.Popen[str]]:
    options = ("--workspace", "default/shop", "--database", url, "--rejects", str(rejects))
    return commands.running("people", "import", str(pipe), *options)


def until_called(callers: Sequence[CallLoop | ImportLoop]) -> None:
    """Wait until each caller has called some more times."""
    wanted = [len(each.calls) + IN_FLIGHT for each in callers]
    deadline = time.monotonic() + 600
    while any(len(each.calls) < number for each, number in zip(callers, wanted, strict=True)):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def migration(store: Repositories, workspace_id: int) -> Timed:
    """Change the identifiers to the end; tells when the switch was."""
    request = RequestMigration(
        workspace_id=workspace_id, from_mode=Mode.ID_ONLY, to_mode=Mode.EMAIL_OR_ID, on_conflict=OnConflict.BLOCK
    )
    store.workspaces.apply(request, now=now())
    timed = Timed(store)
    worker = MigrationWorker(migrations=timed, worker="w", clock=now)
    assert worker.work_once()
    migration = store.migrations.newest(workspace_id)
    assert migration is not None
    assert migration.stage is Stage.COMPLETED
    return timed


def now() -> datetime:
    return bootstrap.utc_now()


def people_of(store: Repositories, workspace: MadeWorkspace) -> Any:
    return store.people.all(workspace.workspace_id)


def followed_old_rules(store: Repositories, workspace: MadeWorkspace, address: str) -> bool:
    """Whether the address became somebody's id; it is somebody's email in any case."""
    [person] = store.people.find_by_email(workspace.workspace_id, address, limit=2)
    assert person.id in {None, address}
    return person.id is not None
