"""Routes of the App API: what they have in common."""

from collections.abc import Callable, Sequence

from anyio import to_thread

from workspace_operator.errors import InvalidInput
from workspace_operator.http_server.responses import Response
from workspace_operator.identity.values.text_limits import quoted
from workspace_operator.web.core.http import Handler, Request
from workspace_operator.web.core.router import DEFAULT_BODY_LIMIT, Authentication, ErrorFormat, Route


def app_route(
    method: str,
    pattern: str,
    endpoint: Callable[[Request], Response],
    *,
    query: Sequence[str] = (),
    authentication: Authentication = Authentication.APP,
    body_limit: int = DEFAULT_BODY_LIMIT,
    needs_clean: bool = False,
) -> Route:
    """A route whose endpoint runs in a worker thread, since use cases block. Arguments as of `event_loop_route`."""

    async def handle(request: Request) -> Response:
        return await to_thread.run_sync(endpoint, request)

    return event_loop_route(
        method,
        pattern,
        handle,
        query=query,
        authentication=authentication,
        body_limit=body_limit,
        needs_clean=needs_clean,
    )


def event_loop_route(
    method: str,
    pattern: str,
    endpoint: Handler,
    *,
    query: Sequence[str] = (),
    authentication: Authentication = Authentication.APP,
    body_limit: int = DEFAULT_BODY_LIMIT,
    needs_clean: bool = False,
) -> Route:
    """A route that refuses unknown query parameters, since ignored filters return wrong results.

    ``needs_clean`` is as in `Route`: true for a route that deletes people or changes how they are identified.
    """

    async def handle(request: Request) -> Response:
        for name in request.query:
            if name not in query:
                known = f"use one of {', '.join(query)}" if query else "this path has no parameters"
                raise InvalidInput(f"the query parameter {quoted(name)} is unknown: {known}", field=name)
        return await endpoint(request)

    return Route(
        method,
        pattern,
        handle,
        authentication=authentication,
        error_format=ErrorFormat.APP,
        body_limit=body_limit,
        needs_clean=needs_clean,
    )
