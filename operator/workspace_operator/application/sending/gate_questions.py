"""Asks the gate what would happen to a message now. Nothing is sent or written: explain and preview show the answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from workspace_operator.application.ports import AddressBlocks, People, RegisteredSender
from workspace_operator.identity.merges.survivorship import is_true
from workspace_operator.identity.model.attribute_timestamps import UNSUBSCRIBED
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.values.references import reference_to_cio_id
from workspace_operator.sending.addresses import Mailbox, mailbox_keys
from workspace_operator.sending.gate import Circumstances, GateDecision, Recipient, gate
from workspace_operator.sending.messages import Message
from workspace_operator.sending.rules import SendingRules
from workspace_operator.sending.transports import TransportOffer

SUPPRESSED = Recipient(is_suppressed=True, is_unsubscribed=False)

OfferOf = Callable[[SendingRules], TransportOffer | None]
"""The transport that rules name, if a sender of the installation offers it to the workspace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateQuestions:
    """Questions about the messages of one workspace. Rates are not asked about: only a sender knows them."""

    people: People
    address_blocks: AddressBlocks
    offer_of: OfferOf
    workspace_id: int

    def person(self, cio_id: str | None) -> Person | None:
        """The person of a delivery."""
        return None if cio_id is None else self.people.find(self.workspace_id, reference_to_cio_id(cio_id))

    def decide(
        self,
        message: Message,
        rules: SendingRules,
        recipient: Recipient | None,
        *,
        sender: Mailbox | None = None,
        offer: TransportOffer | None = None,
        now: datetime,
    ) -> GateDecision:
        """What the gate would decide.

        Args:
            message: the message.
            rules: those in force.
            recipient: the person.
            sender: the rendered From; None while the message is not rendered.
            offer: instead of the transport that is offered.
            now: the time to decide about.
        """
        keys = sorted(mailbox_keys((*message.to, *message.cc, *message.bcc)))
        circumstances = Circumstances(
            now=now,
            rules=rules,
            recipient=recipient,
            blocked=self.address_blocks.blocked(self.workspace_id, keys),
            transport=offer or self.offer_of(rules),
            rate_free_at=None,
            sender=sender,
        )
        return gate(message, circumstances)


def recipient_of(person: Person | None) -> Recipient:
    """A person as the gate sees them; none is a suppressed one."""
    if person is None:
        return SUPPRESSED
    return Recipient(is_suppressed=False, is_unsubscribed=is_true(person.attributes.get(UNSUBSCRIBED)))


def offered_transports(senders: Sequence[RegisteredSender], namespace: str, *, now: datetime) -> OfferOf:
    """Look up transports among those that running senders offer to the workspaces of a namespace."""
    offers = {
        offer.name: offer
        for sender in senders
        if sender.has_database_key and sender.is_alive(now)
        for offer in sender.offers
        if offer.is_offered_to(namespace)
    }
    return lambda rules: offers.get(rules.transport_name)
