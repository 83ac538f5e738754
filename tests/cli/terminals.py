"""Commands as somebody at a terminal runs them."""

import os
import pty
import subprocess
import sys
from collections.abc import Callable


def on_a_terminal(
    *arguments: str, typed: str = "", code: int = 0, once: tuple[str, Callable[[], object]] | None = None
) -> str:
    """Standard output and error of a process that has a terminal of 80 columns; what is typed is echoed.

    ``once`` is a text, and what to do as soon as the process has printed it.
    """
    parent, child = pty.openpty()
    command = [sys.executable, "-m", "workspace_operator", *arguments]
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "80"}
    process = subprocess.Popen(command, stdin=child, stdout=child, stderr=child, env=environment)
    os.close(child)
    os.write(parent, typed.encode())
    seen = b""
    while more := _read(parent):
        seen += more
        if once is not None and once[0].encode() in seen:
            once[1]()
            once = None
    assert process.wait() == code, seen
    os.close(parent)
    return seen.decode()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 10_000)
    except OSError:  # Linux says so when nobody is left who could write
        return b""
