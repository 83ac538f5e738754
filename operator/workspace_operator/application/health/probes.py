"""Probes of a process over HTTP: liveness, readiness and metrics."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from workspace_operator.errors import InvalidInput

READY_PATH: Final = "/readyz"
METRICS_PATH: Final = "/metrics"
METRICS_CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
"""Content type of the Prometheus text format."""

ENDPOINT_OPTION: Final = "--health-endpoint"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeEndpoint:
    """Address of the probe server, and path of the liveness probe."""

    host: str
    port: int
    liveness_path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeHandlers:
    """Functions that answer probes: readiness, and metrics in the Prometheus text format.

    ``is_ready`` never blocks; ``metrics`` may block, and is called in a worker thread.
    """

    is_ready: Callable[[], bool]
    metrics: Callable[[], bytes]


def parse_endpoint(url: str) -> ProbeEndpoint:
    """Parse ``http://HOST:PORT/PATH``. Raises InvalidInput."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme != "http" or not parts.hostname or not port or parts.path in ("", "/", READY_PATH, METRICS_PATH):
        message = f"{ENDPOINT_OPTION} {url!r} must be http://HOST:PORT/PATH, such as http://0.0.0.0:8080/healthz"
        raise InvalidInput(message, field=ENDPOINT_OPTION)
    return ProbeEndpoint(host=parts.hostname, port=port, liveness_path=parts.path)


def combined_probes(*probes: ProbeHandlers) -> ProbeHandlers:
    """Combine the probes of several parts of a process: ready if all are; the metrics of all."""
    return ProbeHandlers(
        is_ready=lambda: all(part.is_ready() for part in probes),
        metrics=lambda: b"".join(part.metrics() for part in probes),
    )
