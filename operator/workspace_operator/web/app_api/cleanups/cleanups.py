"""Endpoints of cleanups: decisions about the people that block an identifier change (track-api.md §2)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, TypeVar

from workspace_operator.application.cleanups.decision_batches import DraftDecisions
from workspace_operator.application.ports import Actor
from workspace_operator.cleanups.model import Cleanup
from workspace_operator.errors import InvalidInput, NotFound, WorkspaceOperatorError
from workspace_operator.http_server.responses import Response
from workspace_operator.identity.values.text_limits import MAX_ID_BYTES, check_text
from workspace_operator.web.app_api.cleanups import bodies
from workspace_operator.web.app_api.cleanups.cleanup_routes import (
    CLEANUPS,
    batched_write_route,
    cleanup_number,
    not_found,
    of_cleanup,
    page_limit,
    read_route,
    write_route,
)
from workspace_operator.web.app_api.cleanups.documents import (
    cleanup_document,
    decision_document,
    preview_document,
    result_document,
)
from workspace_operator.web.core.dependencies import Dependencies
from workspace_operator.web.core.error_responses import error_response
from workspace_operator.web.core.http import Request
from workspace_operator.web.core.router import ErrorFormat, Route

Result = TypeVar("Result")

MAX_CLEANUPS: Final = 100
"""Number of cleanups in a list: the newest ones."""
MAX_PAGE: Final = 1_000
"""Maximum number of decisions in a response."""
DEFAULT_PAGE: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanupsAPI:
    """The endpoints; each is about the workspace of the caller's key."""

    dependencies: Dependencies

    def list_cleanups(self, request: Request) -> Response:
        """``GET /v1/cleanups``: the cleanups, newest first."""
        found = self.dependencies.cleanups.cleanups(request.caller.workspace_id, limit=MAX_CLEANUPS)
        return Response(document={"cleanups": [cleanup_document(cleanup) for cleanup in found]})

    def cleanup(self, request: Request) -> Response:
        """``GET /v1/cleanups/{n}``: one cleanup."""
        return Response(document=self._numbers(request))

    def open(self, request: Request) -> Response:
        """``POST /v1/cleanups`` with a migration: the cleanup that has not ended, or a new one."""
        migration, caller = bodies.parse_migration(request.body), request.caller
        cleanup, is_new = self.dependencies.cleanups.open(
            caller.workspace_id,
            migration=migration,
            actor=Actor.app_key(caller.number),
            now=self.dependencies.clock(),
        )
        return _answer(cleanup, HTTPStatus.CREATED if is_new else HTTPStatus.OK)

    def decisions(self, request: Request) -> Response:
        """``GET /v1/cleanups/{n}/decisions?after&limit``: the decisions, by cio_id."""
        limit = page_limit(request.query, default=DEFAULT_PAGE, most=MAX_PAGE)
        check_text(after := request.query.get("after", ""), field="after", limit=MAX_ID_BYTES)
        found = of_cleanup(request, self.dependencies.cleanups.decisions, after=after, limit=limit + 1)
        page = found[:limit]
        following = page[-1].cio_id if len(found) > limit else ""
        return Response(document={"decisions": [decision_document(stored) for stored in page], "next": following})

    async def decide(self, request: Request) -> Response:
        """``PUT /v1/cleanups/{n}/decisions``: make decisions, and replace earlier ones."""
        number = cleanup_number(request)
        decisions = await self.dependencies.parser.run(request, bodies.parse_decisions, request.body)
        wanted = DraftDecisions(number, decisions, Actor.app_key(request.caller.number))
        [outcome] = await self.dependencies.decisions.submit(request.caller.workspace_id, [wanted])
        if isinstance(outcome, NotFound):
            raise not_found("cleanup", number, listed_by=CLEANUPS)
        if isinstance(outcome, WorkspaceOperatorError):
            raise outcome
        is_refused = any(result.refusal is not None for result in outcome.results)
        return Response(
            status=HTTPStatus.MULTI_STATUS if is_refused else HTTPStatus.OK,
            document={
                "results": [result_document(result) for result in outcome.results],
                "cleanup": cleanup_document(outcome.cleanup),
            },
        )

    def remove_decisions(self, request: Request) -> Response:
        """``DELETE /v1/cleanups/{n}/decisions``: remove decisions."""
        cio_ids = bodies.parse_cio_ids(request.body)
        removed = self._change(request, self.dependencies.cleanups.remove_decisions, cio_ids)
        return Response(document={"removed": removed, **self._numbers(request)})

    def apply(self, request: Request) -> Response:
        """``POST /v1/cleanups/{n}/apply``: have the worker apply the draft that the caller has seen."""
        wanted = bodies.parse_apply(request.body)
        try:
            cleanup = self._change(request, self.dependencies.cleanups.apply, wanted)
        except InvalidInput as error:
            return error_response(ErrorFormat.APP, HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
        return _answer(cleanup, HTTPStatus.ACCEPTED)

    def stop(self, request: Request) -> Response:
        """``POST /v1/cleanups/{n}/stop``: have the worker stop after the present batch."""
        return _answer(self._change(request, self.dependencies.cleanups.stop), HTTPStatus.ACCEPTED)

    def undo(self, request: Request) -> Response:
        """``POST /v1/cleanups/{n}/undo``: have the worker undo all decisions, or those about some people."""
        cio_ids = bodies.parse_undo(request.body)
        return _answer(self._change(request, self.dependencies.cleanups.undo, cio_ids), HTTPStatus.ACCEPTED)

    def undo_preview(self, request: Request) -> Response:
        """``GET /v1/cleanups/{n}/undo_preview``: what would be restored if the cleanup were undone now."""
        now = self.dependencies.clock()
        preview = of_cleanup(request, self.dependencies.undo_previews.preview, now=now)
        return Response(document={"preview": preview_document(preview)})

    def discard(self, request: Request) -> Response:
        """``POST /v1/cleanups/{n}/discard``: end a draft."""
        return _answer(self._change(request, self.dependencies.cleanups.discard))

    def _numbers(self, request: Request) -> dict[str, Any]:
        """The cleanup as it is after a change, perhaps of another client, too."""
        return {"cleanup": cleanup_document(of_cleanup(request, self.dependencies.cleanups.get))}

    def _change(self, request: Request, change: Callable[..., Result], *args: object) -> Result:
        """Call a method of the port that changes the cleanup of the path."""
        actor = Actor.app_key(request.caller.number)
        return of_cleanup(request, change, *args, actor=actor, now=self.dependencies.clock())


def routes(dependencies: Dependencies) -> Sequence[Route]:
    """The routes of cleanups."""
    api, one = CleanupsAPI(dependencies=dependencies), "/v1/cleanups/{cleanup_number}"
    return [
        read_route("/v1/cleanups", api.list_cleanups),
        write_route("POST", "/v1/cleanups", api.open),
        read_route(one, api.cleanup),
        read_route(f"{one}/decisions", api.decisions, query=("after", "limit")),
        batched_write_route("PUT", f"{one}/decisions", api.decide),
        write_route("DELETE", f"{one}/decisions", api.remove_decisions),
        write_route("POST", f"{one}/apply", api.apply),
        write_route("POST", f"{one}/stop", api.stop),
        write_route("POST", f"{one}/undo", api.undo),
        read_route(f"{one}/undo_preview", api.undo_preview),
        write_route("POST", f"{one}/discard", api.discard),
    ]


def _answer(cleanup: Cleanup, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(status=status, document={"cleanup": cleanup_document(cleanup)})
