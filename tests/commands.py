"""Runs ``workspacectl`` in a process of its own, and asks what such a process serves."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from signal import SIGKILL, Signals

import httpx

PROGRAM = (sys.executable, "-m", "workspace_operator")


@contextmanager
def running(*arguments: str, end: Signals = SIGKILL, **environment: str) -> Iterator["subprocess.Popen[str]"]:
    """Run a command; the signal ends it if it still runs."""
    with subprocess.Popen(
        [*PROGRAM, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    ) as process:
        try:
            yield process
        finally:
            process.send_signal(end)
            process.communicate(timeout=300)


def status_of(url: str, *, timeout: float = 60) -> int:
    """The status of the response to a GET; 0 if there is none."""
    try:
        return httpx.get(url, timeout=timeout).status_code
    except httpx.TransportError:
        return 0
