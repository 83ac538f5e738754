"""Port of the identity provider of the company, by which members of accounts sign in to the console."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSecrets:
    """Three values that bind an answer of the provider to the browser that asked; each is 256 bits, in URL characters.

    Attributes:
        state: comes back in the URL of the callback.
        nonce: comes back in the ID token.
        code_verifier: redeems the code; the provider was given only its digest (PKCE).
    """

    state: str
    nonce: str
    code_verifier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A person, as the provider knows them.

    Attributes:
        subject: identifies the person at the issuer for ever; addresses change their owners.
        email: as the provider writes it; empty if it names none.
        is_email_verified: whether the provider vouches for the address.
    """

    issuer: str
    subject: str
    email: str
    is_email_verified: bool


class IdentityProvider(Protocol):
    """The identity provider. Both methods may read from it, and so take seconds."""

    def authorization_url(self, secrets: ClientSecrets, *, redirect_uri: str) -> str:
        """The page of the provider where a browser signs in. Raises IdentityProviderUnavailable."""
        ...

    def identify(self, code: str, secrets: ClientSecrets, *, redirect_uri: str, issuer: str | None) -> Identity:
        """Exchange the code of a callback for a proven identity.

        Args:
            code: from the URL of the callback; it works once.
            secrets: those of the authorization URL.
            redirect_uri: that of the authorization URL.
            issuer: the issuer in the URL of the callback; None if it names none.

        Raises:
            UntrustedIdentity: the provider refuses the code, or its answer proves nothing. The message is for the log.
            IdentityProviderUnavailable: it does not answer in time, or not as a provider does.
        """
        ...
