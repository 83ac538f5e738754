"""Parsing of requests; large ones in a thread, one at a time, to keep the event loop free."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread

from workspace_operator.web.core.http import Request

Result = TypeVar("Result")
Arguments = ParamSpec("Arguments")

INLINE_BYTES: Final = 2_048
"""Bodies up to this size are parsed on the event loop: faster than switching threads."""


@dataclass(slots=True)
class RequestParser:
    """Runs parse functions: on the event loop for short requests, in a thread for all others."""

    _limiter: CapacityLimiter | None = field(default=None)

    async def run(
        self, request: Request, parse: Callable[Arguments, Result], *args: Arguments.args, **options: Arguments.kwargs
    ) -> Result:
        """Call ``parse`` with these arguments; passes on its exceptions."""
        if len(request.body) <= INLINE_BYTES and all(param.isascii() for param in request.path_params):
            return parse(*args, **options)
        self._limiter = self._limiter or CapacityLimiter(1)
        return await to_thread.run_sync(lambda: parse(*args, **options), limiter=self._limiter)
