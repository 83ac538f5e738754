"""Transports and messages of tests."""

import secrets
from contextlib import closing
from dataclasses import replace
from typing import Any

from workspace_operator.application.ports import HandoverResult, TransportPool
from workspace_operator.mail.pools import SMTPTransportPool
from workspace_operator.sending.messages import OutgoingMail
from workspace_operator.sending.transports import ANY, Security, Transport, TransportOffer

MESSAGE = b"Message-ID: <1@shop.example>\r\nSubject: Receipt\r\n\r\n.first\r\n..second\r\nlast\r\n"

WORKSPACE = 7


def transport(port: int, **changes: Any) -> Transport:
    """A transport to loopback without TLS, as fast as it can."""
    offer = TransportOffer(name="default", sender_domains=frozenset({ANY}), namespaces=frozenset({ANY}))
    plain = Transport(
        offer=offer,
        host="127.0.0.1",
        port=port,
        security=Security.NONE,
        connections=1,
        per_second=10_000.0,
        per_workspace_per_second=10_000.0,
    )
    return replace(plain, **changes)


def mail(*recipients: str, sender: str = "shop@shop.example", data: bytes = MESSAGE) -> OutgoingMail:
    """A message with a delivery of its own."""
    return OutgoingMail(
        delivery_id=secrets.token_hex(12), sender=sender, recipients=recipients or ("ann@a.example",), data=data
    )


def open_pool(*transports: Transport) -> closing[SMTPTransportPool]:
    """A pool that is closed at the end of the context."""
    return closing(SMTPTransportPool(transports))


def results(pool: TransportPool, *mails: OutgoingMail, seconds: float = 10) -> list[HandoverResult]:
    """Hand over messages, and wait; the results in the order of the messages."""
    handover = pool.hand_over("default", WORKSPACE, mails, deadline=pool.monotonic() + seconds)
    assert handover.wait(seconds + 5)
    order = [sent.delivery_id for sent in mails]
    return sorted(handover.take_ended(), key=lambda result: order.index(result.delivery_id))
