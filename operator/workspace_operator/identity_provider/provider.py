"""The provider as the use cases see it: the authorization code flow with PKCE, state and nonce."""

import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from typing import Any, Final, Self
from urllib.parse import quote_plus, urlencode

from workspace_operator.application.ports import ClientSecrets, Identity
from workspace_operator.errors import UntrustedIdentity
from workspace_operator.identity_provider.discovery import Discovery
from workspace_operator.identity_provider.http_client import HTTPClient
from workspace_operator.identity_provider.id_tokens import IDTokenVerifier
from workspace_operator.identity_provider.settings import ProviderSettings

SCOPE: Final = "openid email"
"""No profile and no groups: the Account says who may do what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OIDCProvider:
    """Implements the port ``IdentityProvider``."""

    settings: ProviderSettings
    client: HTTPClient
    discovery: Discovery
    verifier: IDTokenVerifier

    @classmethod
    def of(
        cls,
        settings: ProviderSettings,
        *,
        client: HTTPClient | None = None,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> Self:
        """The provider of settings; it is first asked when somebody signs in."""
        client = client or HTTPClient()
        discovery = Discovery(issuer=settings.issuer, client=client, monotonic=monotonic)
        keys = IDTokenVerifier(settings=settings, keys=lambda kid: discovery.keys(with_id=kid), now=now)
        return cls(settings=settings, client=client, discovery=discovery, verifier=keys)

    def authorization_url(self, secrets: ClientSecrets, *, redirect_uri: str) -> str:
        """The page of the provider where a browser signs in."""
        endpoint = self.discovery.endpoints().authorization
        query = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": redirect_uri,
            "scope": SCOPE,
            "state": secrets.state,
            "nonce": secrets.nonce,
            "code_challenge": code_challenge(secrets.code_verifier),
            "code_challenge_method": "S256",
        }
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"

    def identify(self, code: str, secrets: ClientSecrets, *, redirect_uri: str, issuer: str | None) -> Identity:
        """Exchange a code for a proven identity."""
        if issuer not in (None, self.settings.issuer):  # RFC 9207
            raise UntrustedIdentity(f"the callback is of the issuer {issuer!r}")
        document = self._redeem(code, secrets.code_verifier, redirect_uri)
        return self.verifier.verify(document.get("id_token"), nonce=secrets.nonce)

    def _redeem(self, code: str, code_verifier: str, redirect_uri: str) -> Mapping[str, Any]:
        """Exchange a code for tokens, of which only the ID token is used."""
        endpoints, settings = self.discovery.endpoints(), self.settings
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": code_verifier,
        }
        headers = {}
        if endpoints.takes_secret_in_form:
            form |= {"client_id": settings.client_id, "client_secret": settings.client_secret}
        else:
            pair = f"{quote_plus(settings.client_id)}:{quote_plus(settings.client_secret)}"  # RFC 6749, section 2.3.1
            headers["authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        answer = self.client.post(endpoints.token, form, headers)
        if answer.status != HTTPStatus.OK:
            raise UntrustedIdentity(f"the token endpoint refuses the code: {answer.document.get('error')!r}")
        return answer.document


def code_challenge(code_verifier: str) -> str:
    """The digest of a verifier (RFC 7636, method S256)."""
    return urlsafe_b64encode(sha256(code_verifier.encode()).digest()).rstrip(b"=").decode()
