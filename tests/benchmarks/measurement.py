"""Measuring two things against each other on a noisy machine, and telling it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Seconds of what was measured and of what it was measured against, run by run."""

    ours: tuple[float, ...]
    bare: tuple[float, ...]

    @property
    def best_ratio(self) -> float:
        return min(self.ours) / min(self.bare)

    @property
    def median_ratio(self) -> float:
        """Of each pair, run one right after the other."""
        return median(ours / bare for ours, bare in zip(self.ours, self.bare, strict=True))


def alternating(ours: Callable[[], object], bare: Callable[[], object], *, runs: int = 15) -> Comparison:
    """Both warmed once, then in turns, so that what disturbs the machine disturbs both."""
    bare()
    ours()
    pairs = [(seconds(bare), seconds(ours)) for _ in range(runs)]
    return Comparison(bare=tuple(pair[0] for pair in pairs), ours=tuple(pair[1] for pair in pairs))


def seconds(work: Callable[[], object]) -> float:
    """How long it took."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def at_most(name: str, value: float, goal: float, form: str = "{:.2f}") -> tuple[str, str, str]:
    """A figure that shall not be greater; a table shows it if it is."""
    return (name, f"<= {form.format(goal)}", form.format(value) + ("" if value <= goal else " missed"))


def at_least(name: str, value: float, goal: float, form: str = "{:.2f}") -> tuple[str, str, str]:
    """A figure that shall not be smaller; a table shows it if it is."""
    return (name, f">= {form.format(goal)}", form.format(value) + ("" if value >= goal else " missed"))


def print_table(title: str, rows: list[tuple[str, str, str]]) -> None:
    """A table of figure, goal, result."""
    table = [("figure", "goal", "result"), *rows]
    widths = [max(len(row[column]) for row in table) for column in range(3)]
    print(f"\n{title}")
    for row in table:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))
