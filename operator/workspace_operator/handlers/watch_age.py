"""The time since the API server last answered the watches of Workspaces and Accounts.

No reconcile detects a dead watch: it looks like a cluster without changes. So every response to a list or watch request
and every event is recorded, and readiness and a metric use the age of the last one. The server ends each watch request
after ``SERVER_SECONDS``, so a healthy watch gets a response at least that often, even without events.

Readiness depends on the watch of Workspaces only: the same pod may serve the people API, which Accounts do not concern.
Failed requests are recorded, too: a watch that fails is tried again, but one that makes no requests at all has ended,
and has to be started anew.
"""

import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from types import SimpleNamespace

import aiohttp
from prometheus_client import generate_latest
from prometheus_client.core import GaugeMetricFamily

from workspace_operator.resources.schema import CUSTOM_RESOURCES, WORKSPACE, CustomResource

SERVER_SECONDS = 45
"""Duration of a watch request, in whole seconds; the next one continues at the same resource version."""

STALE_AFTER = 90.0
"""Seconds without a response after which the watch counts as dead, and without any request as ended."""

METRIC = "workspace_operator_watch_age_seconds"


@dataclass(slots=True)
class _Contact:
    """The last response and the last request, answered or not, on one path, and whether that request failed."""

    answered_at: float
    requested_at: float
    has_failed: bool = False


@dataclass(slots=True)
class WatchAge:
    """The age of the watches; its methods can be called from any thread."""

    monotonic: Callable[[], float]
    _contacts: dict[str, _Contact] = field(default_factory=dict)
    """By the path of the list: one for each namespace, or one for all."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _started_at: float = field(init=False)

    def __post_init__(self) -> None:
        self._started_at = self.monotonic()

    def seconds(self, kind: CustomResource = WORKSPACE) -> float:
        """The age of the oldest watch of a kind; since the start, if none had a response yet."""
        oldest = min((contact.answered_at for contact in self._of(kind)), default=self._started_at)
        return max(0.0, self.monotonic() - oldest)

    def is_alive(self) -> bool:
        """Whether every watch of Workspaces had a recent response, and no newest request has failed."""
        contacts = self._of(WORKSPACE)
        is_answered = bool(contacts) and not any(contact.has_failed for contact in contacts)
        return is_answered and self.seconds() <= STALE_AFTER

    def text(self) -> bytes:
        """The metric as Prometheus text."""
        return generate_latest(self)

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """The metric; `WatchAge` is a Prometheus collector."""
        description = "Seconds since the API server last answered the watch of a kind."
        family = GaugeMetricFamily(METRIC, description, labels=["kind"])
        for kind in CUSTOM_RESOURCES:
            family.add_metric([kind.kind], round(self.seconds(kind), 3))
        return (family,)

    def answered(self, path: str) -> None:
        """Record a response or an event on the path of a list or watch."""
        with self._lock:
            now = self.monotonic()
            self._contacts[path] = _Contact(now, now)

    def failed(self, path: str) -> None:
        """Record that a request was refused or got no response."""
        with self._lock:
            contact = self._contacts.setdefault(path, _Contact(self._started_at, self._started_at))
            contact.requested_at = self.monotonic()
            contact.has_failed = True

    def restarted(self) -> None:
        """Forget the requests of an earlier watch, so that the new one gets the time to make its own."""
        with self._lock:
            self._started_at = self.monotonic()
            for contact in self._contacts.values():
                contact.requested_at = self._started_at

    def ended(self) -> Collection[str]:
        """The plurals of the resources whose watch, in one of the namespaces, has made no request for a long time."""
        now = self.monotonic()
        return [kind.plural for kind in CUSTOM_RESOURCES if now - self._latest_request(kind) > STALE_AFTER]

    def _latest_request(self, kind: CustomResource) -> float:
        """When the watch that has made no request for the longest time made its latest one."""
        return min((contact.requested_at for contact in self._of(kind)), default=self._started_at)

    def tracing(self) -> aiohttp.TraceConfig:
        """The trace configuration with which an HTTP session records its requests here."""
        trace = aiohttp.TraceConfig()
        trace.on_request_end.append(self._on_end)
        trace.on_request_exception.append(self._on_exception)
        return trace

    def _of(self, kind: CustomResource) -> Sequence[_Contact]:
        with self._lock:
            return [contact for path, contact in self._contacts.items() if path.endswith(f"/{kind.plural}")]

    async def _on_end(
        self, _: aiohttp.ClientSession, __: SimpleNamespace, parameters: aiohttp.TraceRequestEndParams
    ) -> None:
        if not is_watched(parameters.url.path):
            return
        status = parameters.response.status
        if status < HTTPStatus.BAD_REQUEST or status == HTTPStatus.GONE:  # gone: the list starts again
            self.answered(parameters.url.path)
        else:
            self.failed(parameters.url.path)

    async def _on_exception(
        self, _: aiohttp.ClientSession, __: SimpleNamespace, parameters: aiohttp.TraceRequestExceptionParams
    ) -> None:
        if is_watched(parameters.url.path):
            self.failed(parameters.url.path)


def is_watched(path: str) -> bool:
    """Whether a path is that of a list of Workspaces or Accounts, of one namespace or of all."""
    return path.endswith(tuple(f"/{kind.plural}" for kind in CUSTOM_RESOURCES))
