"""Which workspaces may use a transport, and with which senders (sending §4.1)."""

from pathlib import Path

import pytest

from workspace_operator.sending.transports import ANY, Security, Transport, TransportOffer


def offer(**changes: frozenset[str]) -> TransportOffer:
    return TransportOffer(name="default", **{"sender_domains": frozenset(), "namespaces": frozenset(), **changes})


@pytest.mark.parametrize(
    ("namespaces", "namespace", "expected"),
    [
        ([], "shop", False),
        (["shop"], "shop", True),
        (["shop"], "shop-staging", False),
        (["shop-staging"], "shop", False),
        (["shop", "team"], "team", True),
        ([ANY], "shop", True),
        (["sho*"], "shop", False),
        (["shop"], "", False),
    ],
)
def test_transport_is_offered_to_namespaces(namespaces: list[str], namespace: str, expected: bool) -> None:
    assert offer(namespaces=frozenset(namespaces)).is_offered_to(namespace) == expected


@pytest.mark.parametrize(
    ("domains", "domain", "expected"),
    [
        ([], "shop.example", False),
        (["shop.example"], "shop.example", True),
        (["shop.example"], "mail.shop.example", False),
        (["shop.example"], "evilshop.example", False),
        (["shop.example"], "example", False),
        ([ANY], "shop.example", True),
        (["*.example"], "shop.example", False),
    ],
)
def test_transport_accepts_senders(domains: list[str], domain: str, expected: bool) -> None:
    assert offer(sender_domains=frozenset(domains)).accepts_sender(domain) == expected


def test_connection_is_encrypted_by_default() -> None:
    transport = Transport(offer=offer(), host="smtp.example.com", password_file=Path("/run/secrets/smtp"))

    assert (transport.port, transport.security) == (587, Security.START_TLS)
    assert (transport.connections, transport.per_second, transport.per_workspace_per_second) == (4, 50.0, 20.0)
