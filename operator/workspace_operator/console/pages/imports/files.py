"""Step 1 of an import: the list of imports, and the file of the next one."""

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Final

from workspace_operator.access.permissions import Permission
from workspace_operator.console.core.dependencies import Dependencies
from workspace_operator.console.core.http import Page, PageRequest, Redirect
from workspace_operator.console.core.routes import Route
from workspace_operator.console.texts import text
from workspace_operator.console.views.formats import visible
from workspace_operator.console.views.imports.lists import imports_view
from workspace_operator.console.views.rights import right
from workspace_operator.errors import Conflict, InvalidInput

LINK: Final = "imports"
MAX_IMPORTS: Final = 50
ROOT: Final = "/w/{workspace}/imports"


def routes(dependencies: Dependencies) -> Sequence[Route]:
    """The routes of this module."""

    def show(request: PageRequest) -> Page:
        return _page(dependencies, request)

    def upload(request: PageRequest) -> Page | Redirect:
        assert request.upload is not None  # noqa: S101 - by the declaration of the route
        form, number = request.upload, request.workspace_id
        try:
            job = dependencies.import_preparation.receive(number, form.file, form.file_name, actor=request.actor)
        except InvalidInput as error:
            refused = _page(dependencies, request, note=visible(str(error)))
            return replace(refused, status=HTTPStatus.UNPROCESSABLE_ENTITY)
        except Conflict as error:
            return replace(_page(dependencies, request, note=visible(str(error))), status=HTTPStatus.CONFLICT)
        return Redirect(location=f"/w/{number}/imports/{job.number}")

    return (
        Route(method="GET", pattern=ROOT, access=Permission.VIEW, handler=show),
        Route(method="POST", pattern=ROOT, access=Permission.PREPARE, handler=upload, takes_file=True),
    )


def _page(dependencies: Dependencies, request: PageRequest, *, note: str = "") -> Page:
    jobs = dependencies.import_preparation.imports.recent(request.workspace_id, limit=MAX_IMPORTS)
    may_prepare = right(request.workspace, Permission.PREPARE)
    view = imports_view(request.workspace_id, jobs, may_prepare, note=note)
    return Page(template="imports.html", title=text("imports.title"), view=view, link=LINK)
