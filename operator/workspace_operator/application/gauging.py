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
from workspace_operator.migrations.records import Migration
from workspace_operator.migrations.stages import ENDED, Stage
from workspace_operator.reconcile.observed import Owner

logger = logging.getLogger(__name__)

MOST_CHANGES: Final = 100
"""So many changes have gauges of their own, those that were wished for first."""

PATIENCE: Final = 2.0
"""Seconds for which a scrape waits for the store."""

STAGES: Final = tuple(stage for stage in Stage if stage not in ENDED)

Sample = tuple[dict[str, str], int]


@dataclass(slots=True)
class _Look:
    """One look at the store; who comes while it is under way waits for the same."""

    ended: threading.Event = field(default_factory=threading.Event)
    text: bytes = b""


@dataclass(slots=True, kw_only=True)
class MigrationGauges:
    """What every process that is asked tells of the changes of one database; ``patience`` is seconds."""

    migrations: Migrations
    patience: float = PATIENCE
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _look: _Look | None = None

    def text(self) -> bytes:
        """All gauges; nothing while the store is away, or does not answer in time."""
        look = self._joined()
        return look.text if look.ended.wait(self.patience) else b""

    def _joined(self) -> _Look:
        with self._lock:
            look = self._look
            if look is None:
                look = self._look = _Look()
                # A store may keep its caller waiting for long, which is no reason for a process not to end.
                threading.Thread(target=self._carry_out, args=(look,), name="gauges", daemon=True).start()
        return look

    def _carry_out(self, look: _Look) -> None:
        try:
            look.text = rendered(self.migrations.unfinished())
        except WorkspaceOperatorError as error:
            logger.debug("no gauges of identifier changes: %s", error)
        except Exception:
            logger.exception("no gauges of identifier changes")
        finally:
            with self._lock:
                self._look = None
            look.ended.set()


def rendered(unfinished: Sequence[tuple[Owner, Migration]]) -> bytes:
    """The gauges of changes that have not ended, in Prometheus' text form."""
    counts = Counter(change.stage for _, change in unfinished)
    first = sorted(unfinished, key=lambda each: (each[1].requested_at, each[1].workspace_id))[:MOST_CHANGES]
    families = (
        _family(
            "workspace_operator_migrations",
            "Identifier changes that have not ended, by stage.",
            (({"stage": stage}, counts[stage]) for stage in STAGES),
        ),
        _family(
            "workspace_operator_migration_people",
            "People of an identifier change that has not ended.",
            (sample for owner, change in first for sample in _people(owner, change)),
        ),
        _family(
            "workspace_operator_migration_violations",
            "People who stand in the way of an identifier change, by violation.",
            (sample for owner, change in first for sample in _violations(owner, change)),
        ),
    )
    return "".join(line for family in families for line in family).encode()


def _people(owner: Owner, change: Migration) -> Iterator[Sample]:
    counts = {
        "total": change.people_total,
        "checked": change.people_checked,
        "merged": change.people_merged,
        "folded": change.people_folded,
    }
    for state, count in counts.items():
        yield {**_labels(owner), "state": state}, count


def _violations(owner: Owner, change: Migration) -> Iterator[Sample]:
    for violation, count in change.violations.by_violation().items():
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
