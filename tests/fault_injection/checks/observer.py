"""Somebody who looks at random moments whether anything is half changed: in plain SQL, and as a caller."""

import random
import threading
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sqlalchemy.exc import DBAPIError

from tests.fault_injection.environments import TestDatabase
from tests.store.invariants import assert_sound
from workspace_operator.errors import StoreUnavailable
from workspace_operator.identity.model.person import Person
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.repositories.people import SQLPeople

MAX_PAUSE = 0.6
"""Seconds between two looks; besides, as long as the look took, so that others get their turn."""


@dataclass(slots=True, kw_only=True)
class Observer:
    """A thread that looks until it is told to stop, and once more if it could not look before.

    Attributes:
        groups: by cio_id, which group of people that share an address somebody is in.
        looks: how many looks found the database there.
    """

    target: TestDatabase
    groups: Mapping[str, int]
    rng: random.Random
    reads: int = 0
    failures: list[str] = field(default_factory=list)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()
        if not self.reads and not self.failures:  # the database was killed under each, and is back
            self._read()

    def _run(self) -> None:
        rest = 0.0
        while not self._stopping.wait(rest) and not self.failures:
            started = time.monotonic()
            self._read()
            rest = time.monotonic() - started + self.rng.uniform(0, MAX_PAUSE)

    def _read(self) -> None:
        database = Database(self.target.url)
        try:
            assert_sound(database, at_rest=False)
            self._check_groups(database)
            self.reads += 1
        except (StoreUnavailable, DBAPIError):
            time.sleep(0.05)  # the server was killed
        except Exception:  # noqa: BLE001 - reported by the test
            self.failures.append(traceback.format_exc())
        finally:
            database.close()

    def _check_groups(self, database: Database) -> None:
        """Whoever shares an address is seen as several people, or all of them everywhere as one."""
        seen = Counter(
            self.groups[each.cio_id] for each in people_seen(database, self.target) if each.cio_id in self.groups
        )
        members = Counter(self.groups.values())
        if seen not in (members, dict.fromkeys(members, 1)):
            self.failures.append(f"some groups are one person and others are several: {seen}")


def people_seen(database: Database, target: TestDatabase) -> Iterator[Person]:
    """Everybody, as a caller sees them."""
    return SQLPeople(database).all(target.workspace_id)
