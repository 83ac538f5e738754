"""The walk-through, as `make demo` runs it."""

import re
import subprocess
import sys

import pytest

from tests.docs.pages import REPOSITORY

LIMIT_SECONDS = 300


@pytest.mark.proof
@pytest.mark.usefixtures("programs")
def test_demo_shows_the_main_job_and_ends_with_a_link_to_the_console() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.demo", "run"],
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
    )

    assert (done.returncode, done.stderr) == (0, "")
    blocked, _, unblocked = done.stdout.partition(
        "workspacectl people import --workspace default/club examples/people/club-corrected.csv"
    )
    assert "17 of 28 people block the change to EmailOrID" in " ".join(blocked.split())
    assert re.search("club +True +InForce +EmailOrID", unblocked)
    shown = unblocked.partition("$ workspacectl console --workspace default/club\n")[2]
    assert re.match(r"http://127\.0\.0\.1:\d+/enter\?t=[\w-]{43}\n", shown)
    assert "so everything stops now" in shown
