"""Attending to all resources of a cluster: who is looked at when, one look at a time for each.

The driver hands over what it hears (``heard``, ``gone``) and calls ``sweep`` every other second; both may come from
any thread. Everything that waits, waits in memory: after a restart every resource is heard of anew. The newest
document of each resource is kept, so that a sweep needs no question to the cluster.
"""

import logging
import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from workspace_operator.application.ports import Workspaces
from workspace_operator.application.reconciling import Reconciler, Told
from workspace_operator.errors import ClusterUnavailable, Moved, NotFound, StoreUnavailable

logger = logging.getLogger(__name__)

Key = tuple[str, str]
Document = Mapping[str, Any]

JITTER = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long to wait, in seconds: between re-syncs, and after the first and after many fruitless looks."""

    resync: float = 600.0
    first_retry: float = 1.0
    longest_retry: float = 60.0

    def after(self, fruitless: int, chance: float) -> float:
        """How long to wait after so many fruitless looks in a row; ``chance`` is from 0 to 1."""
        wait = self.resync
        if fruitless:
            wait = min(self.first_retry * 2.0 ** min(fruitless - 1, 30), self.longest_retry)
        return wait * (1 - JITTER + 2 * JITTER * chance)


@dataclass(slots=True)
class Ward:
    """One resource that is attended to."""

    document: Document
    lock: threading.Lock = field(default_factory=threading.Lock)
    fruitless: int = 0
    due: float = 0.0
    is_gone: bool = False


@dataclass(slots=True, kw_only=True)
class Attendant:
    """Looks after every resource that it hears of."""

    reconciler: Reconciler
    workspaces: Workspaces
    monotonic: Callable[[], float]
    pace: Pace = field(default_factory=Pace)
    chance: Callable[[], float] = random.random
    _wards: dict[Key, Ward] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def heard(self, document: Document) -> None:
        """A resource was made or changed, or the watch has begun anew: look at once, unless it is our own echo."""
        key = key_of(document)
        with self._lock:
            ward = self._wards.setdefault(key, Ward(document))
        with ward.lock:
            known = ward.document
            if known is not document and not is_news(document, known):
                return
            ward.document = document
            self._look(key, ward)

    def gone(self, document: Document) -> None:
        """A resource is no more."""
        with self._lock:
            ward = self._wards.pop(key_of(document), None)
        if ward is not None:
            with ward.lock:
                ward.is_gone = True

    def sweep(self) -> None:
        """Look at each resource whose identifier change has moved, whose retry or whose re-sync is due."""
        moved = self._moved()
        now = self.monotonic()
        with self._lock:
            due = [(key, ward) for key, ward in self._wards.items() if ward.due <= now or key in moved]
        for key, ward in due:
            with ward.lock:
                if not ward.is_gone:
                    self._look(key, ward)

    def _moved(self) -> frozenset[Key]:
        try:
            unreported = self.workspaces.unreported()
        except StoreUnavailable:
            return frozenset()  # each resource finds out when its own look is due
        ours = self.reconciler.cluster_id
        return frozenset((owner.namespace, owner.name) for owner, _ in unreported if owner.cluster == ours)

    def _look(self, key: Key, ward: Ward) -> None:
        """Reconcile; nothing escapes, since the next look mends whatever this one could not."""
        try:
            told = self.reconciler.reconcile(ward.document)
        except (Moved, NotFound):
            told = Told(document=None, status={})  # it was edited or deleted meanwhile: we shall hear of it
        except ClusterUnavailable as error:
            logger.warning("%s/%s: %s", *key, error)
            told = Told(document=None, retry=True, status={})
        except Exception:
            logger.exception("%s/%s: the reconcile failed; it will be tried again", *key)
            told = Told(document=None, retry=True, status={})
        ward.document = told.document or ward.document
        ward.fruitless = ward.fruitless + 1 if told.retry else 0
        ward.due = self.monotonic() + self.pace.after(ward.fruitless, self.chance())


def key_of(document: Document) -> Key:
    """Namespace and name."""
    metadata = document["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


def is_news(document: Document, known: Document) -> bool:
    """Whether a document is newer than the one we know, which may be one that we wrote ourselves.

    Resource versions of one resource compare as numbers (Kubernetes 1.35, KEP-5504); where one does not look like
    that, every change is news.
    """
    new, old = (str(each["metadata"].get("resourceVersion", "")) for each in (document, known))
    if document["metadata"].get("uid") != known["metadata"].get("uid"):
        return True
    return int(new) > int(old) if new.isdecimal() and old.isdecimal() else new != old
