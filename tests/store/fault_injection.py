"""Fault injection into a worker's steps: after each single call of the port."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import Any, cast

from tests.store.backends import Store
from tests.store.fixtures import WorkspaceEnv
from workspace_operator.application.migrations.worker import MigrationWorker
from workspace_operator.application.ports import Migrations
from workspace_operator.identity.values.rules import Mode

BATCH = 2


class WorkerCrash(BaseException):
    """Simulates the kill of a worker process within the test process."""


@dataclass(slots=True)
class InterruptedMigrations:
    """The port, with an action right after its n-th call."""

    migrations: Migrations
    after: int
    what: Callable[[], object]
    calls: int = 0

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.migrations, name)

        def call(*arguments: Any, **named: Any) -> Any:
            result = method(*arguments, **named)
            self.calls += 1
            if self.calls == self.after:
                self.what()
            return result

        return call

    @property
    def was_called(self) -> bool:
        return self.calls >= self.after


def crash() -> None:
    raise WorkerCrash


def interrupted_worker(env: WorkspaceEnv, interposed: InterruptedMigrations, *, name: str = "w1") -> MigrationWorker:
    migrations = cast("Migrations", interposed)
    return MigrationWorker(migrations=migrations, worker=name, clock=env.store.clock, batch=BATCH)


def each_interruption(
    store: Store, mode: Mode, to: Mode, what: Callable[[WorkspaceEnv], object], *, people: int = 3
) -> Iterator[WorkspaceEnv]:
    """A workspace per call of the port, in which that call was followed by ``what``."""
    for after in count(1):
        env = with_people(store, mode, people)
        env.request(to)
        interposed = InterruptedMigrations(store.migrations, after, lambda env=env: what(env))  # type: ignore[misc]
        with suppress(WorkerCrash):
            interrupted_worker(env, interposed).work_once()
        if not interposed.was_called:
            return
        yield env


def with_people(store: Store, mode: Mode, people: int) -> WorkspaceEnv:
    """A workspace whose people have no violations."""
    env = WorkspaceEnv.create(store, mode)
    if mode is Mode.EMAIL_ONLY:
        env.identify(*(env.call(email=f"{number}@example.com") for number in range(people)))
    else:
        env.add_many({str(number): f"{number}@example.com" for number in range(people)})
    return env
