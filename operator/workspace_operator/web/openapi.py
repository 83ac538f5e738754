"""The OpenAPI document of this server. What it says stands in ``openapi.yaml``, for people to read and change."""

from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any, Final

import yaml
from starlette.concurrency import run_in_threadpool

from workspace_operator.web.exchanges import Inquiry, Reply
from workspace_operator.web.routes import Authentication, ErrorForm, Route
from workspace_operator.web.sending import JSON_TYPE, json_bytes
from workspace_operator.web.services import Services

PATH: Final = "/openapi.json"

_FILE: Final = "openapi.yaml"
_OURS: Final = "x-shared"
"""Anchors that only the file needs."""


def routes(_: Services) -> Sequence[Route]:
    """The one route, for everybody."""

    async def openapi(_: Inquiry) -> Reply:
        return Reply(document=await run_in_threadpool(_written), headers={"content-type": JSON_TYPE.decode()})

    return [Route("GET", PATH, openapi, authentication=Authentication.NONE, error_form=ErrorForm.V1)]


def document() -> dict[str, Any]:
    """The document that is served."""
    text = resources.files(__package__).joinpath(_FILE).read_text(encoding="utf-8")
    content: dict[str, Any] = yaml.safe_load(text)
    del content[_OURS]
    return content


@cache
def _written() -> bytes:
    """Reading it takes a tenth of a second, once."""
    return json_bytes(document())
