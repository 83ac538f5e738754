"""Processor time from the start of a command to its end, in starts of a bare Python."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

import pytest

from tests.benchmarks.measurement import Comparison, at_most, print_table
from tests.cli.conftest import W, write

ROUNDS = 20
BARE = ("-c", "pass")
GOALS: Mapping[str, tuple[tuple[str, ...], float]] = {
    "version": (("version",), 12.0),
    "--help": (("--help",), 10.0),
    "people show": (("people", "show", "ada@example.com", *W), 45.0),
    "workspaces list": (("workspaces", "list"), 45.0),
    "apply": (("apply", "-f", "crm.yaml"), 65.0),
}
"""Commands, and the goal of their ratio. Importing Typer alone is at 6, Typer and SQLAlchemy together at 25."""


def processor_seconds(arguments: Sequence[str]) -> float:
    """User and system time of one process, with its start."""
    before = getrusage(RUSAGE_CHILDREN)
    subprocess.run((sys.executable, *arguments), check=True, capture_output=True)
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.bench
def test_commands_start_quickly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)  # the first run compiles
    monkeypatch.setenv("WORKSPACE_OPERATOR_DATABASE", f"sqlite:///{tmp_path}/store.db")
    write("crm.yaml")
    Path("people.csv").write_text("id,email\n1,ada@example.com\n")
    command = ("-m", "workspace_operator")
    processor_seconds((*command, "apply", "-f", "crm.yaml"))
    processor_seconds((*command, "people", "import", "people.csv", *W))

    found: dict[str, Comparison] = {}
    for name, (words, _) in GOALS.items():
        pairs = [(processor_seconds((*command, *words)), processor_seconds(BARE)) for _ in range(ROUNDS)]
        found[name] = Comparison(ours=tuple(pair[0] for pair in pairs), bare=tuple(pair[1] for pair in pairs))

    rows = [at_most(f"{name} ÷ python -c pass", found[name].best_ratio, goal) for name, (_, goal) in GOALS.items()]
    seconds = [(name, "", f"{min(each.ours) * 1000:.0f} ms of processor") for name, each in found.items()]
    print_table(f"Start of a command, at a load average of {os.getloadavg()[0]:.1f}", rows + seconds)
    assert [name for name, (_, goal) in GOALS.items() if found[name].best_ratio > goal] == []
