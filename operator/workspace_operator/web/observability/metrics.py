"""What is counted, in Prometheus' form. Every label has few values: nothing here grows with people or workspaces.

Several processes of one server share what they count in files of a folder, so that whichever is asked tells the sum.
prometheus_client decides on that when it is first imported: whoever starts processes sets
``dependencies.MULTIPROCESS_DIR_VARIABLE`` before.
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

from workspace_operator.application.ports import CommandResultOrError
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.model.results import CommandResult, Effect
from workspace_operator.identity.values import refusal_reasons
from workspace_operator.web.core.http import AccessRecord

# Else the library tells of each series when it began, which doubles what is sent.
disable_created_metrics()  # type: ignore[no-untyped-call]

REASON_SLUGS: Final = {text: name.lower() for name, text in vars(refusal_reasons).items() if name.isupper()}
"""Each reason by its name in the code."""

OTHER: Final = "other"
INVALID: Final = "invalid"
"""The effect of a call that was none in the mode in force."""

DURATION_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
BATCH_SIZE_BUCKETS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


class PrometheusMetrics:
    """The counts of this process, and of those that share its folder.

    Args:
        folder: what ``dependencies.MULTIPROCESS_DIR_VARIABLE`` said when this process started; None if it counts alone.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self._directory = directory
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "workspace_operator_http_requests", "Requests.", ["route", "method", "status"], registry=registry
        )
        self._durations = Histogram(
            "workspace_operator_http_request_duration_seconds",
            "From the headers of a request to the last byte of the reply.",
            ["route"],
            buckets=DURATION_BUCKETS,
            registry=registry,
        )
        self._commands = Counter(
            "workspace_operator_commands", "Calls about people.", ["kind", "effect"], registry=registry
        )
        self._refused = Counter(
            "workspace_operator_refused_changes",
            "Changes of identifiers and of created_at that were refused while the rest of their call was applied.",
            ["identifier", "reason"],
            registry=registry,
        )
        self._created = Counter("workspace_operator_people_created", "People added.", registry=registry)
        self._deleted = Counter("workspace_operator_people_deleted", "People deleted or suppressed.", registry=registry)
        self._merged = Counter(
            "workspace_operator_people_merged", "Merges, by the call that made them.", ["by"], registry=registry
        )
        self._skipped = Counter("workspace_operator_updates_skipped", "Updates of nobody.", registry=registry)
        self._register_batch_metrics(registry)

        # A look in a dictionary where the library would take a lock and make texts: three of these a request.
        self._request = cache(lambda route, method, status: self._requests.labels(route, method, f"{status}xx"))
        self._duration = cache(self._durations.labels)
        self._command = cache(self._commands.labels)

    def _register_batch_metrics(self, registry: CollectorRegistry) -> None:
        self._unknown_outcomes = Counter(
            "workspace_operator_commands_outcome_unknown",
            "Calls whose outcome is unknown.",
            registry=registry,
        )
        self._batch_sizes = Histogram(
            "workspace_operator_command_batch_size",
            "Calls that shared a transaction.",
            buckets=BATCH_SIZE_BUCKETS,
            registry=registry,
        )
        self._queue_length = Gauge(
            "workspace_operator_command_queue_length",
            "Calls that wait for a transaction.",
            registry=registry,
            multiprocess_mode="livesum",
        )

    def count_request(self, record: AccessRecord) -> None:
        """Count a request."""
        self._request(record.route, record.method, record.status // 100).inc()
        self._duration(record.route).observe(record.seconds)

    def count_command(self, kind: str, result: CommandResultOrError) -> None:
        """Count a call, by what it was meant to do and what came of it."""
        if isinstance(result, InvalidInput):
            self._command(kind, INVALID).inc()
            return
        self._command(kind, result.effect).inc()
        for refusal in result.refusals:
            self._refused.labels(refusal.kind.value, REASON_SLUGS.get(refusal.reason, OTHER)).inc()
        self._count_people(kind, result)

    def observe_batch(self, commands: int, queued: int) -> None:
        """Count a transaction by how many calls shared it; so many wait for the next."""
        self._batch_sizes.observe(commands)
        self._queue_length.set(queued)

    def count_unknown(self, commands: int) -> None:
        """Count calls whose outcome is unknown."""
        self._unknown_outcomes.inc(commands)

    def text(self) -> bytes:
        """Everything in Prometheus' text form."""
        if self._directory is None:
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=str(self._directory))  # type: ignore[no-untyped-call]
        return generate_latest(registry)

    def _count_people(self, kind: str, result: CommandResult) -> None:
        match result.effect:
            case Effect.CREATED:
                self._created.inc()
            case Effect.RECORDED if result.person is not None and result.before is None:
                self._created.inc()
            case Effect.DELETED | Effect.SUPPRESSED if result.person is not None:
                self._deleted.inc()
            case Effect.SKIPPED:
                self._skipped.inc()
        if result.secondary is not None:
            self._merged.labels(kind).inc()
