"""Servers that tests start: each dies with its starter, and nothing is ended that was not started here.

A server is started under a guard, a shell that replaces itself by the server after leaving a watcher
behind. The watcher reads from a pipe that only the starter holds; when the starter dies, by kill -9 too,
the pipe ends and the watcher ends the server. A line in the pipe lets the watcher go. Linux's
PR_SET_PDEATHSIG would be less, but it follows the thread that forked and is unknown elsewhere.
"""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

# The watcher is a grandchild, so that a server which waits for its children (PostgreSQL) never sees it.
GUARD = 'exec 3<&0; ( ( read -r _ <&3 || kill -s "$0" $$ ) & ); exec "$@" 3<&- </dev/null'


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account to run a server under."""

    user: int
    group: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessIdentity:
    """A process number with its start time: a number that was given to another process is never touched."""

    pid: int
    started: str

    @classmethod
    def of(cls, pid: int) -> Self:
        return cls(pid=pid, started=start_time(pid))

    def is_running(self) -> bool:
        return bool(self.started) and start_time(self.pid) == self.started

    def end(self, *, first: signal.Signals = signal.SIGTERM, within: float = 15) -> None:
        """Ask it to end, wait, and kill it when it has not ended in time."""
        for number, seconds in ((first, within), (signal.SIGKILL, 5.0)):
            if self.is_running():
                os.kill(self.pid, number)
                wait_until_gone(self, seconds)


def start_time(pid: int) -> str:
    """When a process was started, as the system writes it; empty when there is none or it is a zombie."""
    if Path("/proc/self/stat").exists():
        try:
            state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return ""
        return "" if state in "ZX" else fields[18]
    answer = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True)
    return answer.stdout.strip()


def wait_until_gone(process: ProcessIdentity, seconds: float) -> None:
    limit = time.monotonic() + seconds
    while process.is_running() and time.monotonic() < limit:
        time.sleep(0.02)


class Server:
    """A running server process with its log file."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self.pid = process.pid

    @classmethod
    def start(
        cls,
        command: Sequence[str | Path],
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
        account: Account | None = None,
        folder: Path | None = None,
        on_orphaned: str = "TERM",
    ) -> Self:
        """Start under the guard; `on_orphaned` is what the server is sent when the starter is gone."""
        guarded = ["/bin/sh", "-c", GUARD, on_orphaned, *map(str, command)]
        with log.open("ab") as output:
            process = subprocess.Popen(
                guarded,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=folder,
                start_new_session=True,
                user=account.user if account else None,
                group=account.group if account else None,
                extra_groups=[] if account else None,
            )
        return cls(process)

    def exit_code(self) -> int | None:
        """None while it runs."""
        code = self._process.poll()
        if code is not None:
            self._release_watcher()
        return code

    def end(self, *, first: signal.Signals = signal.SIGTERM, within: float = 15) -> int:
        """Ask it to end, wait, kill it when it has not ended in time; its exit code."""
        self._process.send_signal(first)
        try:
            self._process.wait(within)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._release_watcher()
        return self._process.returncode

    def _release_watcher(self) -> None:
        pipe = self._process.stdin
        if pipe is None or pipe.closed:
            return
        try:
            pipe.write(b"\n")
            pipe.close()
        except BrokenPipeError:
            pass


def start_detached(
    command: Sequence[str | Path], *, log: Path, environment: Mapping[str, str] | None = None
) -> ProcessIdentity:
    """Start a server that stays when its starter ends; whoever keeps the identity can end it."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            list(map(str, command)),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
    identity = ProcessIdentity.of(process.pid)
    process.returncode = 0  # nobody waits for it: that it still runs when its starter ends is meant
    return identity


def last_lines(log: Path, count: int = 15) -> str:
    """What a server said last, for error messages."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-count:]) if log.exists() else ""
