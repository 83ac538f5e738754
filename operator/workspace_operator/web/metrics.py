"""What is counted, in Prometheus' form. Every label has few values: nothing here grows with people or workspaces.

Several processes of one server share what they count in files of a folder, so that whichever is asked tells the sum.
prometheus_client decides on that when it is first imported: whoever starts processes sets ``services.FOLDER_VARIABLE``
before.
"""

from functools import cache
from pathlib import Path
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from workspace_operator.application.ports import Answer
from workspace_operator.errors import InvalidInput
from workspace_operator.identity import reasons
from workspace_operator.identity.outcomes import Effect, Outcome
from workspace_operator.web.exchanges import Served

# Else the library tells of each series when it began, which doubles what is sent.
disable_created_metrics()  # type: ignore[no-untyped-call]

REASON_SLUGS: Final = {text: name.lower() for name, text in vars(reasons).items() if name.isupper()}
"""Each reason by its name in the code."""

OTHER: Final = "other"
INVALID: Final = "invalid"
"""The effect of a call that was none in the mode in force."""

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
TOGETHER: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


class PrometheusMetrics:
    """The counts of this process, and of those that share its folder.

    Args:
        folder: what ``services.FOLDER_VARIABLE`` said when this process started; None if it counts alone.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._registry = own = CollectorRegistry()
        self._requests = Counter(
            "workspace_operator_http_requests", "Requests.", ["route", "method", "status"], registry=own
        )
        self._seconds = Histogram(
            "workspace_operator_http_request_seconds",
            "From the headers of a request to the last byte of the reply.",
            ["route"],
            buckets=SECONDS,
            registry=own,
        )
        self._calls = Counter("workspace_operator_calls", "Calls about people.", ["kind", "effect"], registry=own)
        self._refused = Counter(
            "workspace_operator_refused_changes",
            "Changes of identifiers and of created_at that were refused while the rest of their call was applied.",
            ["identifier", "reason"],
            registry=own,
        )
        self._created = Counter("workspace_operator_people_added", "People added.", registry=own)
        self._deleted = Counter("workspace_operator_people_deleted", "People deleted or suppressed.", registry=own)
        self._merged = Counter(
            "workspace_operator_people_merged", "Merges, by the call that made them.", ["by"], registry=own
        )
        self._skipped = Counter("workspace_operator_updates_skipped", "Updates of nobody.", registry=own)
        self._count_transactions(own)

        # A look in a dictionary where the library would take a lock and make texts: three of these a request.
        self._request = cache(lambda route, method, status: self._requests.labels(route, method, f"{status}xx"))
        self._duration = cache(self._seconds.labels)
        self._call = cache(self._calls.labels)

    def _count_transactions(self, own: CollectorRegistry) -> None:
        self._unknown = Counter(
            "workspace_operator_calls_unknown",
            "Calls whose outcome is unknown.",
            registry=own,
        )
        self._transactions = Histogram(
            "workspace_operator_transaction_calls", "Calls that shared a transaction.", buckets=TOGETHER, registry=own
        )
        self._waiting = Gauge(
            "workspace_operator_calls_waiting",
            "Calls that wait for a transaction.",
            registry=own,
            multiprocess_mode="livesum",
        )

    def served(self, served: Served) -> None:
        """Count a request."""
        self._request(served.route, served.method, served.status // 100).inc()
        self._duration(served.route).observe(served.seconds)

    def answered(self, kind: str, answer: Answer) -> None:
        """Count a call, by what it was meant to do and what came of it."""
        if isinstance(answer, InvalidInput):
            self._call(kind, INVALID).inc()
            return
        self._call(kind, answer.effect).inc()
        for refusal in answer.refusals:
            self._refused.labels(refusal.kind.value, REASON_SLUGS.get(refusal.reason, OTHER)).inc()
        self._count_people(kind, answer)

    def transaction(self, calls: int, waiting: int) -> None:
        """Count a transaction by how many calls shared it; so many wait for the next."""
        self._transactions.observe(calls)
        self._waiting.set(waiting)

    def unknown(self, calls: int) -> None:
        """Count calls whose outcome is unknown."""
        self._unknown.inc(calls)

    def text(self) -> bytes:
        """Everything in Prometheus' text form."""
        if self._folder is None:
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=str(self._folder))  # type: ignore[no-untyped-call]
        return generate_latest(registry)

    def _count_people(self, kind: str, outcome: Outcome) -> None:
        match outcome.effect:
            case Effect.CREATED:
                self._created.inc()
            case Effect.RECORDED if outcome.person is not None and outcome.before is None:
                self._created.inc()
            case Effect.DELETED | Effect.SUPPRESSED if outcome.person is not None:
                self._deleted.inc()
            case Effect.SKIPPED:
                self._skipped.inc()
        if outcome.absorbed is not None:
            self._merged.labels(kind).inc()
