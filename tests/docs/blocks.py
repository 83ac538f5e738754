"""Runs blocks of the documentation as one script, as somebody types them into one shell.

What they start in the background (an API, a sender, a mailbox) gets ports of its own, and ends with the script.
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
STARTED = re.compile(r"^((?:workspacectl run (api|console|sender|worker)|python -m aiosmtpd)\b.*)&$", re.MULTILINE)
LIMIT_SECONDS = 900


def run_blocks(blocks: Sequence[str], folder: Path) -> str:
    """What they print, in a folder with a copy of the examples; each command has to end well."""
    shutil.copytree(REPOSITORY / "examples", folder / "examples")
    ports, mail_port, log = {"api": free_port(), "console": free_port()}, free_port(), folder / "printed.txt"
    script = STARTED.sub(lambda found: in_background(found[1], ports.get(found[2])), "\n".join(blocks))
    script = script.replace("127.0.0.1:1025", f"127.0.0.1:{mail_port}")
    environment = os.environ | {"PATH": f"{COMMANDS}{os.pathsep}{os.environ['PATH']}", "NO_PROXY": "*"}
    command = (
        "sh",
        "-e",
        "-c",
        script.replace(":8100/", f":{ports['api']}/").replace(":8200/", f":{ports['console']}/"),
    )
    server = Server.start(command, log=log, environment=environment, folder=folder)
    try:
        wait_until(lambda: server.exit_code() is not None, what=log.read_text, within=LIMIT_SECONDS)
    finally:
        code = server.end()
    printed = log.read_text(encoding="utf-8")
    assert code == 0, printed
    return printed


def in_background(command: str, port: int | None) -> str:
    """A server as lines of the script, with a port of its own if it listens at one: it ends with the script."""
    log = "api.log" if port is not None else "servers.log"
    option = f"--port {port} " if port is not None else ""
    started = f"{command} {option}>> {log} 2>&1 &"
    return "\n".join((started, 'servers="$servers $!"', "trap 'kill $servers; wait' EXIT", "trap 'exit 1' TERM"))
