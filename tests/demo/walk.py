"""A walk-through on a terminal: each step says what it is for, shows the command, and lets it print."""

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

LIMIT_SECONDS = 180


COMMANDS = Path(sys.executable).parent
"""Where workspacectl is: the environment that runs this."""


def searched_first(folder: Path) -> str:
    """The PATH with a folder before all others."""
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


class StepFailed(Exception):
    """A command of the walk-through ended otherwise than it should."""


@dataclass(slots=True, kw_only=True)
class Walk:
    """Runs commands in one folder, under environment variables that it shows as exports."""

    folder: Path
    out: TextIO = field(default_factory=lambda: sys.stdout)
    _environment: dict[str, str] = field(default_factory=lambda: dict(os.environ) | {"PATH": searched_first(COMMANDS)})
    _started: float = field(default_factory=time.monotonic)

    def print(self, text: str) -> None:
        """A paragraph of explanation."""
        print(f"\n# {text}", file=self.out, flush=True)

    def part(self, title: str) -> None:
        """A heading, with the time since the start."""
        elapsed = time.monotonic() - self._started
        heading = f"\033[1m== {title}\033[0m" if self._is_terminal else f"== {title}"
        print(f"\n{heading} ({elapsed:.0f} s)", file=self.out, flush=True)

    def set(self, variables: Mapping[str, str], *, search_also: Path | None = None) -> None:
        """Set variables for all that follows, shown as the exports that one would type."""
        self._environment.update(variables)
        if search_also is not None:
            self._environment["PATH"] = f"{self._environment['PATH']}{os.pathsep}{search_also}"
        for name, value in variables.items():
            self.show(f"export {name}={shlex.quote(value)}")

    @property
    def environment(self) -> Mapping[str, str]:
        """For what is started beside the walk-through."""
        return self._environment

    def run(self, command: str, *, ends_with: Sequence[int] = (0,)) -> None:
        """Show a command, run it, let it print. StepFailed for an exit code that is not expected."""
        self.show(command)
        # A line of sh as one would type it: quotes, pipes and redirections mean what they say.
        answer = subprocess.run(
            ["sh", "-c", command],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=self.out,
            stderr=subprocess.STDOUT,
            timeout=LIMIT_SECONDS,
        )
        if answer.returncode not in ends_with:
            raise StepFailed(f"`{command}` ended with {answer.returncode}")

    def show(self, command: str) -> None:
        """Show a command that somebody else runs."""
        prompt = "\033[1m$\033[0m" if self._is_terminal else "$"
        print(f"{prompt} {command}", file=self.out, flush=True)

    @property
    def _is_terminal(self) -> bool:
        return self.out.isatty()
