"""Checks at random moments, in plain SQL and through the port, that nothing is partly migrated."""

import random
import threading
import time
import traceback
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy.exc import DBAPIError

from tests.fault_injection.environments import TestDatabase
from tests.store.invariants import assert_sound
from workspace_operator.errors import StoreUnavailable
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.repositories.people import SQLPeople

MAX_PAUSE = 0.6
"""Seconds between two checks, in addition to the duration of the check, so that other processes get their turn."""


@dataclass(slots=True, kw_only=True)
class Observer:
    """A thread that checks until it is stopped, at least once.

    Attributes:
        groups: number of the group with a shared address, by cio_id.
        reads: number of checks that reached the database.
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
        """Check that either all groups are several people or all are one."""
        seen = Counter(
            self.groups[each.cio_id]
            for each in SQLPeople(database).all(self.target.workspace_id)
            if each.cio_id in self.groups
        )
        members = Counter(self.groups.values())
        if seen not in (members, dict.fromkeys(members, 1)):
            self.failures.append(f"some groups are one person and others are several: {seen}")
