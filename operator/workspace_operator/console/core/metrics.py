"""Prometheus metrics of the console: its requests, by route and without a series per person or workspace."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, generate_latest

from workspace_operator.http_server.access_records import AccessRecord

# Without this, the library adds a creation time to each series, which doubles the size of a scrape.
disable_created_metrics()  # type: ignore[no-untyped-call]

DURATION_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)


class ConsoleMetrics:
    """The metrics of the console of one process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "workspace_operator_console_requests",
            "Requests of browsers to the console.",
            ["route", "method", "status"],
            registry=self._registry,
        )
        self._durations = Histogram(
            "workspace_operator_console_request_duration_seconds",
            "Time from the headers of a request to the last byte of the response.",
            ["route"],
            buckets=DURATION_BUCKETS,
            registry=self._registry,
        )

    def count_request(self, record: AccessRecord) -> None:
        """Count a request."""
        self._requests.labels(record.route, record.method, f"{record.status // 100}xx").inc()
        self._durations.labels(record.route).observe(record.seconds)

    def text(self) -> bytes:
        """All metrics as Prometheus text."""
        return generate_latest(self._registry)
