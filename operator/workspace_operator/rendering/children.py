"""One render process as its parent sees it: its pipes, and the page in which it shows its progress."""

import os
import pickle
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from mmap import PAGESIZE, mmap
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, Final

import workspace_operator
from workspace_operator.errors import Unavailable
from workspace_operator.rendering.tasks import READY, Answer, FrameReader, Limits, Setup, framed, write_all

COMMAND: Final = (sys.executable, "-P", "-c", "from workspace_operator.rendering.child import main; main()")

_START_SECONDS: Final = 60.0
_LIMIT_SIGNALS: Final = frozenset({signal.SIGALRM, signal.SIGXCPU})


class ChildEnded(Exception):
    """A child ended before it had answered all tasks.

    Attributes:
        position: of the task that was at work, within those that were sent.
        by_limit: a limit of time ended the child.
    """

    def __init__(self, position: int, *, by_limit: bool) -> None:
        super().__init__()
        self.position = position
        self.by_limit = by_limit


class Child:
    """A render process. One thread at a time works with it; `kill` may come from any thread.

    ``was_used`` says that it has answered a batch before.

    Args:
        limits: of its tasks.
        secret: the root key, which travels by pipe.
        command: starts `rendering.child`.

    Raises:
        Unavailable: it does not start.
    """

    def __init__(self, limits: Limits, secret: bytes | None, *, command: Sequence[str] = COMMAND) -> None:
        self.was_used = False
        self._patience = _START_SECONDS
        with _shared_page() as file:
            self._progress = mmap(file.fileno(), PAGESIZE)
            self._process = subprocess.Popen(  # noqa: S603 - a constant command of this program
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=_environment(),
                bufsize=0,
                pass_fds=(file.fileno(),),
                start_new_session=True,  # Ctrl-C in a terminal ends the parent, which then ends its children
            )
            if self._process.stdin is None or self._process.stdout is None:
                raise AssertionError("Popen opens the pipes that it is asked for")
            self._pipes = (self._process.stdin, self._process.stdout)
            self._reader = FrameReader(self._process.stdout.fileno(), self._wait)
            try:
                self._start(Setup(limits=limits, secret=secret, progress=file.fileno()))
            except BaseException:
                self.stop()
                raise
        self._patience = limits.stalled_seconds

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def answers(self, tasks: Sequence[bytes]) -> Iterator[Answer]:
        """Send tasks and give their answers in order. Raises ChildEnded."""
        self._progress[0] = 0
        try:
            write_all(self._pipes[0].fileno(), framed(pickle.dumps(tasks)))
            for _ in tasks:
                frame = self._reader.read()
                if frame is None:
                    break
                answer: Answer = pickle.loads(frame)  # noqa: S301 - written by this program
                yield answer
            else:
                return
        except OSError:  # a broken pipe, or no progress
            self._process.kill()
        by_limit = -self._process.wait() in _LIMIT_SIGNALS
        raise ChildEnded(self._progress[0], by_limit=by_limit)

    def kill(self) -> None:
        """End the process, whatever it does; the thread that works with it then sees that it ended."""
        self._process.kill()

    def stop(self) -> None:
        """End the process and close its pipes."""
        self._process.kill()
        for pipe in self._pipes:
            pipe.close()
        self._process.wait()

    def _start(self, setup: Setup) -> None:
        problem = "a render process did not start: see its error output"
        try:
            write_all(self._pipes[0].fileno(), framed(pickle.dumps(setup)))
            ready = self._reader.read()
        except OSError as error:
            raise Unavailable(problem) from error
        if ready != READY:
            raise Unavailable(problem)

    def _wait(self) -> None:
        """Wait for output as long as there is progress: the parent ends a child that the kernel has stopped.

        Raises:
            TimeoutError: there is none.
        """
        poll = select.poll()
        poll.register(self._pipes[1].fileno(), select.POLLIN)
        position = -1
        while position != self._progress[0]:
            position = self._progress[0]
            if poll.poll(self._patience * 1000):
                return
        raise TimeoutError


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
