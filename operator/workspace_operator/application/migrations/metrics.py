"""Identifier changes under way as gauges, in Prometheus' text form, looked up at the moment that somebody asks.

They are written out here rather than by prometheus_client: the operator and the worker serve them without that library,
and processes that share their counts have nothing to agree on.
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
"""So many changes have gauges of their own, those that were wished for first."""

STORE_TIMEOUT_SECONDS: Final = 2.0
"""Seconds for which a scrape waits for the store."""

STAGES: Final = tuple(stage for stage in Stage if stage not in TERMINAL)

Sample = tuple[dict[str, str], int]


@dataclass(slots=True)
class _Scrape:
    """One look at the store; who comes while it is under way waits for the same."""

    ended: threading.Event = field(default_factory=threading.Event)
    text: bytes = b""


@dataclass(slots=True, kw_only=True)
class MigrationGauges:
    """What every process that is asked tells of the changes of one database; ``patience`` is seconds."""

    migrations: Migrations
    timeout: float = STORE_TIMEOUT_SECONDS
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _scrape: _Scrape | None = None

    def text(self) -> bytes:
        """All gauges; nothing while the store is away, or does not answer in time."""
        scrape = self._single_flight()
        return scrape.text if scrape.ended.wait(self.timeout) else b""

    def _single_flight(self) -> _Scrape:
        with self._lock:
            scrape = self._scrape
            if scrape is None:
                scrape = self._scrape = _Scrape()
                # A store may keep its caller waiting for long, which is no reason for a process not to end.
                threading.Thread(target=self._collect, args=(scrape,), name="gauges", daemon=True).start()
        return scrape

    def _collect(self, scrape: _Scrape) -> None:
        try:
            scrape.text = render(self.migrations.unfinished())
        except WorkspaceOperatorError as error:
            logger.debug("no gauges of identifier changes: %s", error)
        except Exception:
            logger.exception("no gauges of identifier changes")
        finally:
            with self._lock:
                self._scrape = None
            scrape.ended.set()


def render(unfinished: Sequence[tuple[Owner, Migration]]) -> bytes:
    """The gauges of changes that have not ended, in Prometheus' text form."""
    counts = Counter(migration.stage for _, migration in unfinished)
    first = sorted(unfinished, key=lambda each: (each[1].requested_at, each[1].workspace_id))[:MAX_MIGRATIONS]
    families = (
        _family(
            "workspace_operator_migrations",
            "Identifier changes that have not ended, by stage.",
            (({"stage": stage}, counts[stage]) for stage in STAGES),
        ),
        _family(
            "workspace_operator_migration_people",
            "People of an identifier change that has not ended.",
            (sample for owner, migration in first for sample in _people(owner, migration)),
        ),
        _family(
            "workspace_operator_migration_violations",
            "People who stand in the way of an identifier change, by violation.",
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
    """Two clusters that share a database may have resources of the same namespace and name."""
    return {"cluster": owner.cluster, "namespace": owner.namespace, "name": owner.name}


def _family(name: str, what: str, samples: Iterator[Sample]) -> Iterator[str]:
    yield f"# HELP {name} {what}\n# TYPE {name} gauge\n"
    for labels, value in samples:
        shown = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        yield f"{name}{{{shown}}} {value}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
