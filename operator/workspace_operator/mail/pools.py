"""The transports of this process: what they offer, how much may begin, and the way to their servers."""

from collections.abc import Sequence
from typing import Final

from workspace_operator.errors import NotFound
from workspace_operator.mail.deadlines import Deadline, clock
from workspace_operator.mail.envelopes import verp
from workspace_operator.mail.handovers import QueuedHandover
from workspace_operator.mail.rates import Rates
from workspace_operator.mail.transport_threads import TransportThreads
from workspace_operator.sending.messages import OutgoingMail
from workspace_operator.sending.transports import Transport, TransportOffer

CLOSE_SECONDS: Final = 5.0


class SMTPTransportPool:
    """Implements the port `TransportPool` with smtplib in threads."""

    def __init__(self, transports: Sequence[Transport]) -> None:
        self._transports = {transport.offer.name: transport for transport in transports}
        self._threads = {name: TransportThreads(transport) for name, transport in self._transports.items()}
        self._rates = {
            name: Rates(per_second=transport.per_second, per_workspace=transport.per_workspace_per_second, clock=clock)
            for name, transport in self._transports.items()
        }

    @property
    def offers(self) -> Sequence[TransportOffer]:
        """What this process offers."""
        return [transport.offer for transport in self._transports.values()]

    def states(self) -> Sequence[tuple[str, bool]]:
        """The transports by name, each with whether it is used now; False while it is paused after a failure."""
        return [(name, not threads.pause_seconds()) for name, threads in self._threads.items()]

    def offer(self, name: str, namespace: str) -> TransportOffer | None:
        """The transport that workspaces of a namespace may name; None if it is not offered to them."""
        transport = self._transports.get(name)
        return transport.offer if transport is not None and transport.offer.is_offered_to(namespace) else None

    def envelope_sender(self, name: str, sender: str, delivery_id: str) -> str:
        """MAIL FROM of a message: the transport's bounce address with the delivery in it, or the sender's address."""
        bounce_address = self._transport(name).bounce_address
        return sender if bounce_address is None else verp(bounce_address, delivery_id)

    def capacity(self, name: str, workspace_id: int) -> tuple[int, float]:
        """How many messages may begin now, by the rates and pauses; and in how many seconds one more may.

        After a pause one message at a time tries whether the server works again.
        """
        self._transport(name)
        pause = self._threads[name].pause_seconds()
        if pause:
            return 0, pause
        number, seconds = self._rates[name].capacity(workspace_id)
        return (min(number, 1) if self._threads[name].is_on_trial else number), seconds

    def monotonic(self) -> float:
        """The clock of deadlines."""
        return clock()

    def hand_over(
        self, name: str, workspace_id: int, mails: Sequence[OutgoingMail], *, deadline: float
    ) -> QueuedHandover:
        """Begin to hand over messages; whatever is not sent at the deadline, by `monotonic`, ends as not sent."""
        self._transport(name)
        handover = QueuedHandover(mails, Deadline(deadline))
        self._rates[name].take(workspace_id, len(mails))
        self._threads[name].hand_over(handover)
        return handover

    def close(self) -> None:
        """End what has not begun, and close the connections."""
        for threads in self._threads.values():
            threads.close(CLOSE_SECONDS)

    def _transport(self, name: str) -> Transport:
        transport = self._transports.get(name)
        if transport is None:
            raise NotFound(
                f"this process offers no transport {name!r}: it offers {', '.join(self._transports) or 'none'}"
            )
        return transport
