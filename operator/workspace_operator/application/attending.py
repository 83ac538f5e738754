"""Attending to all resources of a cluster: who is looked at when, one look at a time for each.

The driver hands over what it hears (``heard``, ``gone``) and calls ``sweep`` every other second; all may come from
any thread, and late: what was said of a resource that has been made anew since does not count. Everything that waits,
waits in memory: after a restart every resource is heard of anew. A sweep reads what it looks at afresh, so that
neither an edit nor a deletion that a broken watch has missed is missed for ever.
"""

import logging
import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from workspace_operator.application.ports import Workspaces
from workspace_operator.application.reconciling import Reconciler, Told
from workspace_operator.errors import Moved, NotFound, StoreUnavailable, Unavailable

logger = logging.getLogger(__name__)

Key = tuple[str, str]
Document = Mapping[str, Any]

JITTER = 0.2
LATE_AFTER = 60.0
"""Seconds after the end of a sweep by which the next one should have ended."""

LOOK_AGAIN = Told(document=None, retry=True, status={})


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
    """One resource that is attended to; ``document`` is the newest that we have seen of it."""

    document: Document
    lock: threading.Lock = field(default_factory=threading.Lock)
    is_known: bool = False
    is_gone: bool = False
    fruitless: int = 0
    due: float = 0.0


@dataclass(slots=True, kw_only=True)
class Attendant:
    """Looks after every resource that it hears of; ``read`` gets one by namespace and name. Raises NotFound."""

    reconciler: Reconciler
    workspaces: Workspaces
    read: Callable[[str, str], Document]
    monotonic: Callable[[], float]
    pace: Pace = field(default_factory=Pace)
    chance: Callable[[], float] = random.random
    stopping: Callable[[], bool] = lambda: False
    _wards: dict[Key, Ward] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _store_is_away: bool = False
    _swept_at: float | None = None

    def heard(self, document: Document) -> None:
        """A resource was made or changed, or the watch has begun anew: look at once, unless it is our own echo."""
        key = key_of(document)
        while not self._heard(key, self._ward(key, document), document):
            pass  # it went just now, and was made anew

    def gone(self, document: Document) -> None:
        """A resource is no more."""
        key = key_of(document)
        with self._lock:
            ward = self._wards.get(key)
        if ward is not None:
            with ward.lock:
                if uid_of(ward.document) == uid_of(document):
                    self._forget(key, ward)
        self._hurry(key[0])  # a name may be free now

    def sweep(self) -> None:
        """Look at each resource whose identifier change has moved, whose retry or whose re-sync is due."""
        moved = self._moved()
        now = self.monotonic()
        with self._lock:
            due = [(key, ward) for key, ward in self._wards.items() if ward.due <= now or key in moved]
        for key, ward in due:
            if self.stopping():
                return
            # One that is being looked at just now may take long, which is no reason for the others to wait.
            if ward.lock.acquire(blocking=False):
                try:
                    if ward.is_known and not ward.is_gone:
                        self._look(key, ward, afresh=True)
                finally:
                    ward.lock.release()
        self._swept_at = self.monotonic()

    def is_ready(self) -> bool:
        """Whether sweeps come to their end, and the last one reached the store."""
        is_late = self._swept_at is None or self.monotonic() - self._swept_at > LATE_AFTER
        return not (is_late or self._store_is_away)

    def _ward(self, key: Key, document: Document) -> Ward:
        with self._lock:
            return self._wards.setdefault(key, Ward(document))

    def _heard(self, key: Key, ward: Ward, document: Document) -> bool:
        """Look at what was heard; False if the ward has ended meanwhile."""
        with ward.lock:
            if ward.is_gone:
                return False
            if ward.is_known and not is_news(document, ward.document):
                return True
            ward.document, ward.is_known, ward.fruitless = document, True, 0
            self._look(key, ward)
        self._hurry(key[0])
        return True

    def _moved(self) -> frozenset[Key]:
        try:
            unreported = self.workspaces.unreported()
        except StoreUnavailable:
            self._store_is_away = True  # each resource finds out when its own look is due
            return frozenset()
        if self._store_is_away:
            self._store_is_away = False
            self._hurry()
        ours = self.reconciler.cluster_id
        return frozenset((owner.namespace, owner.name) for owner, _ in unreported if owner.cluster == ours)

    def _hurry(self, namespace: str | None = None) -> None:
        """What a fruitless look waits for may just have happened: the next sweep looks again."""
        with self._lock:
            for key, ward in self._wards.items():
                if ward.fruitless and namespace in (None, key[0]):
                    ward.due = 0.0

    def _forget(self, key: Key, ward: Ward) -> None:
        ward.is_gone = True
        with self._lock:
            if self._wards.get(key) is ward:
                del self._wards[key]

    def _look(self, key: Key, ward: Ward, *, afresh: bool = False) -> None:
        """Reconcile; nothing escapes, since the next look mends whatever this one could not."""
        try:
            if afresh:
                ward.document = self.read(*key)
            told = self.reconciler.reconcile(ward.document)
        except NotFound:
            self._forget(key, ward)
            return
        except Moved:
            logger.debug("%s/%s was edited meanwhile: we shall hear of it, or read it afresh", *key)
            told = LOOK_AGAIN
        except Unavailable as error:
            logger.warning("%s/%s: %s", *key, error)
            told = LOOK_AGAIN
        except Exception:
            logger.exception("%s/%s: the reconcile failed; it will be tried again", *key)
            told = LOOK_AGAIN
        ward.document = told.document or ward.document
        ward.fruitless = ward.fruitless + 1 if told.retry else 0
        ward.due = self.monotonic() + self.pace.after(ward.fruitless, self.chance())


def key_of(document: Document) -> Key:
    """Namespace and name."""
    metadata = document["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


def uid_of(document: Document) -> str:
    """What tells a resource from an earlier one of the same name."""
    return str(document["metadata"].get("uid", ""))


def is_news(document: Document, known: Document) -> bool:
    """Whether a document is newer than the one we know, which may be one that we wrote ourselves.

    Resource versions of one kind compare as numbers (Kubernetes 1.35, KEP-5504); where one does not look like
    that, every change is news.
    """
    new, old = (str(each["metadata"].get("resourceVersion", "")) for each in (document, known))
    return int(new) > int(old) if new.isdecimal() and old.isdecimal() else new != old
