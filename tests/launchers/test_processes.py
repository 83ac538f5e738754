"""Servers die with their starter, and a process number that was given away is left alone."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

from tests.e2e.waiting import wait_until
from tests.processes import ProcessIdentity, Server, start_detached, wait_until_gone

CHECKOUT = Path(__file__).parents[2]

STARTER = """
import sys, time
from pathlib import Path
from tests.processes import Server
print(Server.start(["sleep", "60"], log=Path(sys.argv[1])).pid, flush=True)
time.sleep(60)
"""


def test_server_dies_with_killed_starter(tmp_path: Path) -> None:
    starter = [sys.executable, "-c", STARTER, str(tmp_path / "log")]
    with subprocess.Popen(starter, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT) as process:
        assert process.stdout is not None
        server = ProcessIdentity.of(int(process.stdout.readline()))
        assert server.is_running()

        process.kill()

    wait_until_gone(server, 5)
    assert not server.is_running()


def test_ended_server_reports_its_signal(tmp_path: Path) -> None:
    server = Server.start(["sleep", "60"], log=tmp_path / "log")

    code = server.end(first=signal.SIGTERM)

    assert code == -signal.SIGTERM
    assert server.exit_code() == code


def test_deaf_server_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    server = Server.start(["sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 0.1; done"], log=log)
    while "deaf" not in log.read_text():
        time.sleep(0.01)

    assert server.end(within=0.2) == -signal.SIGKILL


def test_watcher_leaves_with_its_server(tmp_path: Path) -> None:
    server = Server.start(["sleep", "60"], log=tmp_path / "log")
    server.end()

    wait_until(lambda: not group_exists(server.pid))


def group_exists(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_detached_server_is_ended_by_identity(tmp_path: Path) -> None:
    identity = start_detached(["sleep", "60"], log=tmp_path / "log")
    assert identity.is_running()

    identity.end()

    assert not identity.is_running()


def test_reused_process_number_is_spared(tmp_path: Path) -> None:
    identity = start_detached(["sleep", "60"], log=tmp_path / "log")
    stale = replace(identity, started="0")

    stale.end()

    assert not stale.is_running()
    assert identity.is_running()
    identity.end()
