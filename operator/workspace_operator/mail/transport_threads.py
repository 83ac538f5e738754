"""The threads of one transport: each has a connection of its own, which stays open between batches.

A thread starts when messages wait and no thread is free, and ends with its connection after a minute without work. A
server that takes fewer connections than configured keeps those that it took. A transport is paused only when its last
thread could not connect, or when connection after connection breaks.
"""

import logging
import traceback
from collections import deque
from threading import Condition, Thread, current_thread
from typing import Final

from workspace_operator.mail import transactions
from workspace_operator.mail.connections import TransportFailed, close_session, open_session
from workspace_operator.mail.deadlines import Deadline, DeadlinePassed, clock
from workspace_operator.mail.handovers import QueuedHandover
from workspace_operator.mail.pauses import Pause
from workspace_operator.mail.sessions import Session, SessionLost
from workspace_operator.sending.deliveries import AttemptOutcome
from workspace_operator.sending.messages import OutgoingMail
from workspace_operator.sending.outcomes import HandoverResult
from workspace_operator.sending.transports import Transport

logger = logging.getLogger(__name__)

IDLE_SECONDS: Final = 60.0
"""A thread without work for longer closes its connection and ends."""

CHECK_SECONDS: Final = 15.0
"""A connection that was not used for longer is checked by NOOP before the next message."""

NOOP_SECONDS: Final = 5.0
REFUSED_SECONDS: Final = 30.0
"""After a server refused one connection of several, no more are opened for so long."""

STOPPING: Final = "the sender is stopping"


class TransportThreads:
    """Hands over the messages of one transport."""

    def __init__(self, transport: Transport, pause: Pause | None = None) -> None:
        self._transport, self._pause = transport, pause or Pause(clock)
        self._queue: deque[QueuedHandover] = deque()
        self._changed = Condition()
        self._threads: set[Thread] = set()
        self._free = 0
        self._no_more_until = 0.0
        self._stopping = False

    def hand_over(self, handover: QueuedHandover) -> None:
        """Begin with a batch; while the transport is paused, all of it ends as not sent."""
        with self._changed:
            if self._stopping or self._pause.remaining():
                handover.give_up(STOPPING if self._stopping else "the transport is paused")
                return
            self._queue.append(handover)
            waiting = sum(queued.waiting for queued in self._queue)
            self._start_threads(waiting)
            self._changed.notify(waiting)

    def pause_seconds(self) -> float:
        """Seconds until the transport may be used; 0 if it is not paused."""
        with self._changed:
            return self._pause.remaining()

    @property
    def is_on_trial(self) -> bool:
        """Whether it failed, and has not handed over anything since."""
        return self._pause.failures > 0

    def close(self, seconds: float) -> None:
        """End what no thread has taken, and wait for the threads, at most for a time."""
        with self._changed:
            self._stopping = True
            self._give_up(STOPPING)
            self._changed.notify_all()
            threads = list(self._threads)
        limit = Deadline.after(seconds)
        for thread in threads:
            thread.join(limit.seconds_left)

    def _start_threads(self, waiting: int) -> None:
        while self._free < waiting and len(self._threads) < self._transport.connections:
            if self._threads and clock() < self._no_more_until:
                return
            thread = Thread(target=self._run, name=f"smtp-{self._transport.offer.name}", daemon=True)
            self._threads.add(thread)
            self._free += 1
            thread.start()

    def _run(self) -> None:
        try:
            self._work_while_there_is_some()
        finally:
            with self._changed:
                self._threads.discard(current_thread())

    def _work_while_there_is_some(self) -> None:
        """Work until there is none for a while, or the server cannot be used."""
        session: Session | None = None
        while (deadline := self._await_work()) is not None:
            try:
                session = self._ready(session, deadline)
            except TransportFailed as error:
                self._leave(error)
                return
            except DeadlinePassed:
                session = None
            if session is not None:
                self._work(session)
            with self._changed:
                self._free += 1
        if session is not None and session.is_open:
            close_session(session)

    def _await_work(self) -> Deadline | None:
        """Wait until a message waits; the deadline of its batch. None: the thread ends."""
        with self._changed:
            while (first := self._first()) is None and not self._stopping:
                if not self._changed.wait(IDLE_SECONDS) and self._first() is None:
                    break
            self._free -= 1
            if first is None or self._stopping:
                self._threads.discard(current_thread())
                return None
            return first.deadline

    def _first(self) -> QueuedHandover | None:
        return next((queued for queued in self._queue if queued.waiting), None)

    def _ready(self, session: Session | None, deadline: Deadline) -> Session:
        """The session, if the server still has it, else a new one. Raises TransportFailed, DeadlinePassed."""
        if session is not None and _is_usable(session, deadline):
            return session
        if session is not None:
            session.abort()
        return open_session(self._transport, deadline)

    def _work(self, session: Session) -> None:
        while session.is_open and (work := self._next_mail()) is not None:
            handover, mail = work
            had_taken = session.taken
            result = _handed_over(session, mail, handover.deadline)
            session.used_at = clock()
            if had_taken and result.outcome is AttemptOutcome.NOT_SENT and not handover.deadline.is_over:
                self._put_back(handover, mail)
                continue
            self._note(result, broke=not session.is_open)
            handover.end(result)

    def _next_mail(self) -> tuple[QueuedHandover, OutgoingMail] | None:
        """The next message; batches take turns, so that a long one does not delay a short one."""
        with self._changed:
            while self._queue:
                handover = self._queue[0]
                mail = handover.take_mail()
                if mail is not None:
                    self._queue.rotate(-1)
                    return handover, mail
                self._queue.popleft()
            return None

    def _put_back(self, handover: QueuedHandover, mail: OutgoingMail) -> None:
        """Try a message on a new connection: servers end connections after a number of messages."""
        with self._changed:
            handover.put_back(mail)
            if self._stopping:
                handover.give_up(STOPPING)
                return
            if handover in self._queue:
                self._queue.remove(handover)
            self._queue.appendleft(handover)

    def _note(self, result: HandoverResult, *, broke: bool) -> None:
        with self._changed:
            # A server that leaves the final dot without an answer holds up rooms of workspaces with other servers, too.
            if broke and result.outcome in {AttemptOutcome.NOT_SENT, AttemptOutcome.UNKNOWN}:
                if self._pause.connection_broke():
                    self._pause_because("its connections break before it has taken a message")
            elif result.outcome is not AttemptOutcome.UNKNOWN:
                if self._pause.failures:
                    logger.info("transport %s works again", self._transport.offer.name)
                self._pause.succeed()

    def _leave(self, error: TransportFailed) -> None:
        """End this thread; if it was the last one, pause the transport."""
        with self._changed:
            self._threads.discard(current_thread())
            if self._threads:
                self._no_more_until = clock() + REFUSED_SECONDS
                self._changed.notify_all()
            else:
                self._pause_because(str(error))

    def _pause_because(self, reason: str) -> None:
        seconds = self._pause.fail()
        logger.warning("transport %s is paused for %.0f s: %s", self._transport.offer.name, seconds, reason)
        self._give_up(f"the transport is paused: {reason}")

    def _give_up(self, reason: str) -> None:
        for handover in self._queue:
            handover.give_up(reason)
        self._queue.clear()


def _handed_over(session: Session, mail: OutgoingMail, deadline: Deadline) -> HandoverResult:
    """Hand over; after a fault of this program nobody knows what was sent."""
    try:
        return transactions.hand_over(session, mail, deadline)
    except Exception as error:  # noqa: BLE001 - the batch waits for a result of each message
        session.abort()
        place = "".join(traceback.format_tb(error.__traceback__))  # without the message, which can hold an address
        logger.error("a hand-over failed with %s:\n%s", type(error).__name__, place)  # noqa: TRY400 - the same
        return HandoverResult(
            delivery_id=mail.delivery_id, outcome=AttemptOutcome.UNKNOWN, reply=f"internal error {type(error).__name__}"
        )


def _is_usable(session: Session, deadline: Deadline) -> bool:
    """Whether the server still has a connection that was used before."""
    if session.has_input:
        return False
    if clock() - session.used_at < CHECK_SECONDS:
        return True
    session.deadline = deadline.within(NOOP_SECONDS)
    try:
        return session.noop()[0] == 250
    except (SessionLost, DeadlinePassed):
        return False
