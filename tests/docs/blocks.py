"""Runs blocks of the documentation as one script, as somebody types them into one shell.

A people API that they start in the background gets a port of its own, and ends with the script.
"""

import os
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.docs.pages import REPOSITORY
from tests.e2e.waiting import wait_until
from tests.network_ports import free_port
from tests.processes import Server

COMMANDS = Path(sys.executable).parent
STARTED = re.compile(r"^(workspacectl run api\b.*)&$", re.MULTILINE)
LIMIT_SECONDS = 900


def run_blocks(blocks: Sequence[str], folder: Path) -> str:
    """What they print, in a folder with a copy of the examples; each command has to end well."""
    shutil.copytree(REPOSITORY / "examples", folder / "examples")
    port, log = free_port(), folder / "printed.txt"
    script = STARTED.sub(lambda found: in_background(found[1], port), "\n".join(blocks))
    environment = os.environ | {"PATH": f"{COMMANDS}{os.pathsep}{os.environ['PATH']}", "NO_PROXY": "*"}
    command = ("sh", "-e", "-c", script.replace(":8100/", f":{port}/"))
    server = Server.start(command, log=log, environment=environment, folder=folder)
    try:
        wait_until(lambda: server.exit_code() is not None, what=log.read_text, within=LIMIT_SECONDS)
    finally:
        code = server.end()
    printed = log.read_text(encoding="utf-8")
    assert code == 0, printed
    return printed


def in_background(command: str, port: int) -> str:
    """A server as lines of the script: on that port, and ended with it."""
    started = f"{command} --port {port} > api.log 2>&1 &"
    return "\n".join((started, "api=$!", "trap 'kill $api; wait' EXIT", "trap 'exit 1' TERM"))
