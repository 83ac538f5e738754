"""The audit log of a workspace, in words."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from workspace_operator.application.ports import AuditAction, RecordedEntry
from workspace_operator.cleanups.model import Cleanup
from workspace_operator.console.texts import TEXTS, text
from workspace_operator.console.views.formats import ShownTime, time, visible
from workspace_operator.imports.model import ImportJob

ENTRIES: Final = 50
"""Entries of a page."""

_person_of: Final = re.compile(r"person ([0-9a-f]{1,64})").fullmatch
_numbered: Final = re.compile(r"(cleanup|import) ([1-9][0-9]{0,17})").fullmatch
_PATHS: Final = {"cleanup": "cleanup", "import": "imports"}
_UNDONE_BY_PAGE: Final = frozenset({AuditAction.APPLIED.value, AuditAction.IMPORTED.value})


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
    entries: Sequence[RecordedEntry],
    cleanups: Sequence[Cleanup],
    imports: Sequence[ImportJob],
    *,
    root: str,
    now: datetime,
) -> HistoryView:
    """A page of up to `ENTRIES` entries, of which one more was read."""
    undoable = {f"cleanup {cleanup.number}" for cleanup in cleanups if cleanup.can_be_undone(now)}
    undoable |= {f"import {job.number}" for job in imports if job.can_be_undone(now)}
    shown = entries[:ENTRIES]
    following = f"{root}/history?before={shown[-1].entry_id}" if len(entries) > ENTRIES else ""
    return HistoryView(lines=[_line(entry, undoable, root) for entry in shown], next_href=following)


def _detail_name(name: str) -> str:
    """What a number of an entry counts, as people say it."""
    key = f"detail.{name}"
    return text(key) if key in TEXTS else name.replace("_", " ")


def _line(entry: RecordedEntry, undoable: set[str], root: str) -> HistoryLine:
    key = f"action.{entry.action}"
    return HistoryLine(
        at=time(entry.at),
        actor=visible(entry.actor),
        via=visible(entry.via),
        action=text(key) if key in TEXTS else visible(entry.action),  # a later version may have written a new one
        subject=visible(entry.subject),
        detail=visible(", ".join(f"{_detail_name(name)} {value}" for name, value in entry.detail.items() if value)),
        href=_href(entry.subject, root),
        can_be_undone=entry.action in _UNDONE_BY_PAGE and entry.subject in undoable,
    )


def _href(subject: str, root: str) -> str:
    if numbered := _numbered(subject):
        return f"{root}/{_PATHS[numbered[1]]}/{numbered[2]}"
    of_person = _person_of(subject)
    return f"{root}/people/{of_person[1]}" if of_person else ""
