"""What the store has of a workspace's messages, and of the senders that could hand them over (sending §3.4, §4)."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from workspace_operator.sending.rules import DEFAULT_TRANSPORT
from workspace_operator.sending.transports import TransportOffer

SENDER_DEAD_AFTER = timedelta(seconds=60)
"""Age of a sender's newest heartbeat from which it does not count any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSenders:
    """The senders of the installation that are alive.

    Attributes:
        with_key: number of senders whose root key is the one of the database.
        with_other_key: number of senders with another root key, which hand over nothing.
        offers: the transports of the former; several senders may offer one.
    """

    with_key: int = 0
    with_other_key: int = 0
    offers: tuple[TransportOffer, ...] = ()

    def offered_to(self, namespace: str) -> frozenset[str]:
        """The names of the transports that workspaces of a namespace may name."""
        return frozenset(offer.name for offer in self.offers if offer.is_offered_to(namespace))

    @property
    def have_other_key_only(self) -> bool:
        """Whether senders run, but none has the root key of the database."""
        return not self.with_key and self.with_other_key > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedSending:
    """The messages of a workspace that wait or are handed over, and the senders.

    Attributes:
        has_waiting: whether any message waits.
        waiting: how many wait; None if they were not counted this time: the count in the status stays.
        in_flight: attempts without an end whose deadline is to come.
        draining: those of them that began under an earlier version of the sending rules.
        drained_by: the last deadline of the latter; None if there are none.
    """

    has_waiting: bool = False
    waiting: int | None = None
    in_flight: int = 0
    draining: int = 0
    drained_by: datetime | None = None
    senders: LiveSenders = field(default_factory=LiveSenders)

    def is_offered(self, transport: str | None, namespace: str) -> bool:
        """Whether a live sender offers a transport to a namespace; None stands for the one called default."""
        return (transport or DEFAULT_TRANSPORT) in self.senders.offered_to(namespace)
