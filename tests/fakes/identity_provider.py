"""The identity provider, without a network."""

from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlencode, urlsplit

from workspace_operator.application.ports import ClientSecrets, Identity
from workspace_operator.errors import IdentityProviderUnavailable, UntrustedIdentity

AUTHORIZE = "https://id.example/authorize"
ISSUER = "https://id.example"


@dataclass(kw_only=True)
class FakeIdentityProvider:
    """Implements the port ``IdentityProvider``.

    Attributes:
        identity: who signs in.
        is_away: whether it does not answer.
    """

    identity: Identity = field(
        default_factory=lambda: Identity(
            issuer=ISSUER, subject="0001", email="ada@nordlicht.example", is_email_verified=True
        )
    )
    is_away: bool = False
    _codes: dict[str, tuple[ClientSecrets, str]] = field(default_factory=dict)

    def authorization_url(self, secrets: ClientSecrets, *, redirect_uri: str) -> str:
        if self.is_away:
            raise IdentityProviderUnavailable("away")
        code = f"code{len(self._codes)}"
        self._codes[code] = (secrets, redirect_uri)
        return f"{AUTHORIZE}?{urlencode({'state': secrets.state, 'code': code})}"

    def identify(self, code: str, secrets: ClientSecrets, *, redirect_uri: str, issuer: str | None) -> Identity:
        if self.is_away:
            raise IdentityProviderUnavailable("away")
        if self._codes.pop(code, None) != (secrets, redirect_uri) or issuer not in (None, ISSUER):
            raise UntrustedIdentity("the code is not of this attempt")
        return self.identity


def answered(url: str) -> dict[str, str]:
    """The query with which the provider sends a browser back that signed in at a URL."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
