"""Port of the pins: which identity of the provider an address belongs to since its first sign-in."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from workspace_operator.application.ports.accounts.audit import AuditEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInPin:
    """The identity of an address. An address that gets another owner is refused until an admin resets its pin.

    Attributes:
        email_key: of the address.
        issuer: of the identity.
        subject: of the identity at the issuer.
        pinned_at: the first sign-in.
        signed_in_at: the last one.
    """

    email_key: str
    issuer: str
    subject: str
    pinned_at: datetime
    signed_in_at: datetime


class SignInPins(Protocol):
    """The pins of all addresses that have signed in."""

    def confirm(self, pin: SignInPin) -> bool:
        """Pin an identity to an address, or record another sign-in of the pinned one.

        Returns:
            Whether the address has this identity now. Of several first sign-ins at once, one pins.
        """
        ...

    def pins_of(self, email_keys: Collection[str]) -> Sequence[SignInPin]:
        """The pins of addresses, by e-mail key."""
        ...

    def reset(self, email_key: str, *, entry: AuditEntry) -> bool:
        """Delete a pin and the sessions of the address, and store the entry about it; False if there is no pin."""
        ...
