"""What crosses the pipe between this process and a render process, and its framing.

Both ends are the same program, so pickles are safe: a render process is separate to be limited, not to be distrusted.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from workspace_operator.sending.messages import RenderedMessage, RenderFailure, RenderJob

HEADER_BYTES: Final = 4
MAX_BATCH_TASKS: Final = 16
_READ_BYTES: Final = 1 << 16

READY: Final = b"ready"
"""The first frame of a render process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of a render process.

    Attributes:
        seconds: wall time of one task.
        stalled_seconds: without progress; its parent ends a process that the kernel does not run.
        memory_bytes: size of its address space.
    """

    seconds: float = 1.0
    stalled_seconds: float = 20.0
    memory_bytes: int = 256 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """The first frame to a render process. The key travels here, because others can read arguments and environment.

    Attributes:
        progress: descriptor of a shared page whose first byte is the position of the task at work within its batch.
    """

    limits: Limits
    progress: int
    secret: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class ParseTask:
    """Templates to parse, each with the name of its part."""

    parts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ParseProblem:
    """Why a template is not valid, and in which part; no words if all are."""

    words: str = ""
    field: str = ""


Task: TypeAlias = RenderJob | ParseTask
Answer: TypeAlias = RenderedMessage | RenderFailure | ParseProblem


def framed(content: bytes) -> bytes:
    """Content after its length."""
    return len(content).to_bytes(HEADER_BYTES) + content


def write_all(descriptor: int, content: bytes | bytearray) -> None:
    """Write all bytes. Raises OSError."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


class FrameReader:
    """Reads frames from a pipe.

    Args:
        wait: called before each read; it may raise to give up.
    """

    def __init__(self, descriptor: int, wait: Callable[[], None] = lambda: None) -> None:
        self._descriptor = descriptor
        self._wait = wait
        self._buffer = bytearray()

    def read(self) -> bytes | None:
        """The next frame; None at the end of the stream."""
        header = self._take(HEADER_BYTES)
        return None if header is None else self._take(int.from_bytes(header))

    def _take(self, size: int) -> bytes | None:
        while len(self._buffer) < size:
            self._wait()
            found = os.read(self._descriptor, _READ_BYTES)
            if not found:
                return None
            self._buffer += found
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken
