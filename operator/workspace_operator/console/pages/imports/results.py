"""Steps 3 and 4 of an import: what would happen, the progress, the result, and the undo."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from itertools import islice
from typing import Final

from workspace_operator.access.permissions import Permission
from workspace_operator.application.audit.entries import rejects_download_entry
from workspace_operator.application.imports.rejects import rejects_lines
from workspace_operator.console.core.dependencies import Dependencies
from workspace_operator.console.core.errors import refused_page
from workspace_operator.console.core.http import Download, Handler, Page, PageRequest, Redirect
from workspace_operator.console.core.routes import Route
from workspace_operator.console.pages.imports.columns import NUMBER, ONE, columns_page
from workspace_operator.console.pages.imports.files import LINK
from workspace_operator.console.texts import text
from workspace_operator.console.views.imports.results import MAX_REJECTS, ResultContent, Rights, result_view
from workspace_operator.console.views.rights import right
from workspace_operator.errors import StaleRevision
from workspace_operator.imports.model import AT_WORK, ImportJob, ImportState

MAX_FORECAST: Final = 1_000
"""People at whom a page looks to say what an undo could do."""

_CHOOSING: Final = frozenset({ImportState.UPLOADED, ImportState.MAPPED})


def routes(dependencies: Dependencies) -> Sequence[Route]:
    """The routes of this module."""
    imports, clock = dependencies.import_preparation.imports, dependencies.import_preparation.clock

    def show(request: PageRequest) -> Page:
        job = imports.get(request.workspace_id, request.numbers[NUMBER])
        if job.facts is not None and job.state in _CHOOSING:
            return columns_page(request, job, job.facts)
        return _page(dependencies, request, job)

    def rejects(request: PageRequest) -> Download:
        job, now = imports.get(request.workspace_id, request.numbers[NUMBER]), clock()
        lines = rejects_lines(imports, job, now=now)
        dependencies.audit_log.record(rejects_download_entry(job, actor=request.actor, at=now))
        return Download(name=f"import-{job.number}.rejects.csv", lines=lines)

    def action(change: Callable[..., ImportJob]) -> Handler:
        def handle(request: PageRequest) -> Redirect:
            return _to(change(request.workspace_id, request.numbers[NUMBER], actor=request.actor, now=clock()))

        return handle

    return (
        Route(method="GET", pattern=ONE, access=Permission.VIEW, handler=show, is_costly=True),
        Route(method="GET", pattern=f"{ONE}/rejects", access=Permission.DOWNLOAD, handler=rejects, is_costly=True),
        Route(method="POST", pattern=f"{ONE}/run", access=Permission.EDIT, handler=partial(_run, dependencies)),
        Route(method="POST", pattern=f"{ONE}/stop", access=Permission.EDIT, handler=partial(_stop, dependencies)),
        Route(method="POST", pattern=f"{ONE}/undo", access=Permission.APPLY, handler=action(imports.undo)),
        Route(method="POST", pattern=f"{ONE}/discard", access=Permission.PREPARE, handler=action(imports.discard)),
    )


def _run(dependencies: Dependencies, request: PageRequest) -> Page | Redirect:
    preparation, number, seen = dependencies.import_preparation, request.numbers[NUMBER], request.field("seen")
    imports, now = preparation.imports, preparation.clock()
    try:
        return _to(imports.run(request.workspace_id, number, seen=seen, actor=request.actor, now=now))
    except StaleRevision:
        page = _page(dependencies, request, imports.get(request.workspace_id, number), note=text("import.stale"))
        return replace(page, status=HTTPStatus.CONFLICT)


def _stop(dependencies: Dependencies, request: PageRequest) -> Page | Redirect:
    """Stop what the sender may begin: to try and import, or to undo."""
    preparation, number = dependencies.import_preparation, request.numbers[NUMBER]
    imports, now = preparation.imports, preparation.clock()
    may_undo = request.workspace.decision.allows(Permission.APPLY)
    if not may_undo and imports.get(request.workspace_id, number).state is ImportState.UNDOING:
        return refused_page(request.workspace, Permission.APPLY)
    among = AT_WORK if may_undo else AT_WORK - {ImportState.UNDOING}
    return _to(imports.stop(request.workspace_id, number, among=among, actor=request.actor, now=now))


def _to(job: ImportJob) -> Redirect:
    return Redirect(location=f"/w/{job.workspace_id}/imports/{job.number}")


def _page(dependencies: Dependencies, request: PageRequest, job: ImportJob, *, note: str = "") -> Page:
    view = result_view(_content(dependencies, request, job), note=note)
    refreshes = f"{view.href}?refresh=1" if view.is_moving else ""
    return Page(template="import.html", title=view.title, view=view, link=LINK, refreshes=refreshes)


def _content(dependencies: Dependencies, request: PageRequest, job: ImportJob) -> ResultContent:
    imports, now = dependencies.import_preparation.imports, dependencies.import_preparation.clock()
    forecast = None
    if job.can_be_undone(now):
        forecast = imports.forecast(job.workspace_id, job.number, limit=MAX_FORECAST, now=now)
    seen = request.workspace
    return ResultContent(
        job=job,
        rejects=list(islice(imports.rejects(job.workspace_id, job.number), MAX_REJECTS)),
        forecast=forecast,
        rights=Rights(
            prepare=right(seen, Permission.PREPARE),
            run=right(seen, Permission.EDIT),
            download=right(seen, Permission.DOWNLOAD),
            undo=right(seen, Permission.APPLY),
        ),
        now=now,
    )
