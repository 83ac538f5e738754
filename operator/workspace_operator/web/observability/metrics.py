"""Prometheus metrics of the people API, without series per person or workspace.

The processes of one server share their values in the files of one directory, so that each process exposes the sum.
prometheus_client reads ``telemetry.MULTIPROCESS_DIR_VARIABLE`` when it is first imported, so the variable must be
set before.
"""

from functools import cache, partial
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from workspace_operator.errors import InvalidInput
from workspace_operator.http_server.access_records import AccessRecord
from workspace_operator.identity.model.results import CommandResult, CommandResultOrError, Effect
from workspace_operator.identity.values import refusal_reasons

# Without this, the library adds a creation time to each series, which doubles the size of a scrape.
disable_created_metrics()  # type: ignore[no-untyped-call]

REASON_SLUGS: Final = {text: name.lower() for name, text in vars(refusal_reasons).items() if name.isupper()}
"""Maps the text of a refusal reason to its label: the name of its constant in lower case."""

OTHER: Final = "other"
INVALID: Final = "invalid"
"""The ``effect`` label of a command that is not valid in the mode in force."""

IGNORED_PART: Final = "part"
"""The ``reason`` of parts of a request that were ignored, such as an ``anonymous_id``."""

DURATION_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
BATCH_SIZE_BUCKETS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


class PrometheusMetrics:
    """The metrics of this process and of the processes that share its directory.

    The directory is that of ``telemetry.MULTIPROCESS_DIR_VARIABLE`` at the start; None for a single process.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self._directory = directory
        self._registry = registry = CollectorRegistry()
        counter, histogram = partial(Counter, registry=registry), partial(Histogram, registry=registry)
        self._requests = counter("workspace_operator_http_requests", "HTTP requests.", ["route", "method", "status"])
        self._durations = histogram(
            "workspace_operator_http_request_duration_seconds",
            "Time from the headers of a request to the last byte of the response.",
            ["route"],
            buckets=DURATION_BUCKETS,
        )
        self._commands = counter("workspace_operator_commands", "Commands about people, by effect.", ["kind", "effect"])
        self._refused = counter(
            "workspace_operator_refused_changes",
            "Changes of identifiers and of created_at that were refused while the rest of the command was applied.",
            ["identifier", "reason"],
        )
        self._ignored = counter(
            "workspace_operator_ignored_changes", "Commands, and parts of commands, without effect.", ["reason"]
        )
        self._created = counter("workspace_operator_people_created", "People created.")
        self._deleted = counter("workspace_operator_people_deleted", "People deleted or suppressed.")
        self._merged = counter("workspace_operator_people_merged", "Merges, by kind of the command.", ["kind"])
        self._skipped = counter("workspace_operator_updates_skipped", "Updates of people that do not exist.")
        self._unknown = counter("workspace_operator_commands_outcome_unknown", "Commands with an unknown outcome.")
        self._batch_sizes = histogram(
            "workspace_operator_command_batch_size", "Commands in one transaction.", buckets=BATCH_SIZE_BUCKETS
        )
        self._queue_length = _queue_length(registry)

        self._messages = counter("workspace_operator_messages_accepted", "Messages accepted.", ["mode", "replayed"])
        # The library takes a lock and formats the labels at each call; each request needs three of these.
        self._request = cache(lambda route, method, status: self._requests.labels(route, method, f"{status}xx"))
        self._duration = cache(self._durations.labels)
        self._command = cache(self._commands.labels)

    def count_request(self, record: AccessRecord) -> None:
        """Count a request."""
        self._request(record.route, record.method, record.status // 100).inc()
        self._duration(record.route).observe(record.seconds)

    def count_command(self, kind: str, result: CommandResultOrError) -> None:
        """Count a command by its kind and effect, and the people that it created, deleted or merged."""
        if isinstance(result, InvalidInput):
            self._command(kind, INVALID).inc()
            return
        self._command(kind, result.effect).inc()
        for refusal in result.refusals:
            self._refused.labels(refusal.kind.value, REASON_SLUGS.get(refusal.reason, OTHER)).inc()
        self._count_ignored(result)
        self._count_people(kind, result)

    def count_message(self, mode: str, *, replayed: bool) -> None:
        """Count an accepted message, or a repeat that stored nothing."""
        self._messages.labels(mode, str(replayed).lower()).inc()

    def observe_batch(self, commands: int, queued: int) -> None:
        """Record the batch size of a transaction and the number of commands that are still queued."""
        self._batch_sizes.observe(commands)
        self._queue_length.set(queued)

    def count_unknown(self, commands: int) -> None:
        """Count commands with an unknown outcome."""
        self._unknown.inc(commands)

    def text(self) -> bytes:
        """All metrics as Prometheus text."""
        if self._directory is None:
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=str(self._directory))  # type: ignore[no-untyped-call]
        return generate_latest(registry)

    def _count_ignored(self, result: CommandResult) -> None:
        if result.effect is Effect.IGNORED:
            self._ignored.labels(REASON_SLUGS.get(result.reason, OTHER)).inc()
        if result.ignored_parts:
            self._ignored.labels(IGNORED_PART).inc(len(result.ignored_parts))

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


def _queue_length(registry: CollectorRegistry) -> Gauge:
    name, description = "workspace_operator_command_queue_length", "Commands that wait for a transaction."
    return Gauge(name, description, registry=registry, multiprocess_mode="livesum")
