"""A cleanup that was applied: its progress, its result, and its undo."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from workspace_operator.cleanups.decisions import DecisionKind
from workspace_operator.cleanups.model import (
    AT_WORK,
    CARRIED_OUT,
    DRAFTS,
    Cleanup,
    CleanupState,
    Outcome,
    StoredDecision,
)
from workspace_operator.cleanups.undo import UndoPreview
from workspace_operator.console.texts import TEXTS, counted, text
from workspace_operator.console.views.cleanups.reviews import decision_line
from workspace_operator.console.views.cleanups.undo import forecast_of_all, limits_of_undo
from workspace_operator.console.views.formats import ShownTime, day, number, time, visible
from workspace_operator.console.views.rights import Right
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.values.rules import Mode

SHOWN: Final = 20
"""Decisions with one outcome and of one kind that are shown."""

ROWS: Final = 50
"""Decisions of a page."""

EXCEPTIONS: Final = (Outcome.SKIPPED, Outcome.UNDONE_IN_PART, Outcome.NOT_UNDONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultLine:
    """What became of a decision, with the reason in words.

    Attributes:
        can_be_undone: whether it can be chosen to be undone.
    """

    cio_id: str
    person: str
    what: str
    outcome: str
    can_be_undone: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultSection:
    """Decisions with one outcome that needs a look."""

    title: str
    lines: Sequence[ResultLine]
    more: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressView:
    """A cleanup.

    Attributes:
        percent: how much is done, from 0 to 100; None if nothing runs.
        progress: the same with numbers.
        result: what was done, as sentences.
        blocked_href: the page of the people who still block the change; empty if nobody does.
        go_on: text of the button that carries out what a stop has left; empty if that is not possible.
        undo: text of the button that undoes all; empty if that is not possible.
        undo_note: until when, or why not.
        preview: what would be restored, as sentences; empty if nothing can be undone.
        next_href: the next decisions; empty behind the last ones.
    """

    title: str
    href: str
    root: str
    state: str
    percent: int | None
    progress: str
    applied_by: str
    applied_at: ShownTime | None
    result: Sequence[str]
    blocked_href: str
    go_on: str
    version: int
    sections: Sequence[ResultSection]
    rows: Sequence[ResultLine]
    next_href: str
    undo: str
    undo_note: str
    preview: Sequence[str]
    may_apply: Right
    is_moving: bool
    is_draft: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressContent:
    """What a cleanup is shown with.

    Attributes:
        change: what became of the identifier change, as a sentence.
        is_blocked: whether people block it.
    """

    cleanup: Cleanup
    exceptions: Mapping[Outcome, Sequence[StoredDecision]]
    rows: Sequence[StoredDecision]
    people: Mapping[str, Person]
    change: str
    is_blocked: bool
    mode: Mode
    preview: UndoPreview | None
    may_apply: Right
    now: datetime


def progress_view(content: ProgressContent) -> ProgressView:
    """The page of a cleanup."""
    cleanup = content.cleanup
    root = f"/w/{cleanup.workspace_id}/cleanup"
    href, is_moving = f"{root}/{cleanup.number}", cleanup.state in AT_WORK
    done, total = _progress(cleanup)
    is_measured = is_moving and not _undoes_chosen(cleanup)
    can_be_undone = cleanup.can_be_undone(content.now)
    is_full = len(content.rows) > ROWS
    return ProgressView(
        title=text("progress.title", number=cleanup.number),
        href=href,
        root=root,
        state=_state(cleanup),
        percent=min(100, 100 * done // max(1, total)) if is_measured else None,
        progress=", ".join(_numbers(content, done, total)) if is_measured else "",
        applied_by=visible(cleanup.applied_by or ""),
        applied_at=time(cleanup.applied_at) if cleanup.applied_at else None,
        result=[] if is_moving else _result(cleanup, content.change),
        blocked_href=root if content.is_blocked and cleanup.state in CARRIED_OUT else "",
        go_on=_go_on(content),
        version=cleanup.version,
        sections=[_section(outcome, content) for outcome in EXCEPTIONS if content.exceptions.get(outcome)],
        rows=[_line(each, content.people, is_possible=can_be_undone) for each in content.rows[:ROWS]],
        next_href=f"{href}?after={content.rows[ROWS - 1].cio_id}" if is_full else "",
        undo=text("progress.undo", number=cleanup.number) if has_preview(cleanup, content.now) else "",
        undo_note=_undo_note(content) if cleanup.applied and not is_moving else "",
        preview=[] if content.preview is None else forecast_of_all(content.preview),
        may_apply=content.may_apply,
        is_moving=is_moving,
        is_draft=cleanup.state in DRAFTS,
    )


def _state(cleanup: Cleanup) -> str:
    """Where the cleanup is, as a sentence."""
    key, done, total = cleanup.state.value, 0, 0
    if _undoes_chosen(cleanup):
        key = "UndoingChosen"
    elif cleanup.has_stopped_undo:
        key, done, total = "UndoStopped", cleanup.tried_to_undo, cleanup.applied
    elif cleanup.state is CleanupState.APPLIED and cleanup.left:
        key, done, total = "Stopped", cleanup.total - cleanup.left, cleanup.total
    elif cleanup.state is CleanupState.APPLIED and cleanup.skipped:
        key = "Partly"
    return text(f"progress.state.{key}", number=cleanup.number, done=number(done), total=number(total))


def _undoes_chosen(cleanup: Cleanup) -> bool:
    """Whether some decisions are being undone, whose number is not kept."""
    return cleanup.state is CleanupState.UNDOING and not cleanup.undoes_all


def _go_on(content: ProgressContent) -> str:
    cleanup = content.cleanup
    is_possible = cleanup.can_be_continued(content.now) and content.mode is Mode.ID_ONLY
    return counted("progress.continue", cleanup.left) if is_possible else ""


def _progress(cleanup: Cleanup) -> tuple[int, int]:
    if cleanup.state is CleanupState.UNDOING:
        return cleanup.tried_to_undo, cleanup.applied
    return cleanup.total - cleanup.left, cleanup.total


def _numbers(content: ProgressContent, done: int, total: int) -> Iterator[str]:
    """How much is done of how much, and how long the rest takes, if it goes on as so far."""
    yield text("progress.done", done=number(done), total=counted("people", total))
    cleanup = content.cleanup
    if cleanup.state is CleanupState.APPLYING and cleanup.applied_at is not None and 0 < done < total:
        seconds = (content.now - cleanup.applied_at).total_seconds() * (total - done) / done
        yield counted("change.remaining", max(1, round(seconds / 60)))


def has_preview(cleanup: Cleanup, now: datetime) -> bool:
    """Whether something of a cleanup can be undone now."""
    return cleanup.can_be_undone(now) and _is_left(cleanup)


def _is_left(cleanup: Cleanup) -> bool:
    return cleanup.undone + cleanup.undone_in_part < cleanup.applied


def _result(cleanup: Cleanup, change: str) -> Sequence[str]:
    """What was done, in sentences."""
    if cleanup.state not in CARRIED_OUT:
        return []
    said = [text("progress.applied", applied=number(cleanup.applied), total=number(cleanup.total))]
    if cleanup.applied == cleanup.total:
        done = [counted(f"review.count.{kind}", count) for kind, count in cleanup.decisions.items() if count]
        said.append(f"{', '.join(done)}.")
    if cleanup.skipped:
        said.append(counted("progress.skipped", cleanup.skipped))
    if cleanup.tried_to_undo:
        numbers = {
            "whole": number(cleanup.undone),
            "part": number(cleanup.undone_in_part),
            "none": number(cleanup.not_undone),
        }
        said.append(text("progress.undone", **numbers))
    return [*said, change]


def _undo_note(content: ProgressContent) -> str:
    cleanup = content.cleanup
    if not _is_left(cleanup):
        return ""
    if cleanup.undo_until is None or not cleanup.can_be_undone(content.now):
        return text("progress.undo_ended")
    said = [text("progress.undo_until", day=day(cleanup.undo_until))]
    if deleted := cleanup.decisions.get(DecisionKind.DELETE, 0):
        said.append(counted("progress.deleted", deleted))
    return " ".join((*said, *limits_of_undo(content.mode)))


def _section(outcome: Outcome, content: ProgressContent) -> ResultSection:
    cleanup, decisions = content.cleanup, content.exceptions[outcome]
    count = {
        Outcome.SKIPPED: cleanup.skipped,
        Outcome.UNDONE_IN_PART: cleanup.undone_in_part,
        Outcome.NOT_UNDONE: cleanup.not_undone,
    }[outcome]
    return ResultSection(
        title=counted(f"progress.outcome.{outcome}", count),
        lines=[_with_reason_only(each, content.people) for each in decisions],
        more=counted("review.more", count - len(decisions)) if count > len(decisions) else "",
    )


def _with_reason_only(stored: StoredDecision, people: Mapping[str, Person]) -> ResultLine:
    """A decision below a heading that says its outcome."""
    line = _line(stored, people, is_possible=False)
    return replace(line, outcome=_reason(stored) or line.outcome)


def _line(stored: StoredDecision, people: Mapping[str, Person], *, is_possible: bool) -> ResultLine:
    line = decision_line(stored, people)
    outcome = text(f"outcome.{stored.outcome or 'none'}")
    if reason := _reason(stored):
        outcome = f"{outcome}: {reason}"
    return ResultLine(
        cio_id=stored.cio_id,
        person=line.person,
        what=line.what,
        outcome=outcome,
        can_be_undone=is_possible and stored.outcome in (Outcome.APPLIED, Outcome.NOT_UNDONE),
    )


def _reason(stored: StoredDecision) -> str:
    """Why a decision was not carried out, or not undone; empty if that needs no word."""
    key = f"reason.{stored.reason}"
    return text(key) if stored.reason is not None and key in TEXTS else ""
