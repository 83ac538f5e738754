"""Prometheus metrics of a worker of migrations: its leases, and the stages that migrations entered by its work."""

from prometheus_client import CollectorRegistry, Counter, generate_latest

from workspace_operator.application.lease_metrics import LeaseMetrics
from workspace_operator.migrations.state_machine import Stage


class MigrationWorkerMetrics:
    """Counts what a worker does (a `worker.Observer`), and renders the metrics as Prometheus text."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._entered = Counter(
            "workspace_operator_migration_stages_entered",
            "Stages that migrations entered by the work of this process.",
            ["stage"],
            registry=registry,
        )
        self._leases = LeaseMetrics(
            registry,
            name="workspace_operator_migration",
            held="Migrations that this process has a lease of.",
            lost="Leases of migrations that ended early: the migration was paused, cancelled or taken over.",
        )
        for stage in Stage:
            self._entered.labels(stage.value)

    def claimed(self) -> None:
        """Count a lease that begins."""
        self._leases.begun()

    def entered(self, stage: Stage) -> None:
        """Count a stage that a migration has entered."""
        self._entered.labels(stage.value).inc()

    def ended(self, *, is_lost: bool) -> None:
        """Count a lease that ended."""
        self._leases.ended(is_lost=is_lost)

    def text(self) -> bytes:
        """All metrics as Prometheus text."""
        return generate_latest(self._registry)
