"""Workers of identifier changes that make one call of the port at a time, whenever they are told to.

It is the worker of the product, in a thread that waits before each call; nothing ever happens in two threads at once.
So it takes the steps that it takes, and whatever a test does comes between two of them: also its end.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Semaphore, Thread
from typing import Any, cast

from tests.fakes.migrations.port_calls import call_name
from tests.store.fault_injection import WorkerCrash
from workspace_operator.application.migrations.worker import MigrationWorker
from workspace_operator.application.ports import Migrations
from workspace_operator.errors import StaleRevision

LOCK_TIMEOUT = timedelta(seconds=10)
STEP_TIMEOUT = 300

OnCall = Callable[[str, str, Callable[[], Any]], Any]
"""Told of each call, which it has to make: by whom, the method's name, and how."""


@dataclass(slots=True, kw_only=True)
class SteppedWorker:
    """A worker, and the thread that it works in while it is at work."""

    migrations: Migrations
    name: str
    clock: Callable[[], datetime]
    on_call: OnCall
    size: int = 1
    next_call: str = ""
    found_any: bool = False
    is_stopping: bool = False
    is_crashing: bool = False
    error: BaseException | None = None
    thread: Thread | None = None
    turn: Semaphore = field(default_factory=lambda: Semaphore(0))
    arrived: Semaphore = field(default_factory=lambda: Semaphore(0))

    @property
    def is_at_work(self) -> bool:
        return self.thread is not None

    def step(self, *, size: int) -> bool:
        """Make the next call, which is to claim a change if this one is not at work; whether any is left."""
        self.size = size
        if self.thread is None:
            self.is_stopping = self.is_crashing = False
            self.thread = Thread(target=self._work, daemon=True)
            self.thread.start()
            self._wait()
        self._go_on()
        return self.is_at_work

    def stop(self) -> None:
        """End as a process does that is asked to: give the change back."""
        self.is_stopping = True
        while self.is_at_work:
            self._go_on()

    def crash(self) -> None:
        """End as a process does that is killed."""
        self.is_crashing = True
        if self.is_at_work:
            self._go_on()

    def _go_on(self) -> None:
        self.turn.release()
        self._wait()

    def _wait(self) -> None:
        assert self.arrived.acquire(timeout=STEP_TIMEOUT), f"{self.name} does not come back from {self.next_call}"
        if self.next_call == "" and self.thread is not None:
            self.thread.join()
            self.thread = None
        if self.error is not None:
            error, self.error = self.error, None
            raise error

    def _work(self) -> None:
        worker = MigrationWorker(
            migrations=cast("Migrations", _Port(self)),
            worker=self.name,
            clock=self.clock,
            stopping=lambda: self.is_stopping,
            sleep=lambda _: None,
            monotonic=lambda: 0.0,
        )
        try:
            self.found_any |= worker.work_once()
        except WorkerCrash:
            pass
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits, and raised there
            self.error = error
        self.next_call = ""
        self.arrived.release()


@dataclass(slots=True)
class _Port:
    """The port, whose every call waits for its turn."""

    worker: SteppedWorker

    def __getattr__(self, method: str) -> Any:
        worker = self.worker

        def call(*arguments: Any, **named: Any) -> Any:
            name = call_name(method, arguments)
            worker.next_call = name
            worker.arrived.release()
            worker.turn.acquire()
            if worker.is_crashing:
                raise WorkerCrash
            if "size" in named:
                named["size"] = worker.size
            if "lock_timeout" in named:  # a switch, which takes place when it is made
                named |= {"lock_timeout": LOCK_TIMEOUT, "now": worker.clock()}
            created = getattr(worker.migrations, method)
            try:
                return worker.on_call(worker.name, name, lambda: created(*arguments, **named))
            except StaleRevision:
                raise
            except Exception as error:
                worker.error = error
                raise WorkerCrash from error

        return call
