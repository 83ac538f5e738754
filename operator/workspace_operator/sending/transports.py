"""Transports: SMTP servers that the installation offers by a name (sending §4.1)."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

ANY: Final = "*"
"""In a list of domains or namespaces: all of them."""


class Security(StrEnum):
    """How a connection is secured."""

    START_TLS = "StartTLS"
    """Required, not opportunistic."""
    TLS = "TLS"
    NONE = "None"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportOffer:
    """What anybody may know of a transport: a workspace of ``namespaces`` may send from ``sender_domains``."""

    name: str
    sender_domains: frozenset[str]
    namespaces: frozenset[str]

    def is_offered_to(self, namespace: str) -> bool:
        """Whether workspaces of a namespace may name it."""
        return ANY in self.namespaces or namespace in self.namespaces

    def accepts_sender(self, domain: str) -> bool:
        """Whether From may have a domain, in lower case."""
        return ANY in self.sender_domains or domain in self.sender_domains


@dataclass(frozen=True, slots=True, kw_only=True)
class Transport:
    """A transport with its connection; the password stays in its file.

    Attributes:
        bounce_address: base of the envelope sender, which gets the delivery as an extension; None: From.
        per_second: messages a second at most, in this process; ``per_workspace_per_second`` of one workspace.
    """

    offer: TransportOffer
    host: str
    port: int = 587
    security: Security = Security.START_TLS
    username: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    bounce_address: str | None = None
    connections: int = 4
    per_second: float = 50.0
    per_workspace_per_second: float = 20.0
