"""Prometheus metrics of leases: how many a process has, and how many it lost."""

from prometheus_client import CollectorRegistry, Counter, Gauge


class LeaseMetrics:
    """Counts the leases of one kind of work; ``name`` begins the names of the metrics."""

    def __init__(self, registry: CollectorRegistry, *, name: str, held: str, lost: str) -> None:
        self._held = Gauge(f"{name}_leases", held, registry=registry)
        self._lost = Counter(f"{name}_leases_lost", lost, registry=registry)

    def begun(self) -> None:
        """Count a lease that begins."""
        self._held.inc()

    def ended(self, *, is_lost: bool) -> None:
        """Count a lease that ended; ``is_lost`` if it ended early."""
        self._held.dec()
        if is_lost:
            self._lost.inc()
