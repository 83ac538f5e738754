"""Render processes: a pool of killable children (sending §7)."""

import pickle
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Final

from workspace_operator.errors import InvalidInput, Unavailable
from workspace_operator.rendering.children import COMMAND, Child, ChildEnded
from workspace_operator.rendering.messages import check_sizes, liquid_parts, part_name
from workspace_operator.rendering.tasks import MAX_BATCH_TASKS, Answer, Limits, ParseProblem, ParseTask, Task
from workspace_operator.sending.keys import RootKey
from workspace_operator.sending.messages import MessageContent, RenderedMessage, RenderFailure, RenderJob
from workspace_operator.sending.requests.overrides import is_liquid

MAX_BATCH_BYTES: Final = 8 << 20
"""Attachments are megabytes: a batch must fit into the memory of a child several times."""


_CLOSED: Final = "the render processes are closed"


@dataclass(frozen=True, slots=True)
class Killed:
    """A task whose child ended before the answer."""

    words: str


@dataclass(slots=True, kw_only=True)
class _Batch:
    """Encoded tasks with the answers so far, by position; ``suspects`` were under way when a child ended."""

    tasks: Sequence[bytes]
    answers: dict[int, Answer | Killed] = field(default_factory=dict)
    suspects: set[int] = field(default_factory=set)
    answered: Future[Sequence[Answer | Killed]] = field(default_factory=Future)


class RenderProcesses:
    """A pool of render processes, for several threads; each process starts when it is needed first.

    A child that exceeds a limit is killed. Its task fails, and the rest of its batch waits for a new child, behind the
    batches of other callers, so that slow templates of one workspace hold up the others little.

    Args:
        root_key: signs links; without it messages carry none.
        processes: how many run at the same time.
        limits: of each message.
        command: starts a child.
    """

    def __init__(
        self,
        root_key: RootKey | None,
        *,
        processes: int = 2,
        limits: Limits | None = None,
        command: Sequence[str] = COMMAND,
    ) -> None:
        self._limits = limits or Limits()
        self._secret = root_key.secret if root_key is not None else None
        self._command = command
        self._processes = processes
        self._threads = ThreadPoolExecutor(processes, "render")
        self._idle: deque[Child] = deque()
        self._children: set[Child] = set()
        self._lock = Lock()
        self._closed = Event()

    def render(self, jobs: Sequence[RenderJob]) -> Sequence[RenderedMessage | RenderFailure]:
        """Render messages, in order. A message that exceeds a limit is a failure, and does not affect the others.

        Raises:
            Unavailable: the render processes do not start, or are closed.
        """
        return [
            answer if isinstance(answer, RenderedMessage | RenderFailure) else RenderFailure(answer.words)
            for answer in self.run(jobs)
        ]

    def run(self, tasks: Sequence[Task]) -> Sequence[Answer | Killed]:
        """Answer tasks, in order. Raises Unavailable."""
        if self._closed.is_set():
            raise Unavailable(_CLOSED)
        batches = [_Batch(tasks=batch) for batch in self._batches(tasks)]
        for batch in batches:
            self._submit(batch)
        return [answer for batch in batches for answer in batch.answered.result()]

    def close(self) -> None:
        """End all processes. Callers that wait for answers get Unavailable."""
        with self._lock:
            self._closed.set()
            for child in self._children:
                child.kill()
        self._threads.shutdown(cancel_futures=True)
        while self._children:
            self._children.pop().stop()

    def _batches(self, tasks: Sequence[Task]) -> Iterator[Sequence[bytes]]:
        """Tasks in batches of limited number and size, at least one for each process."""
        limit = min(MAX_BATCH_TASKS, -(-len(tasks) // self._processes))
        batch: list[bytes] = []
        size = 0
        for task in tasks:
            encoded = pickle.dumps(task)
            if batch and (len(batch) == limit or size + len(encoded) > MAX_BATCH_BYTES):
                yield batch
                batch, size = [], 0
            batch.append(encoded)
            size += len(encoded)
        if batch:
            yield batch

    def _submit(self, batch: _Batch) -> None:
        """Have a thread work on a batch, after the batches that wait already."""

        def give_up_if_cancelled(work: Future[None]) -> None:
            if work.cancelled():
                batch.answered.set_exception(Unavailable(_CLOSED))

        try:
            self._threads.submit(self._work, batch).add_done_callback(give_up_if_cancelled)
        except RuntimeError:  # the pool was closed meanwhile
            batch.answered.set_exception(Unavailable(_CLOSED))

    def _work(self, batch: _Batch) -> None:
        """Answer a batch by one child; if that ends, the rest waits behind the batches of other callers."""
        try:
            is_answered = self._run_in_child(batch)
        except Exception as error:  # noqa: BLE001 - the caller waits for it
            batch.answered.set_exception(error)
        else:
            if is_answered:
                batch.answered.set_result([batch.answers[number] for number in range(len(batch.tasks))])
            else:
                self._submit(batch)

    def _run_in_child(self, batch: _Batch) -> bool:
        """Run the tasks that have no answer; whether all have one then."""
        pending = [number for number in range(len(batch.tasks)) if number not in batch.answers]
        child = self._take_child()
        try:
            batch.answers.update(zip(pending, child.answers([batch.tasks[number] for number in pending]), strict=True))
        except ChildEnded as ended:
            self._remove(child)
            if child.was_used and ended.position == 0 and not ended.by_limit:
                return False  # it was ending when it was taken, as after a task that used up its memory
            number = pending[ended.position]
            # Another process may have ended the child, so a task is tried twice unless it exceeded a limit.
            if number not in batch.answers and (ended.by_limit or number in batch.suspects):
                batch.answers[number] = Killed(self._words(by_limit=ended.by_limit))
            batch.suspects.add(number)
        else:
            child.was_used = True
            self._idle.append(child)
        return len(batch.answers) == len(batch.tasks)

    def _words(self, *, by_limit: bool) -> str:
        if by_limit:
            return f"the template takes longer than {self._limits.seconds:g} s: simplify it"
        return "the template ends the process that renders it: simplify it"

    def _take_child(self) -> Child:
        if self._closed.is_set():
            raise Unavailable(_CLOSED)
        while self._idle:
            child = self._idle.pop()
            if child.is_alive:
                return child
            self._remove(child)
        child = Child(self._limits, self._secret, command=self._command)
        with self._lock:
            self._children.add(child)
            if self._closed.is_set():
                child.kill()
        return child

    def _remove(self, child: Child) -> None:
        child.stop()
        with self._lock:
            self._children.discard(child)


class LiquidParser:
    """Parses templates in render processes: some malformed templates of 100 kB would take minutes."""

    def __init__(self, processes: RenderProcesses) -> None:
        self._processes = processes

    def check(self, content: MessageContent, *, field: str = "") -> None:
        """Parse all parts of a message; ``field`` is a prefix of the parts' names in errors.

        Raises:
            InvalidInput: a part is not valid Liquid, with line and column, or larger than 100 000 bytes.
            Unavailable: the render processes do not start.
        """
        check_sizes(content, field=field)
        parts = tuple((part_name(field, name), text) for name, text in liquid_parts(content) if is_liquid(text))
        if not parts:
            return
        [answer] = self._processes.run([ParseTask(parts)])
        if isinstance(answer, Killed):
            raise InvalidInput(answer.words, field=field)
        if isinstance(answer, ParseProblem) and answer.words:
            raise InvalidInput(answer.words, field=answer.field)
