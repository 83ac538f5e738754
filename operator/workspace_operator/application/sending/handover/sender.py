"""The sender: takes the rooms that are due in turn, in several threads, and tells the store what it offers."""

import logging
import threading
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from workspace_operator.application.accounts.notices import NoticeSender
from workspace_operator.application.ports import RoomLease
from workspace_operator.application.sending.handover.room import Room
from workspace_operator.application.sending.handover.setup import SenderSetup
from workspace_operator.errors import StaleRevision, StoreUnavailable
from workspace_operator.log_lines import log_context

logger = logging.getLogger(__name__)

LEASE_DURATION: Final = timedelta(seconds=20)
"""Every step renews the lease; after a sender dies, another one takes its rooms over when the leases end."""

ROOM_THREADS: Final = 12
"""Workspaces that one sender works on at a time: those whose server is slow hold up few others."""

AVOID_SECONDS: Final = 5.0
"""How long this sender leaves a room alone that only another sender has the transport for."""

IDLE_SECONDS: Final = 0.25
HEARTBEAT_SECONDS: Final = 10.0
NOTICE_SECONDS: Final = 10.0
MAX_WAIT_SECONDS: Final = 30.0
MAX_DOUBLINGS: Final = 10


@dataclass(slots=True, kw_only=True)
class Sender:
    """Sends the messages of all workspaces until ``stopping`` is set; ``worker`` is its unique name.

    Attributes:
        is_writable: whether the store accepts writes of this version; while not, nothing is begun.
        notices: mails notices to admins; None: nothing does.
        idle: seconds between looks while no room is due.
        healthy: set while the store answers.
    """

    setup: SenderSetup
    worker: str
    stopping: threading.Event
    is_writable: Callable[[], bool] = lambda: True
    notices: NoticeSender | None = None
    threads: int = ROOM_THREADS
    idle: float = IDLE_SECONDS
    healthy: threading.Event = field(default_factory=threading.Event)
    _avoided: dict[int, float] = field(default_factory=dict, init=False)
    _wake: threading.Event = field(default_factory=threading.Event, init=False)
    _key_matched: bool = field(default=True, init=False)

    def run(self) -> None:
        """Work on rooms in threads until ``stopping`` is set and all rooms are given back."""
        helpers = self._start_helpers()
        free = threading.Semaphore(self.threads)
        with ThreadPoolExecutor(self.threads, thread_name_prefix="room") as pool:

            def work(lease: RoomLease) -> None:
                try:
                    self._work(lease)
                finally:
                    free.release()
                    self._wake.set()  # the room may be due again

            def start_turn() -> bool:
                if not free.acquire(timeout=self.idle):
                    return True
                lease = None
                try:
                    lease = self._lease_room()
                finally:
                    if lease is None:
                        free.release()
                if lease is not None:
                    pool.submit(work, lease)
                return lease is not None

            self._repeat(start_turn, self.idle, self._wait_for_room)
        for thread in helpers:
            thread.join()

    def work_once(self) -> bool:
        """Take one turn on the room that is due first, in this thread; False if none is due."""
        lease = self._lease_room()
        if lease is not None:
            self._work(lease)
        return lease is not None

    def register(self) -> bool:
        """Write the heartbeat with the offers of this sender; always False, since it repeats at an interval."""
        key, transports = self.setup.root_key, self.setup.transports
        if key is None:
            return False
        now = self.setup.clock()
        matches = self.setup.queue.register_sender(
            self.worker, transports.offers, key.fingerprint(), refusals=self.setup.refusals.recent(now), now=now
        )
        if self._key_matched and not matches:
            logger.error(
                "the database belongs to an installation with another root key: nothing is sent. Use that key, or run "
                "`workspacectl sending adopt-database`"
            )
        self._key_matched = matches
        return False

    def _lease_room(self) -> RoomLease | None:
        now = self.setup.monotonic()
        self._avoided = {number: until for number, until in self._avoided.items() if until > now}
        exclude = frozenset(self._avoided)
        return self.setup.queue.lease_room(self.worker, LEASE_DURATION, exclude=exclude, now=self.setup.clock())

    def _work(self, lease: RoomLease) -> None:
        with log_context(namespace=lease.namespace, name=lease.name):
            self._take_turn(lease)

    def _take_turn(self, lease: RoomLease) -> None:
        self.setup.observer.leased()
        is_lost = False
        try:
            room = Room(setup=self.setup, lease=lease)
            room.work()
            if room.is_left_to_others:
                self._avoided = self._avoided | {lease.workspace_id: self.setup.monotonic() + AVOID_SECONDS}
        except StaleRevision:
            is_lost = True
            logger.info("workspace %d: another sender has its messages, or it is gone", lease.workspace_id)
        except StoreUnavailable as error:
            logger.warning("sender: %s", error)
        except Exception as error:  # noqa: BLE001 - the other rooms go on
            place = "".join(traceback.format_tb(error.__traceback__))  # without the message, which can hold an address
            logger.error(  # noqa: TRY400 - the same
                "workspace %d: a turn failed with %s; its messages wait for the next one\n%s",
                lease.workspace_id,
                type(error).__name__,
                place,
            )
        finally:
            self.setup.observer.lease_ended(is_lost=is_lost)

    def _start_helpers(self) -> Sequence[threading.Thread]:
        """Start the threads of heartbeats and notices, which end when ``stopping`` is set."""
        jobs = [("heartbeat", self.register, HEARTBEAT_SECONDS)]
        if self.notices is not None:
            jobs.append(("notices", self.notices.work_once, NOTICE_SECONDS))
        threads = [
            threading.Thread(target=self._repeat, args=(work, interval, self.stopping.wait), name=name)
            for name, work, interval in jobs
        ]
        for thread in threads:
            thread.start()
        return threads

    def _repeat(self, work: Callable[[], bool], interval: float, pause: Callable[[float], object]) -> None:
        """Run ``work`` again at once while it has work, otherwise after an interval, longer after failures."""
        failures = 0
        while not self.stopping.is_set():
            if not self.is_writable():
                pause(interval)
                continue
            is_busy = False
            try:
                is_busy = work()
                failures = 0
                self.healthy.set()
            except StoreUnavailable as error:
                logger.warning("sender: %s", error)
                failures += 1
            except Exception:
                logger.exception("sender: a look failed and will be repeated")
                failures += 1
            if failures:
                self.healthy.clear()
            if not is_busy:
                pause(min(interval * 2.0 ** min(failures, MAX_DOUBLINGS), MAX_WAIT_SECONDS))

    def _wait_for_room(self, seconds: float) -> None:
        """Wait; the end of a turn ends it early, since the room may be due again. The process may stop meanwhile."""
        deadline = self.setup.monotonic() + seconds
        while not self.stopping.is_set() and (left := deadline - self.setup.monotonic()) > 0:
            if self._wake.wait(min(left, self.idle)):
                self._wake.clear()
                return
