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

from workspace_operator.application.ports import Answer, People
from workspace_operator.errors import OutcomeUnknown, Unavailable, WorkspaceOperatorError
from workspace_operator.identity.calls import Ask

logger = logging.getLogger(__name__)

Watch: TypeAlias = Callable[[int, int], None]
"""Told, on the event loop, of each transaction how many calls shared it, and how many wait now."""

WatchUnknown: TypeAlias = Callable[[int], None]
"""Told, on the event loop, how many calls ended without anybody knowing whether they were done."""

LOOK_SECONDS = 0.5
"""Between two looks at what takes too long."""

Result: TypeAlias = Sequence[Answer] | Exception


@dataclass(frozen=True, slots=True, kw_only=True)
class CallingLimits:
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

    asks_waiting: int = 20_000
    asks_together: int = 500
    asks_apart: int = 1000
    seconds_waiting: float = 10.0
    seconds_writing: float = 25.0


@dataclass(slots=True, kw_only=True)
class _Submission:
    """What one caller asks for.

    Attributes:
        asks: all of them.
        future: of all answers.
        since: when it was submitted.
        answers: of those that are carried out.
        taken: how many are in the transaction under way.
    """

    asks: Sequence[Ask]
    future: "asyncio.Future[Sequence[Answer]]"
    since: float
    answers: list[Answer] = field(default_factory=list)
    taken: int = 0

    @property
    def left(self) -> int:
        """How many are still to be carried out."""
        return len(self.asks) - len(self.answers)

    def portion(self) -> Sequence[Ask]:
        """Those of the transaction under way."""
        return self.asks[len(self.answers) : len(self.answers) + self.taken]


_Settled: TypeAlias = tuple[_Submission, Result]


@dataclass(slots=True, kw_only=True)
class _Group:
    workspace_id: int
    submissions: list[_Submission]
    size: int
    began: float


@dataclass(slots=True, kw_only=True)
class Calling:
    """Carries calls out for callers on one event loop.

    Args:
        people: where; called in one thread only.
        clock: Unix seconds.
        watch: told of every transaction.
        watch_unknown: told of calls whose outcome is unknown.
    """

    people: People
    clock: Callable[[], float]
    watch: Watch = lambda _calls, _waiting: None
    watch_unknown: WatchUnknown = lambda _calls: None
    limits: CallingLimits = CallingLimits()
    _arrived: list[tuple[int, _Submission]] = field(default_factory=list)
    _arrived_size: int = 0
    _queues: dict[int, deque[_Submission]] = field(default_factory=dict)
    _size: int = 0
    _turn: threading.Condition = field(default_factory=threading.Condition)
    _loop: asyncio.AbstractEventLoop | None = None
    _written: _Group | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Carry out what is submitted meanwhile; at the end, what was accepted is finished first."""
        self._loop = loop = asyncio.get_running_loop()
        # A store that never answers must not keep the process from its end.
        thread = threading.Thread(target=self._write, args=(loop,), name="calling", daemon=True)
        thread.start()
        watching = asyncio.create_task(self._watch_times(loop))
        try:
            yield
        finally:
            self._loop = None
            self._hand_over()
            while thread.is_alive() and not self.is_overdue():
                await asyncio.to_thread(thread.join, LOOK_SECONDS)
            if thread.is_alive():
                self._give_up(loop.time())
                logger.error("the store has not answered in %g s: the process ends all the same", self._patience())
            watching.cancel()

    def submit(self, workspace_id: int, asks: Sequence[Ask]) -> "asyncio.Future[Sequence[Answer]]":
        """Have calls carried out in their order; an answer each, after the last commit.

        Few are carried out in one transaction, many in several (`CallingLimits.asks_apart`).

        A caller that stops waiting changes nothing about it.

        Raises:
            Unavailable: too much is waiting already, or nothing is taken any more; nothing was done.
                The future raises what `People.perform` does, and Unavailable.
        """
        loop = self._loop
        if loop is None:
            raise Unavailable("the server is stopping: try again")
        if self.is_overdue():
            raise Unavailable(f"the store has not answered for {self._patience():g} seconds, nothing was done")
        waiting = self._size + self._arrived_size
        if waiting and waiting + len(asks) > self.limits.asks_waiting:
            raise Unavailable(f"{waiting} calls are waiting already: try again in a moment")
        future: asyncio.Future[Sequence[Answer]] = loop.create_future()
        if not self._arrived:
            loop.call_soon(self._hand_over)
        self._arrived.append((workspace_id, _Submission(asks=asks, future=future, since=loop.time())))
        self._arrived_size += len(asks)
        return future

    def is_overdue(self) -> bool:
        """Whether the transaction under way takes so long that its calls were given up."""
        written = self._written
        return written is not None and time.monotonic() - written.began > self._patience()

    def _patience(self) -> float:
        return self.limits.seconds_writing

    async def _watch_times(self, loop: asyncio.AbstractEventLoop) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self._give_up(loop.time())

    def _give_up(self, now: float) -> None:
        """Answer the callers of a transaction that takes too long, and of what waits for its turn for too long."""
        written = self._written
        if written is not None and self.is_overdue():
            error = f"the store has not answered for {self._patience():g} seconds: it may have been done"
            self._settle_all([(each, OutcomeUnknown(error)) for each in written.submissions])
        self._settle_all([(each, self._too_late()) for each in self._taken_late(now - self.limits.seconds_waiting)])

    def _taken_late(self, late: float) -> list[_Submission]:
        """Take out of the queues what has waited since before then."""
        taken: list[_Submission] = []
        with self._turn:
            for workspace_id, queue in list(self._queues.items()):
                while queue and _is_late(queue[0], late):
                    taken.append(queue.popleft())
                if not queue:
                    del self._queues[workspace_id]
            self._size -= sum(each.left for each in taken)
        return taken

    def _hand_over(self) -> None:
        with self._turn:
            for workspace_id, submission in self._arrived:
                self._queues.setdefault(workspace_id, deque()).append(submission)
            self._size += self._arrived_size
            self._turn.notify()
        self._arrived.clear()
        self._arrived_size = 0

    def _write(self, loop: asyncio.AbstractEventLoop) -> None:
        while (group := self._next()) is not None:
            late = loop.time() - self.limits.seconds_waiting
            results: list[_Settled] = [(each, self._too_late()) for each in group.submissions if _is_late(each, late)]
            timely = [each for each in group.submissions if not _is_late(each, late)]
            results += self._carried_out(group.workspace_id, timely)
            self._written = None
            with suppress(RuntimeError):  # the loop has ended: nobody waited for a store that did not answer
                loop.call_soon_threadsafe(self._settle, results, group.size)

    def _next(self) -> _Group | None:
        """What to carry out together next, of each workspace in turn; None when all is done and no more will come."""
        with self._turn:
            while not self._queues:
                if self._loop is None:
                    return None
                self._turn.wait()
            workspace_id = next(iter(self._queues))
            queue = self._queues.pop(workspace_id)
            group = _Group(workspace_id=workspace_id, submissions=[], size=0, began=time.monotonic())
            while queue and (not group.size or group.size + self._next_portion(queue[0]) <= self.limits.asks_together):
                submission = queue.popleft()
                submission.taken = self._next_portion(submission)
                group.submissions.append(submission)
                group.size += submission.taken
            if queue:
                self._queues[workspace_id] = queue  # behind the others
            self._size -= sum(each.left for each in group.submissions)
            self._written = group
            return group

    def _next_portion(self, submission: _Submission) -> int:
        return min(submission.left, self.limits.asks_apart)

    def _too_late(self) -> Unavailable:
        seconds = self.limits.seconds_waiting
        return Unavailable(f"the call has waited for more than {seconds:g} seconds, nothing was done: try again")

    def _carried_out(self, workspace_id: int, submissions: list[_Submission]) -> list[_Settled]:
        if not submissions:
            return []
        asks = [ask for each in submissions for ask in each.portion()]
        try:
            answers = self.people.perform(workspace_id, asks, now=int(self.clock()))
        except WorkspaceOperatorError as error:
            return [(each, _after_a_part(error) if each.answers else error) for each in submissions]
        except Exception as error:  # noqa: BLE001 - whatever it is, its callers hear of it
            return self._one_by_one(workspace_id, submissions, error)
        return self._shared_out(workspace_id, submissions, answers)

    def _shared_out(
        self, workspace_id: int, submissions: list[_Submission], answers: Sequence[Answer]
    ) -> list[_Settled]:
        """Give submissions their answers; what is not done with goes to the end of the queue."""
        results: list[_Settled] = []
        start = 0
        for each in submissions:
            each.answers += answers[start : start + each.taken]
            start += each.taken
            each.taken = 0
            if not each.left:
                results.append((each, each.answers))
            else:
                with self._turn:
                    self._queues.setdefault(workspace_id, deque()).append(each)
                    self._size += each.left
        return results

    def _settle(self, results: list[_Settled], size: int) -> None:
        """Wake the callers of a transaction with so many calls, on the event loop."""
        self._settle_all(results)
        self.watch(size, self._size)

    def _settle_all(self, results: list[_Settled]) -> None:
        unknown = 0
        for submission, result in results:
            if submission.future.done():  # its caller went away, or was told that nobody knows
                continue
            if isinstance(result, Exception):
                submission.future.set_exception(result)
                unknown += len(submission.asks) if isinstance(result, OutcomeUnknown) else 0
            else:
                submission.future.set_result(result)
        if unknown:
            self.watch_unknown(unknown)

    def _one_by_one(self, workspace_id: int, submissions: list[_Submission], error: Exception) -> list[_Settled]:
        """A fault that one call brings about must not fail the others."""
        if len(submissions) == 1:
            logger.error("a call failed for no known reason", exc_info=error)
            return [(submissions[0], error)]
        return [result for each in submissions for result in self._carried_out(workspace_id, [each])]


def _is_late(submission: _Submission, late: float) -> bool:
    """Whether it has waited for too long; what was begun is finished."""
    return submission.since < late and not submission.answers


def _after_a_part(error: WorkspaceOperatorError) -> OutcomeUnknown:
    return OutcomeUnknown(f"a part was done, then: {error}")
