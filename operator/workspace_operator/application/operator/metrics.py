"""Prometheus metrics of the operator: reconciles of this process, and the resources that it knows.

Labels are kinds, reasons, results and action names, which the code bounds; no label names a resource.
"""

from collections import Counter as Tally
from collections.abc import Iterable, Sequence
from itertools import product
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily

from workspace_operator.application.operator.controller import Controller, ReconcileEnd
from workspace_operator.application.operator.reconcile_loop import ready_of
from workspace_operator.reconcile.model.outcomes import KSTATUSES, KStatus, Reason
from workspace_operator.resources.schema import CUSTOM_RESOURCES

DURATION_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

NOT_VISITED: Final = Reason.PENDING
"""The reason of a resource that has no status yet."""

OTHER: Final = "Other"
"""The reason of a status that another version has written."""


class OperatorMetrics:
    """Counts reconciles (a `controller.Observer`), and renders the metrics as Prometheus text."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._reconciles = Counter(
            "workspace_operator_reconciles", "Reconciles that ended, by result.", ["kind", "result"], registry=registry
        )
        self._durations = Histogram(
            "workspace_operator_reconcile_duration_seconds",
            "Duration of a reconcile.",
            ["kind"],
            buckets=DURATION_BUCKETS,
            registry=registry,
        )
        self._actions = Counter(
            "workspace_operator_reconcile_actions", "Applied actions, by name.", ["kind", "action"], registry=registry
        )
        for kind, end in product(CUSTOM_RESOURCES, ReconcileEnd):
            self._reconciles.labels(kind.kind, end.value)

    def reconciled(self, kind: str, end: ReconcileEnd, actions: Sequence[str], seconds: float) -> None:
        """Count a reconcile and its actions."""
        self._reconciles.labels(kind, end.value).inc()
        self._durations.labels(kind).observe(seconds)
        for action in actions:
            self._actions.labels(kind, action).inc()

    def text(self, *controllers: Controller) -> bytes:
        """All metrics as Prometheus text, with the resources and the queues of the controllers."""
        return generate_latest(self._registry) + generate_latest(ControllerCollector(controllers))


class ControllerCollector:
    """A Prometheus collector of the resources that controllers know, read at each scrape."""

    def __init__(self, controllers: Sequence[Controller]) -> None:
        self._controllers = controllers

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """The gauges: for each kind its resources by reason, and the lengths of the queues."""
        depth = GaugeMetricFamily(
            "workspace_operator_workqueue_depth", "Resources that wait for a reconcile.", labels=["kind"]
        )
        for controller in self._controllers:
            depth.add_metric([controller.resource.kind], controller.queue_depth())
        return *map(_by_reason, self._controllers), depth


def _by_reason(controller: Controller) -> GaugeMetricFamily:
    """The resources of a controller by reason, as ``workspace_operator_workspaces`` or ``…_accounts``."""
    family = GaugeMetricFamily(
        f"workspace_operator_{controller.resource.plural}",
        f"{controller.resource.kind} resources that the operator watches, by reason of condition Ready.",
        labels=["reason", "stalled"],
    )
    reasons = Tally(ready_of(document.get("status") or {})[1] for document in controller.documents())
    for reason, count in _known_reasons(reasons).items():
        is_stalled = reason != OTHER and KSTATUSES[Reason(reason)] is KStatus.STALLED
        family.add_metric([reason, str(is_stalled).lower()], count)
    return family


def _known_reasons(found: Tally[str]) -> Tally[str]:
    """Counts of all reasons, with 0 for those that no resource has; an unknown reason counts as `OTHER`."""
    known = Tally({str(reason): 0 for reason in (*Reason, OTHER)})
    for reason, count in found.items():
        label = NOT_VISITED if not reason else reason if reason in known else OTHER
        known[str(label)] += count
    return known
