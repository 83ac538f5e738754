"""Prometheus gauges of the migrations that have not ended, read from the store at each scrape.

The gauges come from a custom collector, so they are the same in every process and need no multiprocess files.
"""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from prometheus_client import generate_latest
from prometheus_client.core import GaugeMetricFamily

from workspace_operator.application.ports import Migrations
from workspace_operator.errors import WorkspaceOperatorError
from workspace_operator.migrations.model import Migration
from workspace_operator.migrations.state_machine import TERMINAL, Stage
from workspace_operator.workspaces.model import Owner

logger = logging.getLogger(__name__)

MAX_MIGRATIONS: Final = 100
"""Number of migrations with gauges of their own; the oldest requests come first."""

STORE_TIMEOUT_SECONDS: Final = 2.0
"""Time in seconds that a scrape waits for the store."""

PAUSED: Final = "Paused"
"""Value of the label ``stage`` of a paused migration, in whatever stage: it waits for a person, not for a worker."""

STAGES: Final = (*(stage.value for stage in Stage if stage not in TERMINAL), PAUSED)
_LABELS: Final = ("cluster", "namespace", "name")
"""Two clusters that share a database may have resources of the same namespace and name."""


@dataclass(slots=True)
class _Scrape:
    """One read of the store; all scrapes that arrive during it share its result."""

    ended: threading.Event = field(default_factory=threading.Event)
    text: bytes = b""


@dataclass(slots=True, kw_only=True)
class MigrationGauges:
    """Exposes the unfinished migrations of one database; a scrape waits ``timeout`` seconds for the store."""

    migrations: Migrations
    clock: Callable[[], datetime]
    timeout: float = STORE_TIMEOUT_SECONDS
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _scrape: _Scrape | None = None

    def text(self) -> bytes:
        """All gauges as Prometheus text; empty if the store is unavailable or slower than the timeout."""
        scrape = self._single_flight()
        return scrape.text if scrape.ended.wait(self.timeout) else b""

    def _single_flight(self) -> _Scrape:
        with self._lock:
            scrape = self._scrape
            if scrape is None:
                scrape = self._scrape = _Scrape()
                # A daemon thread, because a store that hangs must not keep the process from exiting.
                threading.Thread(target=self._collect, args=(scrape,), name="gauges", daemon=True).start()
        return scrape

    def _collect(self, scrape: _Scrape) -> None:
        try:
            scrape.text = render(self.migrations.unfinished(), now=self.clock())
        except WorkspaceOperatorError as error:
            logger.debug("cannot collect the gauges of migrations: %s", error)
        except Exception:
            logger.exception("cannot collect the gauges of migrations")
        finally:
            with self._lock:
                self._scrape = None
            scrape.ended.set()


@dataclass(frozen=True, slots=True)
class MigrationCollector:
    """A Prometheus collector of the given migrations, at a time."""

    unfinished: Sequence[tuple[Owner, Migration]]
    now: datetime

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """The gauges: two families for stages, one for people and one for violations."""
        counts = Counter(_stage_of(migration) for _, migration in self.unfinished)
        stages = GaugeMetricFamily(
            "workspace_operator_migrations", "Migrations that have not ended, by stage.", labels=["stage"]
        )
        ages = GaugeMetricFamily(
            "workspace_operator_migrations_oldest_age_seconds",
            "Longest time that a migration has been in its stage; 0 if the stage has none.",
            labels=["stage"],
        )
        people = GaugeMetricFamily(
            "workspace_operator_migration_people",
            "People in the workspace of an unfinished migration, by state.",
            labels=[*_LABELS, "state"],
        )
        violations = GaugeMetricFamily(
            "workspace_operator_migration_violations",
            "Violations that block an unfinished migration, by kind.",
            labels=[*_LABELS, "violation"],
        )
        for stage in STAGES:
            stages.add_metric([stage], counts[stage])
            ages.add_metric([stage], self._oldest_age(stage))
        oldest = sorted(self.unfinished, key=lambda item: (item[1].requested_at, item[1].workspace_id))
        for owner, migration in oldest[:MAX_MIGRATIONS]:
            resource = (owner.cluster, owner.namespace, owner.name)
            for state, count in _people_by_state(migration).items():
                people.add_metric([*resource, state], count)
            for violation, count in migration.violations.by_violation().items():
                violations.add_metric([*resource, violation], count)
        return stages, ages, people, violations

    def _oldest_age(self, stage: str) -> float:
        ages = (
            self.now - (migration.stage_since or migration.requested_at)
            for _, migration in self.unfinished
            if _stage_of(migration) == stage
        )
        return max((age.total_seconds() for age in ages), default=0.0)


def render(unfinished: Sequence[tuple[Owner, Migration]], *, now: datetime) -> bytes:
    """The gauges of unfinished migrations as Prometheus text."""
    return generate_latest(MigrationCollector(unfinished, now))


def _stage_of(migration: Migration) -> str:
    return PAUSED if migration.paused else migration.stage.value


def _people_by_state(migration: Migration) -> dict[str, int]:
    return {
        "total": migration.people_total,
        "checked": migration.people_checked,
        "to_merge": migration.people_to_merge,
        "merged": migration.people_merged,
    }
