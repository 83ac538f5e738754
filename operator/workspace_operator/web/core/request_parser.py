"""Parsing what may take long: in a thread beside the event loop, one at a time, so that short requests go on."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread

from workspace_operator.web.core.http import Request

Result = TypeVar("Result")
Arguments = ParamSpec("Arguments")

INLINE_BYTES: Final = 2_048
"""A body up to this size is parsed on the event loop: what is in it takes less than a switch of threads, as a rule."""


@dataclass(slots=True)
class RequestParser:
    """Calls what parses requests: at once for short ones, in a thread for all others."""

    _limiter: CapacityLimiter | None = field(default=None)

    async def run(
        self, request: Request, parse: Callable[Arguments, Result], *args: Arguments.args, **options: Arguments.kwargs
    ) -> Result:
        """Call ``parse`` with these arguments; raises what it raises."""
        if len(request.body) <= INLINE_BYTES and all(each.isascii() for each in request.path_params):
            return parse(*args, **options)
        self._limiter = self._limiter or CapacityLimiter(1)
        return await to_thread.run_sync(lambda: parse(*args, **options), limiter=self._limiter)
