"""What the provider publishes about itself: the discovery document, and its keys. Both are kept for an hour."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from workspace_operator.errors import IdentityProviderUnavailable
from workspace_operator.identity_provider.http_client import HTTPClient
from workspace_operator.identity_provider.settings import is_safe_url

LIFETIME_SECONDS: Final = 3_600.0
REREAD_SECONDS: Final = 60.0
"""Least time between two readings of the keys: a provider that rotates them is asked again, but not for each token."""

FAILURE_SECONDS: Final = 5.0
"""How long a provider that did not answer is not asked for its endpoints again, so that nobody waits for it in vain."""

PATH: Final = "/.well-known/openid-configuration"
_ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """The URLs of a provider.

    Attributes:
        takes_secret_in_form: whether the token endpoint wants the client's secret in the form, not in a header.
    """

    authorization: str
    token: str
    keys: str
    takes_secret_in_form: bool


@dataclass(slots=True, kw_only=True)
class Discovery:
    """Reads what the provider publishes; may be called from several threads.

    Every method raises IdentityProviderUnavailable.
    """

    issuer: str
    client: HTTPClient
    monotonic: Callable[[], float] = time.monotonic
    _endpoints: tuple[float, Endpoints] | None = field(default=None, init=False)
    _failure: tuple[float, str] | None = field(default=None, init=False)
    _keys: tuple[float, Sequence[Mapping[str, Any]]] | None = field(default=None, init=False)

    def endpoints(self) -> Endpoints:
        """The endpoints."""
        if (known := self._endpoints) and self.monotonic() - known[0] < LIFETIME_SECONDS:
            return known[1]
        if (failed := self._failure) and self.monotonic() - failed[0] < FAILURE_SECONDS:
            raise IdentityProviderUnavailable(failed[1])
        try:
            found = endpoints_of(self.client.get(self.issuer.rstrip("/") + PATH), issuer=self.issuer)
        except IdentityProviderUnavailable as error:
            self._failure = (self.monotonic(), str(error))
            raise
        self._endpoints = (self.monotonic(), found)
        return found

    def keys(self, *, with_id: str | None) -> Sequence[Mapping[str, Any]]:
        """The keys as JSON Web Keys, read anew if they are old, or if none of them has the id."""
        known = self._keys
        age = self.monotonic() - known[0] if known else LIFETIME_SECONDS
        if known and age < LIFETIME_SECONDS:
            is_known = with_id is None or any(key.get("kid") == with_id for key in known[1])
            if is_known or age < REREAD_SECONDS:
                return known[1]
        found = self.client.get(self.endpoints().keys).get("keys")
        if not isinstance(found, list) or not all(isinstance(key, dict) for key in found):
            raise IdentityProviderUnavailable(f"the keys of {self.issuer} are no set of JSON Web Keys")
        self._keys = (self.monotonic(), found)
        return found


def endpoints_of(document: Mapping[str, Any], *, issuer: str) -> Endpoints:
    """The endpoints of a discovery document. Raises IdentityProviderUnavailable if it is of another issuer."""
    if document.get("issuer") != issuer:
        message = (
            f"the provider calls itself {document.get('issuer')!r}, and --oidc-issuer is {issuer!r}: set the first"
        )
        raise IdentityProviderUnavailable(message)
    urls = [document.get(name) for name in _ENDPOINTS]
    for name, url in zip(_ENDPOINTS, urls, strict=True):
        if not isinstance(url, str) or not is_safe_url(url):
            raise IdentityProviderUnavailable(f"the {name} of {issuer} is {url!r}, which is no URL with https")
    # RFC 8414, section 2: without a list, the header.
    methods = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    in_form = isinstance(methods, list) and "client_secret_basic" not in methods
    authorization, token, keys = map(str, urls)
    return Endpoints(authorization=authorization, token=token, keys=keys, takes_secret_in_form=in_form)
