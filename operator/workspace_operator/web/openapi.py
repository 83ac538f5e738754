"""The OpenAPI document of this server, written in ``openapi.yaml``."""

from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any, Final

import yaml
from starlette.concurrency import run_in_threadpool

from workspace_operator.http_server.response_sender import JSON_TYPE, json_bytes
from workspace_operator.http_server.responses import Response
from workspace_operator.web.core.dependencies import Dependencies
from workspace_operator.web.core.http import Request
from workspace_operator.web.core.router import Authentication, ErrorFormat, Route

PATH: Final = "/openapi.json"

_FILE: Final = "openapi.yaml"
_SHARED_ANCHORS: Final = "x-shared"
"""The key of YAML anchors, which the served document does not have."""


def routes(_: Dependencies) -> Sequence[Route]:
    """The route of the document; it needs no credentials."""

    async def openapi(_: Request) -> Response:
        return Response(document=await run_in_threadpool(_openapi_json), headers={"content-type": JSON_TYPE.decode()})

    return [Route("GET", PATH, openapi, authentication=Authentication.NONE, error_format=ErrorFormat.V1)]


def document() -> dict[str, Any]:
    """The OpenAPI document as served."""
    text = resources.files(__package__).joinpath(_FILE).read_text(encoding="utf-8")
    content: dict[str, Any] = yaml.safe_load(text)
    del content[_SHARED_ANCHORS]
    return content


@cache
def _openapi_json() -> bytes:
    """The document as JSON; cached, because parsing the YAML takes a tenth of a second."""
    return json_bytes(document())
