"""Calls of many callers at once: what waits together is carried out together, in one transaction.

A commit costs as much as dozens of calls, so one thread takes what has come in meanwhile, a workspace at a time, and
answers when it is committed (trials §4). Everything but that thread runs on the event loop, which hands over
once a turn what has come in: a thread that is woken for each call finds one at a time, and both wait for each other.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeAlias

from workspace_operator.application.ports import CommandResultOrError, People
from workspace_operator.errors import CommitUnknown, Unavailable, WorkspaceOperatorError
from workspace_operator.identity.model.commands import UnresolvedCommand

logger = logging.getLogger(__name__)

OnBatch: TypeAlias = Callable[[int, int], None]
"""Told, on the event loop, of each transaction how many calls shared it, and how many wait now."""

OnUnknown: TypeAlias = Callable[[int], None]
"""Told, on the event loop, how many calls ended without anybody knowing whether they were done."""

WATCHDOG_SECONDS = 0.5
"""Between two looks at what takes too long."""

RequestResult: TypeAlias = Sequence[CommandResultOrError] | Exception


@dataclass(frozen=True, slots=True, kw_only=True)
class BatcherLimits:
    """How much may wait and for how long.

    Attributes:
        asks_waiting: when so many wait, further ones are refused.
        asks_together: a transaction takes no further submission when it has so many.
        asks_apart: a submission of more is carried out in several transactions, so that others have their turn between
            them.
        seconds_waiting: what has waited longer is refused untried: its caller has given up.
        seconds_writing: a transaction that takes longer is given up; nobody knows whether it will be done. Longer than
            the store waits for locks.
    """

    max_queue: int = 20_000
    max_batch: int = 500
    max_part: int = 1000
    queue_timeout: float = 10.0
    write_timeout: float = 25.0


@dataclass(slots=True, kw_only=True)
class _Request:
    """What one caller asks for.

    Attributes:
        asks: all of them.
        future: of all answers.
        since: when it was submitted.
        answers: of those that are carried out.
        taken: how many are in the transaction under way.
    """

    commands: Sequence[UnresolvedCommand]
    future: "asyncio.Future[Sequence[CommandResultOrError]]"
    submitted_at: float
    results: list[CommandResultOrError] = field(default_factory=list)
    part_size: int = 0

    @property
    def remaining(self) -> int:
        """How many are still to be carried out."""
        return len(self.commands) - len(self.results)

    def part(self) -> Sequence[UnresolvedCommand]:
        """Those of the transaction under way."""
        return self.commands[len(self.results) : len(self.results) + self.part_size]


_Completed: TypeAlias = tuple[_Request, RequestResult]


@dataclass(slots=True, kw_only=True)
class _Batch:
    workspace_id: int
    requests: list[_Request]
    size: int
    started_at: float


@dataclass(slots=True, kw_only=True)
class CommandBatcher:
    """Carries calls out for callers on one event loop.

    Args:
        people: where; called in one thread only.
        clock: Unix seconds.
        watch: told of every transaction.
        watch_unknown: told of calls whose outcome is unknown.
    """

    people: People
    clock: Callable[[], float]
    on_batch: OnBatch = lambda _calls, _waiting: None
    on_unknown: OnUnknown = lambda _calls: None
    limits: BatcherLimits = BatcherLimits()
    _inbox: list[tuple[int, _Request]] = field(default_factory=list)
    _inbox_size: int = 0
    _queues: dict[int, deque[_Request]] = field(default_factory=dict)
    _size: int = 0
    _condition: threading.Condition = field(default_factory=threading.Condition)
    _loop: asyncio.AbstractEventLoop | None = None
    _in_flight: _Batch | None = None

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Carry out what is submitted meanwhile; at the end, what was accepted is finished first."""
        self._loop = loop = asyncio.get_running_loop()
        # A store that never answers must not keep the process from its end.
        thread = threading.Thread(target=self._writer_loop, args=(loop,), name="calling", daemon=True)
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
                logger.error("the store has not answered in %g s: the process ends all the same", self._write_timeout())
            watchdog.cancel()

    def submit(
        self, workspace_id: int, commands: Sequence[UnresolvedCommand]
    ) -> "asyncio.Future[Sequence[CommandResultOrError]]":
        """Have calls carried out in their order; an answer each, after the last commit.

        Few are carried out in one transaction, many in several (`BatcherLimits.max_part`).

        A caller that stops waiting changes nothing about it.

        Raises:
            Unavailable: too much is waiting already, or nothing is taken any more; nothing was done.
                The future raises what `People.perform` does, and Unavailable.
        """
        loop = self._loop
        if loop is None:
            raise Unavailable("the server is stopping: try again")
        if self.is_overdue():
            raise Unavailable(f"the store has not answered for {self._write_timeout():g} seconds, nothing was done")
        waiting = self._size + self._inbox_size
        if waiting and waiting + len(commands) > self.limits.max_queue:
            raise Unavailable(f"{waiting} calls are waiting already: try again in a moment")
        future: asyncio.Future[Sequence[CommandResultOrError]] = loop.create_future()
        if not self._inbox:
            loop.call_soon(self._drain)
        self._inbox.append((workspace_id, _Request(commands=commands, future=future, submitted_at=loop.time())))
        self._inbox_size += len(commands)
        return future

    def is_overdue(self) -> bool:
        """Whether the transaction under way takes so long that its calls were given up."""
        in_flight = self._in_flight
        return in_flight is not None and time.monotonic() - in_flight.started_at > self._write_timeout()

    def _write_timeout(self) -> float:
        return self.limits.write_timeout

    async def _watchdog(self, loop: asyncio.AbstractEventLoop) -> None:
        while True:
            await asyncio.sleep(WATCHDOG_SECONDS)
            self._give_up(loop.time())

    def _give_up(self, now: float) -> None:
        """Answer the callers of a transaction that takes too long, and of what waits for its turn for too long."""
        in_flight = self._in_flight
        if in_flight is not None and self.is_overdue():
            error = f"the store has not answered for {self._write_timeout():g} seconds: it may have been done"
            self._resolve_all([(each, CommitUnknown(error)) for each in in_flight.requests])
        self._resolve_all([(each, self._timed_out()) for each in self._pop_expired(now - self.limits.queue_timeout)])

    def _pop_expired(self, late: float) -> list[_Request]:
        """Take out of the queues what has waited since before then."""
        taken: list[_Request] = []
        with self._condition:
            for workspace_id, queue in list(self._queues.items()):
                while queue and _is_expired(queue[0], late):
                    taken.append(queue.popleft())
                if not queue:
                    del self._queues[workspace_id]
            self._size -= sum(each.remaining for each in taken)
        return taken

    def _drain(self) -> None:
        with self._condition:
            for workspace_id, request in self._inbox:
                self._queues.setdefault(workspace_id, deque()).append(request)
            self._size += self._inbox_size
            self._condition.notify()
        self._inbox.clear()
        self._inbox_size = 0

    def _writer_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        while (batch := self._next_batch()) is not None:
            late = loop.time() - self.limits.queue_timeout
            completed: list[_Completed] = [
                (each, self._timed_out()) for each in batch.requests if _is_expired(each, late)
            ]
            in_time = [each for each in batch.requests if not _is_expired(each, late)]
            completed += self._perform(batch.workspace_id, in_time)
            self._in_flight = None
            with suppress(RuntimeError):  # the loop has ended: nobody waited for a store that did not answer
                loop.call_soon_threadsafe(self._resolve, completed, batch.size)

    def _next_batch(self) -> _Batch | None:
        """What to carry out together next, of each workspace in turn; None when all is done and no more will come."""
        with self._condition:
            while not self._queues:
                if self._loop is None:
                    return None
                self._condition.wait()
            workspace_id = next(iter(self._queues))
            queue = self._queues.pop(workspace_id)
            batch = _Batch(workspace_id=workspace_id, requests=[], size=0, started_at=time.monotonic())
            while queue and (not batch.size or batch.size + self._part_size(queue[0]) <= self.limits.max_batch):
                request = queue.popleft()
                request.part_size = self._part_size(request)
                batch.requests.append(request)
                batch.size += request.part_size
            if queue:
                self._queues[workspace_id] = queue  # behind the others
            self._size -= sum(each.remaining for each in batch.requests)
            self._in_flight = batch
            return batch

    def _part_size(self, request: _Request) -> int:
        return min(request.remaining, self.limits.max_part)

    def _timed_out(self) -> Unavailable:
        seconds = self.limits.queue_timeout
        return Unavailable(f"the call has waited for more than {seconds:g} seconds, nothing was done: try again")

    def _perform(self, workspace_id: int, requests: list[_Request]) -> list[_Completed]:
        if not requests:
            return []
        commands = [command for each in requests for command in each.part()]
        try:
            results = self.people.perform(workspace_id, commands, now=int(self.clock()))
        except WorkspaceOperatorError as error:
            return [(each, _partly_done(error) if each.results else error) for each in requests]
        except Exception as error:  # noqa: BLE001 - whatever it is, its callers hear of it
            return self._retry_one_by_one(workspace_id, requests, error)
        return self._split_results(workspace_id, requests, results)

    def _split_results(
        self, workspace_id: int, requests: list[_Request], results: Sequence[CommandResultOrError]
    ) -> list[_Completed]:
        """Give submissions their answers; what is not done with goes to the end of the queue."""
        completed: list[_Completed] = []
        start = 0
        for each in requests:
            each.results += results[start : start + each.part_size]
            start += each.part_size
            each.part_size = 0
            if not each.remaining:
                completed.append((each, each.results))
            else:
                with self._condition:
                    self._queues.setdefault(workspace_id, deque()).append(each)
                    self._size += each.remaining
        return completed

    def _resolve(self, completed: list[_Completed], size: int) -> None:
        """Wake the callers of a transaction with so many calls, on the event loop."""
        self._resolve_all(completed)
        self.on_batch(size, self._size)

    def _resolve_all(self, completed: list[_Completed]) -> None:
        unknown = 0
        for request, result in completed:
            if request.future.done():  # its caller went away, or was told that nobody knows
                continue
            if isinstance(result, Exception):
                request.future.set_exception(result)
                unknown += len(request.commands) if isinstance(result, CommitUnknown) else 0
            else:
                request.future.set_result(result)
        if unknown:
            self.on_unknown(unknown)

    def _retry_one_by_one(self, workspace_id: int, requests: list[_Request], error: Exception) -> list[_Completed]:
        """A fault that one call brings about must not fail the others."""
        if len(requests) == 1:
            logger.error("a call failed for no known reason", exc_info=error)
            return [(requests[0], error)]
        return [result for each in requests for result in self._perform(workspace_id, [each])]


def _is_expired(request: _Request, late: float) -> bool:
    """Whether it has waited for too long; what was begun is finished."""
    return request.submitted_at < late and not request.results


def _partly_done(error: WorkspaceOperatorError) -> CommitUnknown:
    return CommitUnknown(f"a part was done, then: {error}")
