"""The sender: takes the rooms that are due in turn, in several threads, and tells the store what it offers."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from workspace_operator.application.sending.room import Room, SenderSetup
from workspace_operator.errors import StaleRevision, StoreUnavailable

logger = logging.getLogger(__name__)

LEASE_DURATION: Final = timedelta(seconds=20)
"""Every step renews the lease; after a sender dies, another one takes its rooms over when the leases end."""

ROOM_THREADS: Final = 4
"""Workspaces that one sender works on at a time: one whose server is slow holds up no other."""

IDLE_SECONDS: Final = 0.25
HEARTBEAT_SECONDS: Final = 10.0
MAX_WAIT_SECONDS: Final = 30.0


@dataclass(slots=True, kw_only=True)
class Sender:
    """Sends the messages of all workspaces until ``stopping`` is set; ``worker`` is its unique name.

    Attributes:
        healthy: set while the store answers.
    """

    setup: SenderSetup
    worker: str
    stopping: threading.Event
    threads: int = ROOM_THREADS
    idle: float = IDLE_SECONDS
    healthy: threading.Event = field(default_factory=threading.Event)
    _key_matches: bool = field(default=False, init=False)

    def run(self) -> None:
        """Work on rooms in threads, and write heartbeats, until ``stopping`` is set."""
        with ThreadPoolExecutor(self.threads, thread_name_prefix="room") as pool:
            loops = [pool.submit(self._repeat, self.work_once, self.idle) for _ in range(self.threads)]
            self._repeat(self.register, HEARTBEAT_SECONDS)
            for loop in loops:
                loop.result()

    def work_once(self) -> bool:
        """Take one turn on the room that is due first; False if none is due."""
        queue = self.setup.queue
        lease = queue.lease_room(self.worker, LEASE_DURATION, now=self.setup.clock())
        if lease is None:
            return False
        with suppress(StaleRevision):  # another sender has the room, or the workspace is gone
            Room(setup=self.setup, lease=lease).work()
        return True

    def register(self) -> bool:
        """Write the heartbeat with the offers of this sender; always False, since it repeats at an interval."""
        key, transports = self.setup.root_key, self.setup.transports
        if key is None:
            return False
        matches = self.setup.queue.register_sender(
            self.worker, transports.offers, key.fingerprint(), now=self.setup.clock()
        )
        if not matches and self._key_matches is not matches:
            logger.error(
                "the database belongs to an installation with another root key: nothing is sent. Put that key back, or "
                "run `workspacectl sending adopt-database`"
            )
        self._key_matches = matches
        return False

    def _repeat(self, work: Callable[[], bool], interval: float) -> None:
        """Run ``work`` again at once while it has work, otherwise after an interval, longer after failures."""
        failures = 0
        while not self.stopping.is_set():
            try:
                is_busy = work()
                failures = 0
                self.healthy.set()
            except StoreUnavailable as error:
                logger.warning("sender: %s", error)
                is_busy, failures = False, failures + 1
            except Exception:
                logger.exception("sender: a turn failed and will be repeated")
                is_busy, failures = False, failures + 1
            if failures:
                self.healthy.clear()
            if not is_busy:
                self.stopping.wait(min(interval * 2.0 ** min(failures, 10), max(MAX_WAIT_SECONDS, interval)))
