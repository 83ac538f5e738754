"""Measurements on a noisy machine, and tables of their results."""

import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pytest

databases = pytest.mark.parametrize("title", ["SQLite", pytest.param("PostgreSQL", marks=pytest.mark.postgres)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Seconds of each run of the measured code and of the baseline."""

    ours: tuple[float, ...]
    bare: tuple[float, ...]

    @property
    def best_ratio(self) -> float:
        return min(self.ours) / min(self.bare)

    @property
    def median_ratio(self) -> float:
        """The median over pairs of consecutive runs."""
        return median(ours / bare for ours, bare in zip(self.ours, self.bare, strict=True))


def alternating(ours: Callable[[], object], bare: Callable[[], object], *, runs: int = 15) -> Comparison:
    """Warm both up once, then run them in turns, so that other load affects both."""
    bare()
    ours()
    pairs = [(seconds(bare), seconds(ours)) for _ in range(runs)]
    return Comparison(bare=tuple(pair[0] for pair in pairs), ours=tuple(pair[1] for pair in pairs))


def seconds(work: Callable[[], object]) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def processor_seconds(pid: int) -> float:
    """User and system time of a process so far, with its threads, on Linux."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_megabytes(pid: int | str = "self", kind: str = "VmHWM") -> float:
    """Memory of a process on Linux: by default the peak of this one; ``VmRSS`` is what it has now."""
    return megabytes_in(Path(f"/proc/{pid}/status").read_text(), kind)


def megabytes_in(status: str, kind: str = "VmHWM") -> float:
    [kilobytes] = re.findall(rf"^{kind}:\s+(\d+) kB$", status, re.MULTILINE)
    return int(kilobytes) * 1024 / 1e6


def at_most(name: str, value: float, goal: float, form: str = "{:.2f}") -> tuple[str, str, str]:
    """A row of a figure with an upper limit."""
    return (name, f"<= {form.format(goal)}", form.format(value) + ("" if value <= goal else " missed"))


def at_least(name: str, value: float, goal: float, form: str = "{:.2f}") -> tuple[str, str, str]:
    """A row of a figure with a lower limit."""
    return (name, f">= {form.format(goal)}", form.format(value) + ("" if value >= goal else " missed"))


def print_table(title: str, rows: list[tuple[str, str, str]]) -> None:
    """Print a table of figures, goals and results."""
    table = [("figure", "goal", "result"), *rows]
    widths = [max(len(row[column]) for row in table) for column in range(3)]
    print(f"\n{title}")
    for row in table:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))
