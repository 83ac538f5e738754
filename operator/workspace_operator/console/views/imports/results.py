"""What an import would do, its progress, its result and its undo: steps 3 and 4."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from workspace_operator.application.ports import UndoForecast
from workspace_operator.console.texts import counted, text
from workspace_operator.console.views.formats import ShownTime, day, number, time, visible
from workspace_operator.console.views.imports.lists import result_sentence
from workspace_operator.console.views.rights import Right
from workspace_operator.imports.model import AT_WORK, ImportJob, ImportState, RowChange

MAX_REJECTS: Final = 20
"""Rejected rows that a page shows; all are in the file."""

MAX_CELL: Final = 60
_TRIED: Final = frozenset({ImportState.CHECKED, ImportState.CHECKING})
_STEPS: Final = {ImportState.UPLOADING: 1, ImportState.CHECKED: 3, ImportState.CHECKING: 3, ImportState.DISCARDED: 0}
"""The step of a state, if it is not the last one; 0 for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeLine:
    """What a row changes: old and new values."""

    line: str
    person: str
    values: Sequence[tuple[str, str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectLine:
    """A rejected row."""

    line: str
    outcome: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultView:
    """An import that is tried, imported or undone.

    Attributes:
        note: why the form that was sent did nothing; empty for nothing.
        step: from 1 to 4; 0 for an import that was discarded.
        percent: how much is done, from 0 to 100; None if nothing runs.
        counts: what became of the rows; empty while nothing is known.
        run: text of the button that imports; empty if that is not possible.
        seen: the version of the columns with which the rows were tried, as the button sends it.
        undo: text of the button that undoes; empty if that is not possible.
        undo_notes: until when, and what the undo could do; or why not.
        rejects_href: the file of rejected rows; empty if there is none.
    """

    href: str
    title: str
    note: str
    file_name: str
    step: int
    state: str
    is_moving: bool
    percent: int | None
    progress: str
    counts: str
    sentences: Sequence[str]
    changes: Sequence[ChangeLine]
    rejects: Sequence[RejectLine]
    rejects_more: str
    rejects_href: str
    run: str
    seen: str
    undo: str
    undo_notes: Sequence[str]
    run_by: str
    run_at: ShownTime | None
    may_prepare: Right
    may_import: Right
    may_stop: Right
    may_download: Right
    may_undo: Right


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What the viewer may do with an import."""

    prepare: Right
    run: Right
    download: Right
    undo: Right


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultContent:
    """What an import is shown with; ``rejects`` are the first rejected rows."""

    job: ImportJob
    rejects: Sequence[Sequence[str]]
    forecast: UndoForecast | None
    rights: Rights
    now: datetime


def result_view(content: ResultContent, *, note: str = "") -> ResultView:
    """The page of an import whose columns are chosen."""
    job, rights, now = content.job, content.rights, content.now
    href, is_moving = f"/w/{job.workspace_id}/imports/{job.number}", job.state in AT_WORK
    done, total = _progress(job)
    counts, has_result = job.counts, job.state is not ImportState.DISCARDED
    listed = counts.rejected + counts.skipped + counts.in_part
    return ResultView(
        href=href,
        title=text("import.title", number=job.number),
        note=note,
        file_name=visible(job.file_name),
        step=_STEPS.get(job.state, 4),
        state=text(f"import.state.{job.state}"),
        is_moving=is_moving,
        percent=min(100, 100 * done // max(1, total)) if is_moving else None,
        progress=text("import.progress", done=number(done), total=number(total)) if is_moving else "",
        counts=result_sentence(job) if counts.rows and has_result else "",
        sentences=_sentences(job),
        changes=[_change(change) for change in job.changes] if has_result else [],
        rejects=[_reject(cells) for cells in content.rejects] if has_result else [],
        rejects_more=counted("import.more", listed - len(content.rejects)) if listed > len(content.rejects) else "",
        rejects_href=f"{href}/rejects" if listed and has_result and job.has_file(now) else "",
        run=counted("import.run", job.rows) if job.state is ImportState.CHECKED else "",
        seen="" if job.mapping is None else job.mapping.version,
        undo=text("import.undo") if job.can_be_undone(now) else "",
        undo_notes=_undo_notes(content),
        run_by=visible(job.run_by or ""),
        run_at=time(job.run_at) if job.run_at else None,
        may_prepare=rights.prepare,
        may_import=rights.run,
        may_stop=rights.undo if job.state is ImportState.UNDOING else rights.run,
        may_download=rights.download,
        may_undo=rights.undo,
    )


def _progress(job: ImportJob) -> tuple[int, int]:
    if job.state is ImportState.UNDOING:
        return job.undone + job.undone_in_part + job.not_undone, job.people
    return job.counts.rows, job.rows


def _sentences(job: ImportJob) -> Sequence[str]:
    """What is worth knowing besides the counts."""
    said = []
    if job.state is ImportState.CHECKED:
        said.append(text("import.nothing_written"))
    if job.counts.addresses and job.state in _TRIED:
        said.append(counted("import.addresses", job.counts.addresses))
    if job.blocking and job.state in _TRIED:
        said.append(counted("import.blocking", job.blocking))
    if job.state is ImportState.DONE and job.counts.rows < job.rows:
        said.append(text("import.stopped", done=number(job.counts.rows), total=number(job.rows)))
    if job.undone or job.undone_in_part or job.not_undone:
        numbers = {
            "whole": number(job.undone),
            "part": number(job.undone_in_part),
            "none": number(job.not_undone),
        }
        said.append(text("import.undone", **numbers))
    return said


def _undo_notes(content: ResultContent) -> Sequence[str]:
    job, forecast = content.job, content.forecast
    if job.state is not ImportState.DONE or not job.people_left:
        return []
    if job.undo_until is None or not job.can_be_undone(content.now):
        return [text("import.undo_ended")]
    notes = [text("import.undo_until", day=day(job.undo_until)), text("import.undo_rule")]
    if forecast is not None:
        notes.append(
            text(
                "import.forecast",
                whole=number(forecast.whole),
                people=counted("people", forecast.examined),
                part=number(forecast.in_part),
                none=number(forecast.not_at_all),
            )
        )
        if forecast.examined < job.people_left:
            notes.append(text("import.forecast_part", left=number(job.people_left)))
    return notes


def _change(change: RowChange) -> ChangeLine:
    return ChangeLine(
        line=number(change.line),
        person=visible(change.person, limit=MAX_CELL),
        values=[
            (visible(each.name, limit=MAX_CELL), _shown(each.before), _shown(each.after)) for each in change.values
        ],
    )


def _shown(value: str | None) -> str:
    return text("import.no_value") if value is None else visible(value, limit=MAX_CELL)


def _reject(cells: Sequence[str]) -> RejectLine:
    line, outcome, reason = cells[:3]
    return RejectLine(line=line, outcome=text(f"import.outcome.{outcome.replace(' ', '_')}"), reason=visible(reason))
