"""The OpenAPI document of this server. What it says stands in ``openapi.yaml``, for people to read and change."""

from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any, Final

import yaml
from starlette.concurrency import run_in_threadpool

from workspace_operator.web.core.dependencies import Dependencies
from workspace_operator.web.core.http import Request, Response
from workspace_operator.web.core.response_sender import JSON_TYPE, json_bytes
from workspace_operator.web.core.router import Authentication, ErrorFormat, Route

PATH: Final = "/openapi.json"

_FILE: Final = "openapi.yaml"
_SHARED_ANCHORS: Final = "x-shared"
"""Anchors that only the file needs."""


def routes(_: Dependencies) -> Sequence[Route]:
    """The one route, for everybody."""

    async def openapi(_: Request) -> Response:
        return Response(document=await run_in_threadpool(_openapi_json), headers={"content-type": JSON_TYPE.decode()})

    return [Route("GET", PATH, openapi, authentication=Authentication.NONE, error_format=ErrorFormat.V1)]


def document() -> dict[str, Any]:
    """The document that is served."""
    text = resources.files(__package__).joinpath(_FILE).read_text(encoding="utf-8")
    content: dict[str, Any] = yaml.safe_load(text)
    del content[_SHARED_ANCHORS]
    return content


@cache
def _openapi_json() -> bytes:
    """Reading it takes a tenth of a second, once."""
    return json_bytes(document())
