"""Watch age: time since the API server last answered the watch of Workspace resources.

A dead watch delivers no events, exactly as a cluster without edits. So this module records every response to a list or
watch request, and readiness and a metric show the age of the last one. The server ends each watch request after
``SERVER_SECONDS``, so a healthy watch is answered at least that often, even without events.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from types import SimpleNamespace

import aiohttp

from workspace_operator.resources.workspaces import PLURAL

SERVER_SECONDS = 45
"""Duration of one watch request, in whole seconds; the next one continues at the same resource version."""

STALE_AFTER = 90.0
"""Seconds without a response after which the watch counts as dead."""

METRIC = "workspace_operator_watch_age_seconds"


@dataclass(slots=True)
class _Contact:
    """Time of the last response on one path, and whether the newest request failed."""

    answered_at: float
    has_failed: bool = False


@dataclass(slots=True)
class WatchAge:
    """Age of the watches. Methods may be called from any thread."""

    monotonic: Callable[[], float]
    _contacts: dict[str, _Contact] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _started_at: float = field(init=False)

    def __post_init__(self) -> None:
        self._started_at = self.monotonic()

    def seconds(self) -> float:
        """Age of the oldest watch; there is one watch per namespace, or one for all."""
        with self._lock:
            oldest = min((contact.answered_at for contact in self._contacts.values()), default=self._started_at)
        return max(0.0, self.monotonic() - oldest)

    def is_alive(self) -> bool:
        """Whether every watch has a recent response, and no newest request failed."""
        with self._lock:
            is_answered = bool(self._contacts) and not any(contact.has_failed for contact in self._contacts.values())
        return is_answered and self.seconds() <= STALE_AFTER

    def text(self) -> bytes:
        """The metric, in the Prometheus text format."""
        description = "Seconds since the API server last answered the watch of Workspace resources."
        return f"# HELP {METRIC} {description}\n# TYPE {METRIC} gauge\n{METRIC} {self.seconds():.3f}\n".encode()

    def answered(self, path: str) -> None:
        """Record a response or an event on the path of a list or watch."""
        with self._lock:
            self._contacts[path] = _Contact(self.monotonic())

    def failed(self, path: str) -> None:
        """Record that a request was rejected or not answered."""
        with self._lock:
            self._contacts.setdefault(path, _Contact(self._started_at)).has_failed = True

    def tracing(self) -> aiohttp.TraceConfig:
        """Trace configuration of an HTTP session that records its requests here."""
        trace = aiohttp.TraceConfig()
        trace.on_request_end.append(self._on_end)
        trace.on_request_exception.append(self._on_exception)
        return trace

    async def _on_end(
        self, _: aiohttp.ClientSession, __: SimpleNamespace, parameters: aiohttp.TraceRequestEndParams
    ) -> None:
        if not is_watched(parameters.url.path):
            return
        status = parameters.response.status
        if status < HTTPStatus.BAD_REQUEST or status == HTTPStatus.GONE:  # 410 Gone: Kopf lists again
            self.answered(parameters.url.path)
        else:
            self.failed(parameters.url.path)

    async def _on_exception(
        self, _: aiohttp.ClientSession, __: SimpleNamespace, parameters: aiohttp.TraceRequestExceptionParams
    ) -> None:
        if is_watched(parameters.url.path):
            self.failed(parameters.url.path)


def is_watched(path: str) -> bool:
    """Whether a path lists or watches Workspace resources, in one namespace or in all."""
    return path.endswith(f"/{PLURAL}")
