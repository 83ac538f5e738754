"""The imports of a workspace, and the form for the next file: step 1."""

from collections.abc import Sequence
from dataclasses import dataclass

from workspace_operator.console.texts import counted, text
from workspace_operator.console.views.formats import ShownTime, time, visible
from workspace_operator.console.views.rights import Right
from workspace_operator.imports.model import OPEN, ImportJob, ImportState


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportLine:
    """An import in the list."""

    href: str
    title: str
    file_name: str
    state: str
    result: str
    by: str
    at: ShownTime


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportsView:
    """The list, newest first.

    Attributes:
        open_href: the import that is under way, so that no other file can be taken in; empty if there is none.
        note: why a file was refused; empty if none was.
    """

    href: str
    lines: Sequence[ImportLine]
    open_href: str
    open_text: str
    note: str
    may_prepare: Right


def imports_view(workspace_id: int, jobs: Sequence[ImportJob], may_prepare: Right, *, note: str = "") -> ImportsView:
    """The page of all imports."""
    href = f"/w/{workspace_id}/imports"
    # The file of an upload is another browser's, so there is nothing to show of it yet.
    under_way = next((job for job in jobs if job.state in OPEN), None)
    return ImportsView(
        href=href,
        lines=[_line(href, job) for job in jobs],
        open_href="" if under_way is None else f"{href}/{under_way.number}",
        open_text="" if under_way is None else text("imports.under_way", number=under_way.number),
        note=note,
        may_prepare=may_prepare,
    )


def _line(href: str, job: ImportJob) -> ImportLine:
    return ImportLine(
        href=f"{href}/{job.number}",
        title=text("import.title", number=job.number),
        file_name=visible(job.file_name),
        state=text(f"import.state.{job.state}"),
        result=result_sentence(job) if job.state in (ImportState.DONE, ImportState.UNDONE) else "",
        by=visible(job.run_by or job.created_by),
        at=time(job.run_at or job.created_at),
    )


def result_sentence(job: ImportJob) -> str:
    """What became of the rows, such as ``4 created, 2,017 changed, 3 unchanged``."""
    counts = job.counts
    numbers = {
        "made": counts.made,
        "changed": counts.changed,
        "unchanged": counts.unchanged,
        "skipped": counts.skipped,
        "rejected": counts.rejected,
        "in_part": counts.in_part,
    }
    always = ("made", "changed", "unchanged", "rejected")
    return ", ".join(
        counted(f"import.count.{name}", count) for name, count in numbers.items() if count or name in always
    )
