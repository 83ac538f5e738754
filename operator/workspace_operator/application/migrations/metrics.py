"""Gauges of the running migrations, in the Prometheus text format, read from the store at each scrape.

This module does not use prometheus_client: the operator and the worker need no other part of it, and the gauges come
from the store, so processes have no counts to share.
"""

import logging
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from workspace_operator.application.ports import Migrations
from workspace_operator.errors import WorkspaceOperatorError
from workspace_operator.migrations.model import Migration
from workspace_operator.migrations.state_machine import TERMINAL, Stage
from workspace_operator.workspaces.model import Owner

logger = logging.getLogger(__name__)

MAX_MIGRATIONS: Final = 100
"""Maximum number of migrations with gauges of their own; the first requested ones have precedence."""

STORE_TIMEOUT_SECONDS: Final = 2.0
"""Maximum seconds that a scrape waits for the store."""

STAGES: Final = tuple(stage for stage in Stage if stage not in TERMINAL)

Sample = tuple[dict[str, str], int]


@dataclass(slots=True)
class _Scrape:
    """One query of the store; scrapes that arrive while it runs share its result."""

    ended: threading.Event = field(default_factory=threading.Event)
    text: bytes = b""


@dataclass(slots=True, kw_only=True)
class MigrationGauges:
    """Gauges of the migrations of one database; ``timeout`` is in seconds."""

    migrations: Migrations
    timeout: float = STORE_TIMEOUT_SECONDS
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _scrape: _Scrape | None = None

    def text(self) -> bytes:
        """All gauges; empty if the store is not available or does not answer in time."""
        scrape = self._single_flight()
        return scrape.text if scrape.ended.wait(self.timeout) else b""

    def _single_flight(self) -> _Scrape:
        with self._lock:
            scrape = self._scrape
            if scrape is None:
                scrape = self._scrape = _Scrape()
                # A daemon thread: a store that does not answer must not keep the process from ending.
                threading.Thread(target=self._collect, args=(scrape,), name="gauges", daemon=True).start()
        return scrape

    def _collect(self, scrape: _Scrape) -> None:
        try:
            scrape.text = render(self.migrations.unfinished())
        except WorkspaceOperatorError as error:
            logger.debug("the gauges of migrations could not be read: %s", error)
        except Exception:
            logger.exception("the gauges of migrations could not be read")
        finally:
            with self._lock:
                self._scrape = None
            scrape.ended.set()


def render(unfinished: Sequence[tuple[Owner, Migration]]) -> bytes:
    """Render the gauges of migrations that have not ended."""
    counts = Counter(migration.stage for _, migration in unfinished)
    first = sorted(unfinished, key=lambda row: (row[1].requested_at, row[1].workspace_id))[:MAX_MIGRATIONS]
    families = (
        _family(
            "workspace_operator_migrations",
            "Migrations that have not ended, by stage.",
            (({"stage": stage}, counts[stage]) for stage in STAGES),
        ),
        _family(
            "workspace_operator_migration_people",
            "People of a migration that has not ended, by state.",
            (sample for owner, migration in first for sample in _people(owner, migration)),
        ),
        _family(
            "workspace_operator_migration_violations",
            "People who block a migration, by violation.",
            (sample for owner, migration in first for sample in _violations(owner, migration)),
        ),
    )
    return "".join(line for family in families for line in family).encode()


def _people(owner: Owner, migration: Migration) -> Iterator[Sample]:
    counts = {
        "total": migration.people_total,
        "checked": migration.people_checked,
        "to_merge": migration.people_to_merge,
        "merged": migration.people_merged,
    }
    for state, count in counts.items():
        yield {**_labels(owner), "state": state}, count


def _violations(owner: Owner, migration: Migration) -> Iterator[Sample]:
    for violation, count in migration.violations.by_violation().items():
        yield {**_labels(owner), "violation": violation}, count


def _labels(owner: Owner) -> dict[str, str]:
    """Labels with the cluster: clusters that share a database may have resources of the same namespace and name."""
    return {"cluster": owner.cluster, "namespace": owner.namespace, "name": owner.name}


def _family(name: str, description: str, samples: Iterator[Sample]) -> Iterator[str]:
    yield f"# HELP {name} {description}\n# TYPE {name} gauge\n"
    for labels, value in samples:
        label_text = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        yield f"{name}{{{label_text}}} {value}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
