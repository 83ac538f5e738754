"""Endpoints of imports: files of people as jobs (track-api.md §2)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from anyio import CapacityLimiter, to_thread

from workspace_operator.application.audit.entries import rejects_download_entry
from workspace_operator.application.imports.rejects import rejects_lines
from workspace_operator.application.ports import Actor, Imports
from workspace_operator.errors import Conflict, NotFound
from workspace_operator.http_server.responses import Response, chunks
from workspace_operator.imports.model import ImportJob
from workspace_operator.web.app_api.cleanups.cleanup_routes import not_found, path_number, read_route, write_route
from workspace_operator.web.app_api.imports.documents import (
    import_document,
    parse_mapping,
    parse_run,
    whole_import_document,
)
from workspace_operator.web.core.dependencies import Dependencies
from workspace_operator.web.core.error_responses import error_response
from workspace_operator.web.core.http import Request
from workspace_operator.web.core.router import Authentication, ErrorFormat, Route

MAX_IMPORTS: Final = 100
"""Number of imports in a list: the newest ones."""

MAX_FORECAST: Final = 1_000
"""People at whom a response looks to say what an undo could do."""

UPLOADS: Final = 2
"""Files that a process takes in at once."""

LIST: Final = "/v1/imports"


@dataclass(slots=True, kw_only=True)
class ImportsAPI:
    """The endpoints; each is about the workspace of the caller's key."""

    dependencies: Dependencies
    _limiter: CapacityLimiter | None = field(default=None, init=False)

    @property
    def imports(self) -> Imports:
        """The imports of all workspaces."""
        return self.dependencies.import_preparation.imports

    def list_imports(self, request: Request) -> Response:
        """``GET /v1/imports``: the imports, newest first."""
        found = self.imports.recent(request.caller.workspace_id, limit=MAX_IMPORTS)
        return Response(document={"imports": [import_document(job) for job in found]})

    def get(self, request: Request) -> Response:
        """``GET /v1/imports/{n}``: one import, with its columns and what an undo could do."""
        job, now = self._of_import(request, self.imports.get), self.dependencies.clock()
        forecast = None
        if job.can_be_undone(now):
            forecast = self.imports.forecast(job.workspace_id, job.number, limit=MAX_FORECAST, now=now)
        return Response(document={"import": whole_import_document(job, forecast)})

    async def upload(self, request: Request) -> Response:
        """``POST /v1/imports``: begin an import with a file."""
        self._limiter = self._limiter or CapacityLimiter(UPLOADS)
        return await to_thread.run_sync(self._receive, request, limiter=self._limiter)

    def _receive(self, request: Request) -> Response:
        assert request.upload is not None  # noqa: S101 - by the declaration of the route
        caller, preparation = request.caller, self.dependencies.import_preparation
        actor = Actor.app_key(caller.number)
        try:
            job = request.upload.receive(
                lambda form: preparation.receive(caller.workspace_id, form.file, form.file_name, actor=actor)
            )
        except Conflict as error:
            return error_response(ErrorFormat.APP, HTTPStatus.CONFLICT, str(error))
        return Response(status=HTTPStatus.CREATED, document={"import": whole_import_document(job, None)})

    def rejects(self, request: Request) -> Response:
        """``GET /v1/imports/{n}/rejects``: the rejected rows as CSV."""
        job, now = self._of_import(request, self.imports.get), self.dependencies.clock()
        lines = rejects_lines(self.imports, job, now=now)
        actor = Actor.app_key(request.caller.number)
        self.dependencies.audit_log.record(rejects_download_entry(job, actor=actor, at=now))
        headers = {
            "content-type": "text/csv; charset=utf-8",
            "content-disposition": f'attachment; filename="import-{job.number}.rejects.csv"',
        }
        return Response(document=chunks(lines), headers=headers)

    def choose(self, request: Request) -> Response:
        """``POST /v1/imports/{n}/mapping``: choose what the columns become."""
        mapping = parse_mapping(request.body)
        job = self._of_import(request, self.dependencies.import_preparation.choose, mapping)
        return Response(document={"import": whole_import_document(job, None)})

    def check(self, request: Request) -> Response:
        """``POST /v1/imports/{n}/dry_run``: have the worker try the rows."""
        return _accepted(self._of_import(request, self.imports.check, now=self.dependencies.clock()))

    def run(self, request: Request) -> Response:
        """``POST /v1/imports/{n}/run``: have the worker import the rows."""
        return _accepted(self._change(request, partial(self.imports.run, seen=parse_run(request.body))))

    def stop(self, request: Request) -> Response:
        """``POST /v1/imports/{n}/stop``: have the worker stop after the present batch."""
        return _accepted(self._change(request, self.imports.stop))

    def undo(self, request: Request) -> Response:
        """``POST /v1/imports/{n}/undo``: have the worker undo the import."""
        return _accepted(self._change(request, self.imports.undo))

    def discard(self, request: Request) -> Response:
        """``POST /v1/imports/{n}/discard``: end an import before it runs."""
        return Response(document={"import": import_document(self._change(request, self.imports.discard))})

    def _change(self, request: Request, change: Callable[..., ImportJob]) -> ImportJob:
        actor = Actor.app_key(request.caller.number)
        return self._of_import(request, change, actor=actor, now=self.dependencies.clock())

    def _of_import(self, request: Request, call: Callable[..., ImportJob], *args: object, **options: Any) -> ImportJob:
        """Call a method about the import of the path."""
        number = path_number(request, "import", listed_by=LIST)
        try:
            return call(request.caller.workspace_id, number, *args, **options)
        except NotFound:
            raise not_found("import", number, listed_by=LIST) from None


def routes(dependencies: Dependencies) -> Sequence[Route]:
    """The routes of imports."""
    api, one = ImportsAPI(dependencies=dependencies), f"{LIST}/{{import_number}}"
    upload = Route(
        "POST",
        LIST,
        api.upload,
        authentication=Authentication.APP,
        error_format=ErrorFormat.APP,
        takes_file=True,
        needs_clean=True,
    )
    return [
        read_route(LIST, api.list_imports),
        upload,
        read_route(one, api.get),
        read_route(f"{one}/rejects", api.rejects),
        write_route("POST", f"{one}/mapping", api.choose),
        write_route("POST", f"{one}/dry_run", api.check),
        write_route("POST", f"{one}/run", api.run),
        write_route("POST", f"{one}/stop", api.stop),
        write_route("POST", f"{one}/undo", api.undo),
        write_route("POST", f"{one}/discard", api.discard),
    ]


def _accepted(job: ImportJob) -> Response:
    return Response(status=HTTPStatus.ACCEPTED, document={"import": import_document(job)})
