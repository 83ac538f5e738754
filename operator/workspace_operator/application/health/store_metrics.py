"""Prometheus metrics of the store as a process sees it: durations and failures of its transactions."""

from collections.abc import Callable, Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily

from workspace_operator.errors import CommitUnknown, LockTimeout, StatementTimeout, StoreRefused, StoreUnavailable

DURATION_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

KINDS: Final = ("read", "write")

ERRORS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (CommitUnknown, "commit_unknown"),
    (LockTimeout, "lock_timeout"),
    (StatementTimeout, "statement_timeout"),
    (StoreRefused, "refused"),
    (StoreUnavailable, "unavailable"),
)
"""Values of the label ``error``; the first match counts. Other errors, such as a conflict, do not count."""


class StoreMetrics:
    """Observes the transactions of a database, and renders the metrics as Prometheus text.

    ``is_shared`` says that several processes share their values in files: then the API exposes the sums of all
    processes, and this class only what every process sees by itself.
    """

    def __init__(self, *, is_writable: Callable[[], bool], is_shared: bool = False) -> None:
        self._is_writable, self._is_shared = is_writable, is_shared
        self._registry = registry = CollectorRegistry()
        durations = Histogram(
            "workspace_operator_store_transaction_duration_seconds",
            "Duration of a transaction with its retries and the work of the process in it.",
            ["kind"],
            buckets=DURATION_BUCKETS,
            registry=registry,
        )
        self._errors = Counter(
            "workspace_operator_store_errors",
            "Transactions that failed for a reason of the store.",
            ["kind", "error"],
            registry=registry,
        )
        self._durations = {kind: durations.labels(kind) for kind in KINDS}
        for kind in KINDS:
            for _, error in ERRORS:
                self._errors.labels(kind, error)

    def __call__(self, kind: str, seconds: float, error: BaseException | None) -> None:
        """Record a transaction that ended (a `TransactionObserver`)."""
        self._durations[kind].observe(seconds)
        name = next((name for error_class, name in ERRORS if isinstance(error, error_class)), "")
        if name:
            self._errors.labels(kind, name).inc()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """The gauge of the write path; `StoreMetrics` is a Prometheus collector of it."""
        description = "1 while the last check of the store's write path succeeded, else 0."
        return (GaugeMetricFamily("workspace_operator_store_writable", description, value=self._is_writable()),)

    def text(self) -> bytes:
        """The metrics as Prometheus text."""
        return generate_latest(self) + (b"" if self._is_shared else generate_latest(self._registry))
