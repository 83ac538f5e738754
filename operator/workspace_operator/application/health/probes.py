"""What looks after a process asks over HTTP: whether it is alive, whether it is ready, and what it has counted."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from workspace_operator.errors import InvalidInput

READY_PATH: Final = "/readyz"
METRICS_PATH: Final = "/metrics"
METRICS_CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
"""What Prometheus takes it for."""

ENDPOINT_OPTION: Final = "--health-endpoint"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeEndpoint:
    """Where probes are answered."""

    host: str
    port: int
    liveness_path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeHandlers:
    """What is answered: whether all is well with the work, and metrics in Prometheus' text form.

    ``is_ready`` never waits; ``metrics`` may, and is called in a worker thread.
    """

    is_ready: Callable[[], bool]
    metrics: Callable[[], bytes]


def parse_endpoint(url: str) -> ProbeEndpoint:
    """Read ``http://HOST:PORT/PATH``. Raises InvalidInput."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    taken = ("", "/", READY_PATH, METRICS_PATH)
    if parts.scheme != "http" or not parts.hostname or not port or parts.path in taken:
        message = f"{ENDPOINT_OPTION} {url!r} must be http://HOST:PORT/PATH, such as http://0.0.0.0:8080/healthz"
        raise InvalidInput(message, field=ENDPOINT_OPTION)
    return ProbeEndpoint(host=parts.hostname, port=port, liveness_path=parts.path)


def combined_probes(*probes: ProbeHandlers) -> ProbeHandlers:
    """Answer for several parts of one process: ready if all are; the metrics of all."""
    return ProbeHandlers(
        is_ready=lambda: all(each.is_ready() for each in probes),
        metrics=lambda: b"".join(each.metrics() for each in probes),
    )
