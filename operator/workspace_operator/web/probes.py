"""What looks after the server asks: is it alive, does its store answer, what has it counted."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from starlette.concurrency import run_in_threadpool

from workspace_operator.errors import WorkspaceOperatorError
from workspace_operator.web.exchanges import Handler, Inquiry, Reply
from workspace_operator.web.routes import Authentication, ErrorForm, Route
from workspace_operator.web.services import Services

NOBODYS_DIGEST: Final = ""
"""What is looked up to see that the store answers, as it is for each request."""

_TEXT: Final = {"content-type": "text/plain; charset=utf-8"}
_PROMETHEUS: Final = {"content-type": "text/plain; version=0.0.4; charset=utf-8"}


def routes(services: Services) -> Sequence[Route]:
    """The paths that ask for no credentials: let only your own systems reach them."""

    async def healthz(_: Inquiry) -> Reply:
        return Reply(document=b"alive\n", headers=_TEXT)

    def look() -> None:
        services.credentials.of_app_keys([NOBODYS_DIGEST], now=services.clock())

    async def readyz(_: Inquiry) -> Reply:
        try:
            await run_in_threadpool(look)
        except WorkspaceOperatorError:
            status = HTTPStatus.SERVICE_UNAVAILABLE
            return Reply(status=status, document=b"the store does not answer\n", headers=_TEXT)
        return Reply(document=b"ready\n", headers=_TEXT)

    async def metrics(_: Inquiry) -> Reply:
        counted = await run_in_threadpool(services.metrics.text)
        looked_up = await run_in_threadpool(services.gauges)
        return Reply(document=counted + looked_up, headers=_PROMETHEUS)

    return [_open("/healthz", healthz), _open("/readyz", readyz), _open("/metrics", metrics)]


def _open(path: str, handler: Handler) -> Route:
    return Route("GET", path, handler, authentication=Authentication.NONE, error_form=ErrorForm.V1)
