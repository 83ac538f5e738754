"""Step 2 of an import: what the columns of its file become."""

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Final

from workspace_operator.access.permissions import Permission
from workspace_operator.application.people.csv_files.columns import IGNORED
from workspace_operator.console.core.dependencies import Dependencies
from workspace_operator.console.core.http import Page, PageRequest, Redirect
from workspace_operator.console.core.routes import Route
from workspace_operator.console.pages.imports.files import LINK
from workspace_operator.console.views.formats import visible
from workspace_operator.console.views.imports.columns import ColumnsContent, columns_view
from workspace_operator.console.views.rights import right
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.rules import IdentifierKind
from workspace_operator.imports.model import PREPARED, FileFacts, ImportJob, ImportMapping

NUMBER: Final = "import"
ONE: Final = "/w/{workspace}/imports/{import}"


def routes(dependencies: Dependencies) -> Sequence[Route]:
    """The routes of this module."""

    def show(request: PageRequest) -> Page | Redirect:
        job = dependencies.import_preparation.imports.get(request.workspace_id, request.numbers[NUMBER])
        if job.facts is None or job.state not in PREPARED:
            return Redirect(location=f"/w/{job.workspace_id}/imports/{job.number}")
        return columns_page(request, job, job.facts)

    def choose(request: PageRequest) -> Page | Redirect:
        preparation, number = dependencies.import_preparation, request.numbers[NUMBER]
        job = preparation.imports.get(request.workspace_id, number)
        mapping = _mapping(request, job)
        try:
            preparation.choose(request.workspace_id, number, mapping)
        except InvalidInput as error:
            return _refused_page(request, job, mapping, error)
        preparation.imports.check(request.workspace_id, number, now=preparation.clock())
        return Redirect(location=f"/w/{request.workspace_id}/imports/{number}")

    return (
        Route(method="GET", pattern=f"{ONE}/columns", access=Permission.VIEW, handler=show),
        Route(method="POST", pattern=f"{ONE}/columns", access=Permission.PREPARE, handler=choose),
    )


def columns_page(request: PageRequest, job: ImportJob, facts: FileFacts) -> Page:
    """The page of the columns of an import, as they are chosen or as their names suggest."""
    return _page(_content(request, job, facts, job.mapping))


def _refused_page(request: PageRequest, job: ImportJob, mapping: ImportMapping, error: InvalidInput) -> Page:
    assert job.facts is not None  # noqa: S101 - an import without a file refuses any choice in another way
    content = _content(request, job, job.facts, mapping)
    if len(mapping.targets) != len(job.facts.columns):
        content = replace(content, mapping=job.mapping)
    page = _page(replace(content, note=visible(str(error)), refused=error.field))
    return replace(page, status=HTTPStatus.UNPROCESSABLE_ENTITY)


def _content(request: PageRequest, job: ImportJob, facts: FileFacts, mapping: ImportMapping | None) -> ColumnsContent:
    return ColumnsContent(
        job=job,
        facts=facts,
        mapping=mapping,
        mode=request.workspace.workspace.mode,
        may_prepare=right(request.workspace, Permission.PREPARE),
    )


def _page(content: ColumnsContent) -> Page:
    view = columns_view(content)
    return Page(template="import_columns.html", title=view.title, view=view, link=LINK)


def _mapping(request: PageRequest, job: ImportJob) -> ImportMapping:
    """What the form chooses. Raises InvalidInput if it is not the form of the page."""
    columns = () if job.facts is None else job.facts.columns
    targets = tuple(request.form.get(f"c{index}", (IGNORED,))[-1] for index in range(len(columns)))
    by = request.form.get("by", ("",))[-1]
    if by not in ("", *IdentifierKind):
        raise InvalidInput("the form names people by something that this page does not offer", field="by")
    return ImportMapping(
        targets=targets,
        by=IdentifierKind(by) if by else None,
        update_only="update_only" in request.form,
        removes_empty=request.form.get("empty_cells", ("",))[-1] == "remove",
    )
