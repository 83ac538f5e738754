"""The log of a whole process: every line has one form, whichever library writes it, and appears once."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.commands import PROGRAM
from tests.e2e.waiting import wait_until
from tests.network_ports import free_port

EVERYTHING = """
import asyncio, logging, sys, threading, warnings

import kopf, uvicorn

from workspace_operator.bootstrap import configure_logging
from workspace_operator.log_lines import LogLine
from workspace_operator.settings import LogFormat

configure_logging(LogFormat.TEXT)
configure_logging(LogFormat(sys.argv[1]))
warnings.simplefilter("always")
warnings.warn("an old option", stacklevel=1)
logging.getLogger("workspace_operator.store").info(LogLine("done", namespace="team-a"))
logging.getLogger("kopf.activities").warning("from kopf")
logging.getLogger("kopf.activities").info("quiet")
logging.getLogger("uvicorn.error").error("from uvicorn")
logging.getLogger("uvicorn.access").info("quiet")
thread = threading.Thread(target=lambda: 1 / 0, name="writer")
thread.start()
thread.join()
raise RuntimeError("the end")
"""
MESSAGES = [
    "UserWarning: an old option",
    "namespace=team-a: done",
    "from kopf",
    "from uvicorn",
    "thread writer ended with an uncaught exception",
    "the process ends with an uncaught exception",
]


def objects(text: str) -> list[dict[str, Any]]:
    """The objects of a log of which every line is one."""
    lines = [json.loads(line) for line in text.splitlines()]
    assert all({"time", "level", "logger", "message"} <= line.keys() for line in lines)
    return lines


def everything(log_format: str) -> str:
    done = subprocess.run([sys.executable, "-c", EVERYTHING, log_format], capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout) == (1, "")
    return done.stderr


def test_every_library_writes_objects_once() -> None:
    lines = objects(everything("json"))

    assert [next(text for text in MESSAGES if text in line["message"]) for line in lines] == MESSAGES
    assert [line["exception"]["type"] for line in lines if "exception" in line] == ["ZeroDivisionError", "RuntimeError"]


def test_every_library_writes_text_once() -> None:
    text = everything("text")

    assert [text.count(message) for message in MESSAGES] == [1] * len(MESSAGES)
    assert "quiet" not in text


@pytest.mark.parametrize("part", ["api", "worker"])
def test_log_of_a_process_is_objects(part: str, tmp_path: Path) -> None:
    url = f"postgresql://nobody:s3cret@127.0.0.1:{free_port()}/none"
    options = ("--port", "0") if part == "api" else ()
    health = f"http://127.0.0.1:{free_port()}/healthz"
    log = tmp_path / "log"
    command = (*PROGRAM, "run", part, "--database", url, "--health-endpoint", health, "--log-format", "json", *options)
    with log.open("wb") as output, subprocess.Popen(command, stderr=output) as process:
        try:
            wait_until(lambda: "does not accept writes" in log.read_text(), within=120)
        finally:
            process.terminate()

    text = log.read_text()
    assert objects(text)[-1]["message"] == "stopped"
    assert "s3cret" not in text


def test_error_at_the_start_is_an_object_that_names_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKSPACE_OPERATOR_LOG_FORMAT", "json")
    monkeypatch.setenv("WORKSPACE_OPERATOR_HEALTH_ENDPOINT", "8080")
    command = (*PROGRAM, "run", "worker", "--database", f"sqlite:///{tmp_path}/x.db")

    done = subprocess.run(command, capture_output=True, text=True, timeout=300)

    [line] = objects(done.stderr)
    assert (done.returncode, line["level"]) == (1, "CRITICAL")
    assert "(set by WORKSPACE_OPERATOR_HEALTH_ENDPOINT)" in line["message"]
