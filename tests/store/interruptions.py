"""Something happens in the middle of a worker's steps: after each call of the port, one at a time."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import Any, cast

from tests.store.adapters import Store
from tests.store.scenes import Scene
from workspace_operator.application.migrating import MigrationWorker
from workspace_operator.application.ports import Migrations
from workspace_operator.identity.rules import Mode

BATCH = 2


class Died(BaseException):
    """What a worker's process ends with when it is killed, as far as a test can do that in its own."""


@dataclass(slots=True)
class Interposed:
    """The port, with something done right after its n-th call."""

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
    def was_reached(self) -> bool:
        return self.calls >= self.after


def die() -> None:
    raise Died


def interrupted_worker(scene: Scene, interposed: Interposed, *, name: str = "w1") -> MigrationWorker:
    migrations = cast("Migrations", interposed)
    return MigrationWorker(migrations=migrations, worker=name, clock=scene.store.clock, batch=BATCH)


def each_interruption(
    store: Store, mode: Mode, to: Mode, what: Callable[[Scene], object], *, people: int = 3
) -> Iterator[Scene]:
    """A scene a call of the port, in each of which that call was followed by ``what``."""
    for after in count(1):
        scene = peopled(store, mode, people)
        scene.request(to)
        interposed = Interposed(store.migrations, after, lambda scene=scene: what(scene))  # type: ignore[misc]
        with suppress(Died):
            interrupted_worker(scene, interposed).work_once()
        if not interposed.was_reached:
            return
        yield scene


def peopled(store: Store, mode: Mode, people: int) -> Scene:
    """A workspace whose people stand in nobody's way."""
    scene = Scene.create(store, mode)
    if mode is Mode.EMAIL_ONLY:
        scene.identify(*(scene.call(email=f"{number}@example.com") for number in range(people)))
    else:
        scene.add_many({str(number): f"{number}@example.com" for number in range(people)})
    return scene
