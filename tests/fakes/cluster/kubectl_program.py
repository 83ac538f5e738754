"""A program ``kubectl`` for the PATH: it records its calls and runs ``exec`` on this machine.

It starts the plugin for ``ws``. Everything else is answered from a table, or by a real kubectl.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCRIPT = """\
#!{python} -IS
import sys
sys.path[:0] = {path}
from tests.fakes.cluster.kubectl_program import answer
sys.exit(answer({folder!r}, sys.argv[1:]))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class KubectlProgram:
    """The installed program. ``folder`` goes to the front of the PATH."""

    folder: Path

    @classmethod
    def install(
        cls, folder: Path, *, database: str, answers: Mapping[str, str] | None = None, real: Path | None = None
    ) -> "KubectlProgram":
        """Write the program. ``answers`` has the output by a part of the command line; other calls fail."""
        folder.mkdir()
        settings = {"answers": dict(answers or {}), "database": database, "real": str(real or ""), "said_first": 0}
        (folder / "settings.json").write_text(json.dumps(settings))
        program = folder / "kubectl"
        path = [str(Path(__file__).parents[3])]
        program.write_text(SCRIPT.format(python=sys.executable, path=path, folder=str(folder)))
        program.chmod(0o755)
        return cls(folder=folder)

    def answer_with(self, **answers: str) -> None:
        """Change answers."""
        file = self.folder / "settings.json"
        settings = json.loads(file.read_text())
        file.write_text(json.dumps(settings | {"answers": settings["answers"] | answers}))

    def say_first(self, characters: int) -> None:
        """Let commands in the pod write to standard error before they read standard input."""
        file = self.folder / "settings.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | {"said_first": characters}))

    @property
    def calls(self) -> list[list[str]]:
        """The arguments of all calls."""
        log = self.folder / "calls"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    @property
    def remote(self) -> list[list[str]]:
        """The arguments that ``workspacectl`` had in the pod."""
        return [call[call.index("--") + 2 :] for call in self.calls if "exec" in call]


def answer(folder: str, arguments: Sequence[str]) -> int:
    """What the program does; returns its exit code."""
    settings: Any = json.loads((Path(folder) / "settings.json").read_text())
    with (Path(folder) / "calls").open("a") as log:
        log.write(json.dumps(list(arguments)) + "\n")
    if arguments[:1] == ["ws"]:
        return subprocess.run([sys.executable, "-m", "workspace_operator.cli.plugin", *arguments[1:]]).returncode
    for part, output in settings["answers"].items():
        if part in " ".join(arguments):
            print(output)
            return 0
    if "exec" in arguments:
        return _execute(settings, arguments)
    if settings["real"]:
        return subprocess.run([settings["real"], *arguments]).returncode
    print(f"Error from server (Forbidden): {' '.join(arguments)}", file=sys.stderr)
    return 1


def _execute(settings: Any, arguments: Sequence[str]) -> int:
    program, *words = arguments[arguments.index("--") + 1 :]
    assert program == "workspacectl"
    print("." * settings["said_first"], end="\n" * bool(settings["said_first"]), file=sys.stderr, flush=True)
    environment = os.environ | {"WORKSPACE_OPERATOR_DATABASE": settings["database"]}
    code = subprocess.run([sys.executable, "-m", "workspace_operator", *words], env=environment).returncode
    if code:
        print(f"command terminated with exit code {code}", file=sys.stderr)
    return code
