"""The audit log of a workspace, in words."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from workspace_operator.application.ports import RecordedEntry
from workspace_operator.cleanups.model import Cleanup
from workspace_operator.console.texts import TEXTS, text
from workspace_operator.console.views.formats import ShownTime, time, visible

ENTRIES: Final = 50
"""Entries of a page."""

_cleanup_of: Final = re.compile(r"cleanup ([1-9][0-9]{0,17})").fullmatch


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryLine:
    """An entry.

    Attributes:
        href: the page of what it was done to; empty if it has none.
        can_be_undone: whether that page has an undo now.
    """

    at: ShownTime
    actor: str
    via: str
    action: str
    subject: str
    detail: str
    href: str
    can_be_undone: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryView:
    """A page of the audit log; ``next_href`` is empty behind the oldest entry."""

    lines: Sequence[HistoryLine]
    next_href: str


def history_view(
    entries: Sequence[RecordedEntry], cleanups: Sequence[Cleanup], *, root: str, now: datetime
) -> HistoryView:
    """A page of up to `ENTRIES` entries, of which one more was read."""
    undoable = {cleanup.number for cleanup in cleanups if cleanup.can_be_undone(now)}
    shown = entries[:ENTRIES]
    following = f"{root}/history?before={shown[-1].entry_id}" if len(entries) > ENTRIES else ""
    return HistoryView(lines=[_line(entry, undoable, root) for entry in shown], next_href=following)


def _detail_name(name: str) -> str:
    """What a number of an entry counts, as people say it."""
    key = f"detail.{name}"
    return text(key) if key in TEXTS else name.replace("_", " ")


def _line(entry: RecordedEntry, undoable: set[int], root: str) -> HistoryLine:
    of_cleanup = _cleanup_of(entry.subject)
    number = int(of_cleanup[1]) if of_cleanup else 0
    key = f"action.{entry.action}"
    return HistoryLine(
        at=time(entry.at),
        actor=visible(entry.actor),
        via=visible(entry.via),
        action=text(key) if key in TEXTS else visible(entry.action),  # a later version may have written a new one
        subject=visible(entry.subject),
        detail=visible(", ".join(f"{_detail_name(name)} {value}" for name, value in entry.detail.items() if value)),
        href=f"{root}/cleanup/{number}" if number else "",
        can_be_undone=entry.action == "applied" and number in undoable,
    )
