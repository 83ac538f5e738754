"""The render process: reads tasks from a pipe and writes answers, under limits of time and memory (sending §7).

Liquid's own limits have holes that cannot be interrupted from Python. So the kernel ends the process when a task takes
too long: an alarm without a handler works in the middle of any C function. The process also ends when its input ends,
which happens whenever its parent does.
"""

import os
import pickle
import resource
import signal
import sys
from collections.abc import Sequence
from mmap import PAGESIZE, mmap
from typing import Final

from workspace_operator.errors import InvalidInput
from workspace_operator.rendering.liquid_templates import LiquidTemplates
from workspace_operator.rendering.messages import render_message
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
from workspace_operator.sending.messages import RenderFailure

OUT_OF_MEMORY: Final = "the template needs too much memory: simplify it"
MAX_KEPT_BYTES: Final = 1 << 20


def main() -> None:
    """Work until the input ends, or a task has used too much memory."""
    reader = FrameReader(sys.stdin.fileno())
    output = os.dup(sys.stdout.fileno())
    setup_frame = reader.read()
    if setup_frame is None:
        return
    setup: Setup = pickle.loads(setup_frame)  # noqa: S301 - written by this program
    _limit_memory(setup.limits)
    worker = Worker(setup)
    write_all(output, framed(READY))
    _discard_output()
    while not worker.is_exhausted and (batch := reader.read()) is not None:
        tasks: list[bytes] = pickle.loads(batch)  # noqa: S301 - written by this program
        _limit_processor_time(setup.limits, len(tasks))
        worker.work(tasks, output)


class Worker:
    """Answers tasks, and keeps parsed templates.

    Answers are written together, because each write wakes the parent up. The shared page tells the parent which task
    was at work if the kernel ends this process; the tasks before it, whose answers are lost then, are rendered again.
    """

    def __init__(self, setup: Setup) -> None:
        self._seconds = setup.limits.seconds
        self._progress = mmap(setup.progress, PAGESIZE)
        self._key = RootKey(setup.secret) if setup.secret is not None else None
        self._templates = LiquidTemplates()
        self.is_exhausted = False

    def work(self, tasks: Sequence[bytes], output: int) -> None:
        """Write the answers of tasks in order, until all are answered or the memory is used up."""
        answers = bytearray()
        for position, task in enumerate(tasks):
            self._progress[0] = position
            signal.setitimer(signal.ITIMER_REAL, self._seconds)
            answers += framed(pickle.dumps(self.answer(task)))
            signal.setitimer(signal.ITIMER_REAL, 0)
            if len(answers) > MAX_KEPT_BYTES:
                write_all(output, answers)
                answers.clear()
            if self.is_exhausted:
                break
        write_all(output, answers)

    def answer(self, task_bytes: bytes) -> Answer:
        """Answer a task, whatever happens in it."""
        task: Task = pickle.loads(task_bytes)  # noqa: S301 - written by this program
        try:
            if isinstance(task, ParseTask):
                return self._parsed(task)
            return render_message(task, self._templates, self._key)
        except MemoryError:
            self.is_exhausted = True
            words = OUT_OF_MEMORY
        except Exception as error:  # noqa: BLE001 - whatever the libraries raise, the other tasks go on
            words = f"the template cannot be rendered: {type(error).__name__}"
        return ParseProblem(words) if isinstance(task, ParseTask) else RenderFailure(words)

    def _parsed(self, task: ParseTask) -> ParseProblem:
        try:
            for name, source in task.parts:
                self._templates.check(source, field=name)
        except InvalidInput as error:
            return ParseProblem(str(error), error.field)
        return ParseProblem()


def _limit_memory(limits: Limits) -> None:
    try:
        resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    except (OSError, ValueError):  # macOS has the limit, but refuses to set it
        return


def _limit_processor_time(limits: Limits, tasks: int) -> None:
    """End the process if a batch takes more processor time than all its tasks may."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime + limits.seconds * (tasks + 1)) + 1
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, hard))


def _discard_output() -> None:
    """Send whatever a library prints to nowhere: it could hold data of people."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.dup2(nowhere, sys.stderr.fileno())
