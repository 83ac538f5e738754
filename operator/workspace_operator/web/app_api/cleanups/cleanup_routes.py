"""Routes of migrations, cleanups and imports: what they have in common."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Concatenate, Final, ParamSpec, TypeVar

from workspace_operator.errors import Conflict, InvalidInput, NotFound
from workspace_operator.http_server.responses import Response
from workspace_operator.identity.values.text_limits import quoted
from workspace_operator.web.app_api.app_routes import app_route, event_loop_route
from workspace_operator.web.app_api.cleanups.bodies import BODY_LIMIT
from workspace_operator.web.app_api.message_pages import number_of
from workspace_operator.web.core.error_responses import error_response
from workspace_operator.web.core.http import Request
from workspace_operator.web.core.router import ErrorFormat, Route

CLEANUPS: Final = "/v1/cleanups"
"""The path that lists cleanups."""

Result = TypeVar("Result")
Parameters = ParamSpec("Parameters")


def read_route(pattern: str, endpoint: Callable[[Request], Response], *, query: Sequence[str] = ()) -> Route:
    """A GET, for every App key. A Conflict that the endpoint raises is a 409."""
    return app_route("GET", pattern, _with_conflicts(endpoint), query=query)


def write_route(method: str, pattern: str, endpoint: Callable[[Request], Response]) -> Route:
    """A route for App keys that may clean up people. A Conflict that the endpoint raises is a 409."""
    return app_route(method, pattern, _with_conflicts(endpoint), body_limit=BODY_LIMIT, needs_clean=True)


def _with_conflicts(endpoint: Callable[[Request], Response]) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        try:
            return endpoint(request)
        except Conflict as error:
            return conflict_response(error)

    return answer


def batched_write_route(method: str, pattern: str, endpoint: Callable[[Request], Awaitable[Response]]) -> Route:
    """As `write_route`, with an endpoint that runs on the event loop and submits its work to a batcher."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except Conflict as error:
            return conflict_response(error)

    return event_loop_route(method, pattern, answer, body_limit=BODY_LIMIT, needs_clean=True)


def conflict_response(error: Conflict) -> Response:
    """The answer to a request that the state of a cleanup forbids."""
    return error_response(ErrorFormat.APP, HTTPStatus.CONFLICT, str(error))


def path_number(request: Request, what: str, *, listed_by: str, index: int = 0) -> int:
    """The number in the path, of several the one at ``index``. Raises NotFound if it is not written as a number."""
    text = request.path_params[index]
    number = number_of(text)
    if number is None or str(number) != text:
        raise not_found(what, quoted(text), listed_by=listed_by)
    return number


def not_found(what: str, number: int | str, *, listed_by: str) -> NotFound:
    """The error that the workspace has nothing of a number; ``listed_by`` is the path of the list."""
    return NotFound(f"there is no {what} {number}: GET {listed_by} lists those of this workspace")


def of_cleanup(
    request: Request,
    call: Callable[Concatenate[int, int, Parameters], Result],
    *args: Parameters.args,
    **options: Parameters.kwargs,
) -> Result:
    """Call a method of a port about the cleanup of the path. Raises NotFound if there is none."""
    number = cleanup_number(request)
    try:
        return call(request.caller.workspace_id, number, *args, **options)
    except NotFound:
        raise not_found("cleanup", number, listed_by=CLEANUPS) from None


def cleanup_number(request: Request) -> int:
    """The number of the cleanup of the path. Raises NotFound if it is not written as a number."""
    return path_number(request, "cleanup", listed_by=CLEANUPS)


def page_limit(query: Mapping[str, str], *, default: int, most: int) -> int:
    """The parameter ``limit``. Raises InvalidInput."""
    text = query.get("limit", str(default))
    limit = number_of(text)
    if limit is None or not 1 <= limit <= most:
        raise InvalidInput(f"limit {quoted(text)} must be a number from 1 to {most}", field="limit")
    return limit
