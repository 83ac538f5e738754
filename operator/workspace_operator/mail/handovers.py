"""A batch of messages on its way to the connections of a transport, and the results as they come."""

from collections import deque
from collections.abc import Sequence
from threading import Condition

from workspace_operator.mail.deadlines import TIME_OVER, Deadline
from workspace_operator.sending.deliveries import AttemptOutcome
from workspace_operator.sending.messages import OutgoingMail
from workspace_operator.sending.outcomes import HandoverResult


class QueuedHandover:
    """The messages of one call, from which the threads of a transport take. Any thread may call any method."""

    def __init__(self, mails: Sequence[OutgoingMail], deadline: Deadline) -> None:
        self.deadline = deadline
        self._waiting = deque(mails)
        self._unended = len(mails)
        self._ended: list[HandoverResult] = []
        self._changed = Condition()

    @property
    def waiting(self) -> int:
        """Number of messages that no thread has taken, and whose time is not over."""
        with self._changed:
            self._expire()
            return len(self._waiting)

    def take_mail(self) -> OutgoingMail | None:
        """The next message to hand over; None if there is none, or time is over."""
        with self._changed:
            self._expire()
            return self._waiting.popleft() if self._waiting else None

    def put_back(self, mail: OutgoingMail) -> None:
        """Return a message of which the server has seen nothing, to be the next."""
        with self._changed:
            self._waiting.appendleft(mail)

    def end(self, result: HandoverResult) -> None:
        """Add the result of a message that was taken."""
        with self._changed:
            self._add((result,))

    def give_up(self, reason: str) -> None:
        """End all messages that no thread has taken as not sent."""
        with self._changed:
            waiting, self._waiting = self._waiting, deque()
            self._add([_not_sent(mail, reason) for mail in waiting])

    def wait(self, seconds: float) -> bool:
        """Wait until all have ended, at most for a time; whether they have."""
        limit = Deadline.after(seconds)
        with self._changed:
            while self._unended and not limit.is_over:
                first = self.deadline if self._waiting and self.deadline.at < limit.at else limit
                self._changed.wait(first.seconds_left)
                self._expire()
            return not self._unended

    def take_ended(self) -> Sequence[HandoverResult]:
        """The results since the last call, each once."""
        with self._changed:
            self._expire()
            ended, self._ended = self._ended, []
            return ended

    def _expire(self) -> None:
        if self._waiting and self.deadline.is_over:
            waiting, self._waiting = self._waiting, deque()
            self._add([_not_sent(mail, TIME_OVER) for mail in waiting])

    def _add(self, results: Sequence[HandoverResult]) -> None:
        self._ended += results
        self._unended -= len(results)
        if not self._unended:
            self._changed.notify_all()


def _not_sent(mail: OutgoingMail, reason: str) -> HandoverResult:
    return HandoverResult(delivery_id=mail.delivery_id, outcome=AttemptOutcome.NOT_SENT, reply=reason)
