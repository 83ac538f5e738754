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
from mmap import PAGESIZE, mmap
from pathlib import Path
from tempfile import TemporaryFile
from threading import Lock
from typing import BinaryIO, Final

import workspace_operator
from workspace_operator.errors import InvalidInput, Unavailable
from workspace_operator.rendering.liquid_templates import is_liquid
from workspace_operator.rendering.messages import check_sizes, liquid_parts, part_name
from workspace_operator.rendering.tasks import (
    MAX_BATCH_TASKS,
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

MAX_BATCH_BYTES: Final = 8 << 20
"""Attachments are megabytes: a batch must fit into the memory of a child several times."""

_STALLED_SECONDS: Final = 20.0
"""The kernel ends a child that exceeds its time. If it does not, because the child is stopped, its parent does."""

_COMMAND: Final = (sys.executable, "-P", "-c", "from workspace_operator.rendering.child import main; main()")
_LIMIT_SIGNALS: Final = frozenset({signal.SIGALRM, signal.SIGXCPU})


@dataclass(frozen=True, slots=True)
class Killed:
    """A task whose child ended before the answer."""

    words: str


class _ChildEnded(Exception):
    """A child ended before it had answered all tasks.

    Attributes:
        position: of the task that was at work, within those that were sent.
        by_limit: a limit of time ended the child.
    """

    def __init__(self, position: int, *, by_limit: bool) -> None:
        super().__init__()
        self.position = position
        self.by_limit = by_limit


class _Child:
    """One render process with its pipes, and the page in which it shows its progress."""

    def __init__(self, limits: Limits, secret: bytes | None) -> None:
        with _shared_page() as file:
            self._progress = mmap(file.fileno(), PAGESIZE)
            self._process = subprocess.Popen(  # noqa: S603 - a constant command of this program
                _COMMAND,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=_environment(),
                bufsize=0,
                pass_fds=(file.fileno(),),
                start_new_session=True,  # Ctrl-C in a terminal ends the parent, which then ends its children
            )
            if self._process.stdin is None or self._process.stdout is None:
                raise AssertionError("Popen opens the pipes that it is asked for")
            self._input, self._output = self._process.stdin.fileno(), self._process.stdout.fileno()
            self._reader = FrameReader(self._output, self._wait)
            try:
                self._start(Setup(limits=limits, secret=secret, progress=file.fileno()))
            except BaseException:
                self.stop()
                raise

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def answers(self, tasks: Sequence[bytes]) -> Iterator[Answer]:
        """Send tasks and give their answers in order. Raises _ChildEnded."""
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
        by_limit = -self._process.wait() in _LIMIT_SIGNALS
        raise _ChildEnded(self._progress[0], by_limit=by_limit)

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
        """Wait for output, as long as there is progress. Raises TimeoutError."""
        poll = select.poll()
        poll.register(self._output, select.POLLIN)
        position = -1
        while position != self._progress[0]:
            position = self._progress[0]
            if poll.poll(_STALLED_SECONDS * 1000):
                return
        raise TimeoutError


class RenderProcesses:
    """A pool of render processes, for several threads; each process starts when it is needed first.

    A child that exceeds a limit is killed. Its task fails, and a new child takes the rest of the batch.

    Args:
        root_key: signs links; without it messages carry none.
        processes: how many run at the same time.
    """

    def __init__(self, root_key: RootKey | None, *, processes: int = 2, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._secret = root_key.secret if root_key is not None else None
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
        answers: dict[int, Answer | Killed] = {}
        suspects: set[int] = set()
        while len(answers) < len(tasks):
            pending = [number for number in range(len(tasks)) if number not in answers]
            child = self._take_child()
            try:
                answers.update(zip(pending, child.answers([tasks[number] for number in pending]), strict=True))
            except _ChildEnded as ended:
                self._remove(child)
                number = pending[ended.position]
                # Another process may have ended the child, so a task is tried twice unless it exceeded a limit.
                if number not in answers and (ended.by_limit or number in suspects):
                    answers[number] = Killed(self._words(by_limit=ended.by_limit))
                suspects.add(number)
            else:
                self._idle.append(child)
        return [answers[number] for number in range(len(tasks))]

    def _words(self, *, by_limit: bool) -> str:
        if by_limit:
            return f"the template takes longer than {self._limits.seconds:g} s: simplify it"
        return "the template ends the process that renders it: simplify it"

    def _take_child(self) -> _Child:
        while self._idle:
            child = self._idle.pop()
            if child.is_alive:
                return child
            self._remove(child)
        child = _Child(self._limits, self._secret)
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


def _shared_page() -> BinaryIO:
    """A file of one page in memory, which two processes can map; containers often have no folder for files."""
    if sys.platform == "linux":
        file: BinaryIO = os.fdopen(os.memfd_create("progress"), "r+b")
    else:
        file = TemporaryFile()  # noqa: SIM115 - the caller closes it
    file.truncate(PAGESIZE)
    return file


def _environment() -> dict[str, str]:
    """The environment of a child: where this program is, and times in UTC; nothing else of this process."""
    root = str(Path(workspace_operator.__file__).parents[1])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"PYTHONPATH": os.pathsep.join(paths), "TZ": "UTC"}
