"""Micro-batching of commands: the waiting commands of a workspace share one transaction.

A commit costs as much as dozens of commands. So one writer thread executes all waiting requests of a workspace in one
transaction, and resolves them after the commit (trials §4). All other code runs on the event loop, which passes new
requests to the thread once per iteration: if each request woke the thread, every transaction would have only one.

`Batcher` does that for anything that a workspace's transaction executes; messages are accepted by one, too.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeAlias, TypeVar

from workspace_operator.errors import CommitUnknown, Unavailable, WorkspaceOperatorError
from workspace_operator.identity.model.commands import Command
from workspace_operator.identity.model.results import CommandResultOrError

logger = logging.getLogger(__name__)


Item = TypeVar("Item")
Result = TypeVar("Result")
Item_contra = TypeVar("Item_contra", contravariant=True)
Result_co = TypeVar("Result_co", covariant=True)


class Execute(Protocol[Item_contra, Result_co]):
    """Executes items in one transaction: for commands `execute_commands` with one database."""

    def __call__(self, workspace_id: int, items: Sequence[Item_contra], /, *, now: int) -> Sequence[Result_co]:
        """Execute items at ``now`` in Unix seconds; returns one result per item. Raises NotFound."""
        ...


WATCHDOG_SECONDS = 0.5
"""Interval of the checks for timeouts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatcherLimits:
    """Limits of the queue and of transactions. Numbers are commands; times are seconds.

    Attributes:
        max_queue: further requests are rejected if this many commands wait.
        max_batch: a transaction takes no further request if it has this many commands.
        max_part: a larger request is split into several transactions, so that others can run in between.
        gather_size: while fewer commands wait, a transaction waits for the clients that were just answered.
        gather_timeout: maximum length of that wait.
        queue_timeout: a request that has waited longer is rejected without an attempt, since its client has given up.
        write_timeout: a transaction that takes longer is given up, and its result is unknown. Longer than the store
            waits for locks.
    """

    max_queue: int = 20_000
    max_batch: int = 500
    max_part: int = 1000
    gather_size: int = 64
    gather_timeout: float = 0.001
    queue_timeout: float = 10.0
    write_timeout: float = 25.0


@dataclass(slots=True, kw_only=True)
class _Request(Generic[Item, Result]):
    """A submitted request.

    Attributes:
        future: of all results.
        submitted_at: time of the event loop.
        results: of the commands that have been executed.
        part_size: number of commands in the current transaction.
    """

    commands: Sequence[Item]
    future: "asyncio.Future[Sequence[Result]]"
    submitted_at: float
    results: list[Result] = field(default_factory=list)
    part_size: int = 0

    @property
    def remaining(self) -> int:
        """Number of commands that have not been executed yet."""
        return len(self.commands) - len(self.results)

    def part(self) -> Sequence[Item]:
        """The commands in the current transaction."""
        return self.commands[len(self.results) : len(self.results) + self.part_size]


_Completed: TypeAlias = tuple[_Request[Item, Result], Sequence[Result] | Exception]


@dataclass(slots=True, kw_only=True)
class _Batch(Generic[Item, Result]):
    """Requests of one transaction, with ``size`` commands.

    Attributes:
        clients: number of requests that it completed, and of those that waited when it ended.
    """

    workspace_id: int
    requests: list[_Request[Item, Result]]
    size: int
    started_at: float
    clients: int = 0


@dataclass(slots=True, kw_only=True)
class Batcher(Generic[Item, Result]):
    """Executes commands in batches for clients on one event loop; it calls ``execute`` in one thread only."""

    execute: Execute[Item, Result]
    clock: Callable[[], float]
    on_batch: Callable[[int, int], None] = lambda _commands, _waiting: None
    """Called on the event loop after each transaction, with the numbers of its commands and of the waiting commands."""
    on_unknown: Callable[[int], None] = lambda _commands: None
    """Called on the event loop with the number of commands whose result is unknown."""
    limits: BatcherLimits = BatcherLimits()
    _inbox: list[tuple[int, _Request[Item, Result]]] = field(default_factory=list)
    _inbox_size: int = 0
    _queues: dict[int, deque[_Request[Item, Result]]] = field(default_factory=dict)
    _size: int = 0
    _condition: threading.Condition = field(default_factory=threading.Condition)
    _loop: asyncio.AbstractEventLoop | None = None
    _in_flight: _Batch[Item, Result] | None = None

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Execute requests that are submitted inside the context; at its end, finish all accepted requests."""
        self._loop = loop = asyncio.get_running_loop()
        # A daemon thread: a store that never answers must not keep the process from ending.
        thread = threading.Thread(target=self._writer_loop, args=(loop,), name="command-batcher", daemon=True)
        thread.start()
        watchdog = asyncio.create_task(self._watchdog(loop))
        try:
            yield
        finally:
            self._loop = None
            self._drain()
            while thread.is_alive() and not self.is_overdue():
                await asyncio.to_thread(thread.join, WATCHDOG_SECONDS)
            if thread.is_alive():
                self._give_up(loop.time())
                logger.error("the store has not answered in %g s: the process ends anyway", self.limits.write_timeout)
            watchdog.cancel()

    def submit(self, workspace_id: int, commands: Sequence[Item]) -> "asyncio.Future[Sequence[Result]]":
        """Submit commands to be executed in order; the future has one result per command, after the last commit.

        A request with many commands takes several transactions (`BatcherLimits.max_part`). Cancelling the future does
        not cancel the request. The future raises the errors of `execute`, and Unavailable.

        Raises:
            Unavailable: the queue is full or closed; nothing was done.
        """
        loop = self._loop
        if loop is None:
            raise Unavailable("the server is stopping: try again")
        if self.is_overdue():
            raise Unavailable(f"the store has not answered for {self.limits.write_timeout:g} seconds, nothing was done")
        waiting = self._size + self._inbox_size
        if waiting and waiting + len(commands) > self.limits.max_queue:
            raise Unavailable(f"{waiting} commands are waiting already: try again in a moment")
        future: asyncio.Future[Sequence[Result]] = loop.create_future()
        if not self._inbox:
            loop.call_soon(self._drain)
        self._inbox.append((workspace_id, _Request(commands=commands, future=future, submitted_at=loop.time())))
        self._inbox_size += len(commands)
        return future

    def is_overdue(self) -> bool:
        """Whether the current transaction has exceeded its timeout."""
        in_flight = self._in_flight
        return in_flight is not None and time.monotonic() - in_flight.started_at > self.limits.write_timeout

    async def _watchdog(self, loop: asyncio.AbstractEventLoop) -> None:
        while True:
            await asyncio.sleep(WATCHDOG_SECONDS)
            self._give_up(loop.time())

    def _give_up(self, now: float) -> None:
        """Fail the requests of a transaction that takes too long, and those that wait too long."""
        in_flight = self._in_flight
        if in_flight is not None and self.is_overdue():
            error = f"the store has not answered for {self.limits.write_timeout:g} seconds: it may have been done"
            self._resolve_all([(request, CommitUnknown(error)) for request in in_flight.requests])
        expired = self._pop_expired(now - self.limits.queue_timeout)
        self._resolve_all([(request, self._timed_out()) for request in expired])

    def _pop_expired(self, deadline: float) -> list[_Request[Item, Result]]:
        """Remove the requests from the queues that were submitted before the deadline."""
        expired: list[_Request[Item, Result]] = []
        with self._condition:
            for workspace_id, queue in list(self._queues.items()):
                while queue and _is_expired(queue[0], deadline):
                    expired.append(queue.popleft())
                if not queue:
                    del self._queues[workspace_id]
            self._size -= sum(request.remaining for request in expired)
        return expired

    def _drain(self) -> None:
        with self._condition:
            for workspace_id, request in self._inbox:
                self._queues.setdefault(workspace_id, deque()).append(request)
            self._size += self._inbox_size
            self._condition.notify()
        self._inbox.clear()
        self._inbox_size = 0

    def _writer_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        batch: _Batch[Item, Result] | None = None
        while (batch := self._next_batch(batch)) is not None:
            deadline = loop.time() - self.limits.queue_timeout
            expired = [request for request in batch.requests if _is_expired(request, deadline)]
            completed: list[_Completed[Item, Result]] = [(request, self._timed_out()) for request in expired]
            in_time = [request for request in batch.requests if not _is_expired(request, deadline)]
            completed += self._execute(batch.workspace_id, in_time)
            self._in_flight = None
            batch.clients = len(completed) + len(self._queues.get(batch.workspace_id, ()))
            with suppress(RuntimeError):  # the loop has ended without waiting for a store that did not answer
                loop.call_soon_threadsafe(self._resolve, completed, batch.size)

    def _next_batch(self, previous: _Batch[Item, Result] | None) -> _Batch[Item, Result] | None:
        """Wait for the next batch, of each workspace in turn; None when all is done after the end of `run`."""
        with self._condition:
            workspace_id = self._next_workspace(previous)
            if workspace_id is None:
                return None
            queue = self._queues.pop(workspace_id)
            batch: _Batch[Item, Result] = _Batch(
                workspace_id=workspace_id, requests=[], size=0, started_at=time.monotonic()
            )
            while queue and (not batch.size or batch.size + self._part_size(queue[0]) <= self.limits.max_batch):
                request = queue.popleft()
                request.part_size = self._part_size(request)
                batch.requests.append(request)
                batch.size += request.part_size
            if queue:
                self._queues[workspace_id] = queue  # after the other workspaces
            self._size -= sum(request.remaining for request in batch.requests)
            self._in_flight = batch
            return batch

    def _next_workspace(self, previous: _Batch[Item, Result] | None) -> int | None:
        """Wait until requests of a workspace can be executed; None after the end of `run`."""
        workspace_id = None
        while workspace_id not in self._queues:  # also if all of its requests time out meanwhile
            while not self._queues:
                if self._loop is None:
                    return None
                self._condition.wait()
            workspace_id = next(iter(self._queues))
            if previous is not None and previous.workspace_id == workspace_id:
                self._gather(workspace_id, previous.clients)
        return workspace_id

    def _gather(self, workspace_id: int, clients: int) -> None:
        """Wait a moment until a workspace has as many requests as it has clients, unless enough commands wait.

        A client usually sends its next request as soon as it is answered. Without the wait, two groups of clients would
        take turns, with transactions of half the size.
        """
        deadline = time.monotonic() + self.limits.gather_timeout
        while len(self._queues.get(workspace_id, ())) < clients and self._size < self.limits.gather_size:
            remaining = deadline - time.monotonic()
            if self._loop is None or remaining <= 0:
                return
            self._condition.wait(remaining)

    def _part_size(self, request: _Request[Item, Result]) -> int:
        return min(request.remaining, self.limits.max_part)

    def _timed_out(self) -> Unavailable:
        seconds = self.limits.queue_timeout
        return Unavailable(f"the request has waited for more than {seconds:g} seconds, nothing was done: try again")

    def _execute(self, workspace_id: int, requests: list[_Request[Item, Result]]) -> list[_Completed[Item, Result]]:
        if not requests:
            return []
        commands = [command for request in requests for command in request.part()]
        try:
            results = self.execute(workspace_id, commands, now=int(self.clock()))
        except WorkspaceOperatorError as error:
            unknown = CommitUnknown(f"a part was done, then: {error}")
            return [(request, unknown if request.results else error) for request in requests]
        except Exception as error:  # noqa: BLE001 - the futures raise every error
            return self._retry_one_by_one(workspace_id, requests, error)
        return self._split_results(workspace_id, requests, results)

    def _split_results(
        self, workspace_id: int, requests: list[_Request[Item, Result]], results: Sequence[Result]
    ) -> list[_Completed[Item, Result]]:
        """Assign results to their requests; a request with remaining commands goes to the end of the queue."""
        completed: list[_Completed[Item, Result]] = []
        start = 0
        for request in requests:
            request.results += results[start : start + request.part_size]
            start += request.part_size
            request.part_size = 0
            if not request.remaining:
                completed.append((request, request.results))
            else:
                with self._condition:
                    self._queues.setdefault(workspace_id, deque()).append(request)
                    self._size += request.remaining
        return completed

    def _resolve(self, completed: list[_Completed[Item, Result]], size: int) -> None:
        """Resolve the requests of a transaction with ``size`` commands, on the event loop."""
        self._resolve_all(completed)
        self.on_batch(size, self._size)

    def _resolve_all(self, completed: list[_Completed[Item, Result]]) -> None:
        unknown = 0
        for request, result in completed:
            if request.future.done():  # the client has gone, or the request has timed out
                continue
            if isinstance(result, Exception):
                request.future.set_exception(result)
                unknown += len(request.commands) if isinstance(result, CommitUnknown) else 0
            else:
                request.future.set_result(result)
        if unknown:
            self.on_unknown(unknown)

    def _retry_one_by_one(
        self, workspace_id: int, requests: list[_Request[Item, Result]], error: Exception
    ) -> list[_Completed[Item, Result]]:
        """Execute requests separately, so that an error that one request causes does not fail the others."""
        if len(requests) == 1:
            logger.error("a request failed for an unknown reason", exc_info=error)
            return [(requests[0], error)]
        return [result for request in requests for result in self._execute(workspace_id, [request])]


def _is_expired(request: _Request[Item, Result], deadline: float) -> bool:
    """Whether a request has waited too long; a request that has results is always finished."""
    return request.submitted_at < deadline and not request.results


class CommandBatcher(Batcher[Command, CommandResultOrError]):
    """The batcher of commands about people."""

    __slots__ = ()
