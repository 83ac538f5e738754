"""Prometheus metrics of the console, without series per person or workspace."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from workspace_operator.http_server.access_records import AccessRecord

DURATION_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0)


class ConsoleMetrics:
    """Counts the requests of a process that serves the console."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "workspace_operator_console_requests",
            "Requests to the web console.",
            ["route", "method", "status"],
            registry=registry,
        )
        self._durations = Histogram(
            "workspace_operator_console_request_duration_seconds",
            "Time from the headers of a request to the web console to the last byte of the response.",
            ["route"],
            buckets=DURATION_BUCKETS,
            registry=registry,
        )

    def count_request(self, record: AccessRecord) -> None:
        """Count a request."""
        self._requests.labels(record.route, record.method, f"{record.status // 100}xx").inc()
        self._durations.labels(record.route).observe(record.seconds)

    def text(self) -> bytes:
        """The metrics as Prometheus text."""
        return generate_latest(self._registry)
