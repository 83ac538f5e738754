"""Render processes: a pool of killable children (sending §7)."""

import os
import pickle
import select
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Final

import workspace_operator
from workspace_operator.errors import InvalidInput, Unavailable
from workspace_operator.rendering.liquid_templates import is_liquid
from workspace_operator.rendering.messages import check_sizes, liquid_parts, part_name
from workspace_operator.rendering.tasks import (
    READY,
    Answer,
    FrameReader,
    Limits,
    ParseProblem,
    ParseTask,
    Setup,
    Task,
    framed,
    write_all,
)
from workspace_operator.sending.keys import RootKey
from workspace_operator.sending.messages import MessageContent, RenderedMessage, RenderFailure, RenderJob

MAX_BATCH_TASKS: Final = 64
MAX_BATCH_BYTES: Final = 8 << 20
"""Attachments are megabytes: a batch must fit into the memory of a child several times."""

_START_SECONDS: Final = 30.0
_GRACE_SECONDS: Final = 5.0
"""The kernel ends a child that exceeds its time. If it does not, because the child is stopped, its parent does."""

_COMMAND: Final = (sys.executable, "-P", "-c", "from workspace_operator.rendering.child import main; main()")
_LIMIT_SIGNALS: Final = frozenset({signal.SIGALRM, signal.SIGXCPU, signal.SIGKILL})


@dataclass(frozen=True, slots=True)
class Killed:
    """A task whose child ended before the answer."""

    words: str


class _ChildEnded(Exception):
    """A child ended before it had answered all tasks; ``by_limit``: a limit of time ended it."""

    def __init__(self, *, by_limit: bool) -> None:
        super().__init__()
        self.by_limit = by_limit


class _Child:
    """One render process with its pipes."""

    def __init__(self, setup: Setup) -> None:
        self._limits = setup.limits
        self._process = subprocess.Popen(  # noqa: S603 - a constant command of this program
            _COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_environment(),
            bufsize=0,
            start_new_session=True,  # Ctrl-C in a terminal ends the parent, which then ends its children
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise AssertionError("Popen opens the pipes that it is asked for")
        self._input, self._output = self._process.stdin.fileno(), self._process.stdout.fileno()
        self._seconds = _START_SECONDS
        self._reader = FrameReader(self._output, self._wait)
        try:
            self._start(setup)
        except BaseException:
            self.stop()
            raise

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def answers(self, tasks: Sequence[bytes]) -> Iterator[Answer]:
        """Send tasks and give their answers in order. Raises _ChildEnded."""
        self._seconds = self._limits.seconds + _GRACE_SECONDS
        try:
            write_all(self._input, framed(pickle.dumps(tasks)))
            for _ in tasks:
                frame = self._reader.read()
                if frame is None:
                    break
                answer: Answer = pickle.loads(frame)  # noqa: S301 - written by this program
                yield answer
            else:
                return
        except (OSError, TimeoutError):
            self._process.kill()
        raise _ChildEnded(by_limit=-self._process.wait() in _LIMIT_SIGNALS)

    def stop(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._process.communicate()

    def _start(self, setup: Setup) -> None:
        try:
            write_all(self._input, framed(pickle.dumps(setup)))
            ready = self._reader.read()
        except OSError as error:
            raise Unavailable("a render process did not start: see its error output") from error
        if ready != READY:
            raise Unavailable("a render process did not start: see its error output")

    def _wait(self) -> None:
        poll = select.poll()
        poll.register(self._output, select.POLLIN)
        if not poll.poll(self._seconds * 1000):
            raise TimeoutError


class RenderProcesses:
    """A pool of render processes, for several threads; each process starts when it is needed first.

    A child that exceeds a limit is killed. Its task fails, and a new child takes the rest of the batch.

    Args:
        root_key: signs links; without it messages carry none.
        processes: how many run at the same time.
    """

    def __init__(self, root_key: RootKey | None, *, processes: int = 2, limits: Limits | None = None) -> None:
        self._setup = Setup(limits=limits or Limits(), secret=root_key.secret if root_key is not None else None)
        self._processes = processes
        self._threads = ThreadPoolExecutor(processes, "render")
        self._idle: deque[_Child] = deque()
        self._children: set[_Child] = set()
        self._lock = Lock()
        self._is_closed = False

    def render(self, jobs: Sequence[RenderJob]) -> Sequence[RenderedMessage | RenderFailure]:
        """Render messages, in order. A message that exceeds a limit is a failure, and does not affect the others.

        Raises:
            Unavailable: the render processes do not start.
        """
        return [
            answer if isinstance(answer, RenderedMessage | RenderFailure) else RenderFailure(answer.words)
            for answer in self.run(jobs)
        ]

    def run(self, tasks: Sequence[Task]) -> Sequence[Answer | Killed]:
        """Answer tasks, in order. Raises Unavailable."""
        batches = [self._threads.submit(self._run_batch, batch) for batch in self._batches(tasks)]
        return [answer for batch in batches for answer in batch.result()]

    def close(self) -> None:
        """End all processes; tasks that they have are not answered."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            self._is_closed = True
            children = list(self._children)
        for child in children:
            child.stop()
        self._threads.shutdown()

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

    def _run_batch(self, tasks: Sequence[bytes]) -> Sequence[Answer | Killed]:
        answers: list[Answer | Killed] = []
        was_repeated = False
        while len(answers) < len(tasks):
            child = self._take_child()
            try:
                for answer in child.answers(tasks[len(answers) :]):
                    answers.append(answer)
                    was_repeated = False
            except _ChildEnded as ended:
                self._remove(child)
                # Another process may have ended the child, so a task is tried twice unless it exceeded a limit.
                if ended.by_limit or was_repeated:
                    answers.append(Killed(self._words(by_limit=ended.by_limit)))
                was_repeated = not ended.by_limit and not was_repeated
            else:
                self._idle.append(child)
        return answers

    def _words(self, *, by_limit: bool) -> str:
        if by_limit:
            return f"the template takes longer than {self._setup.limits.seconds:g} s: simplify it"
        return "the template ends the process that renders it: simplify it"

    def _take_child(self) -> _Child:
        while self._idle:
            child = self._idle.pop()
            if child.is_alive:
                return child
            self._remove(child)
        child = _Child(self._setup)
        with self._lock:
            self._children.add(child)
            is_closed = self._is_closed
        if is_closed:
            self._remove(child)
            raise Unavailable("the render processes are closed")
        return child

    def _remove(self, child: _Child) -> None:
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


def _environment() -> dict[str, str]:
    """The environment of a child: where this program is, and times in UTC; nothing else of this process."""
    root = str(Path(workspace_operator.__file__).parents[1])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"PYTHONPATH": os.pathsep.join(paths), "TZ": "UTC"}
