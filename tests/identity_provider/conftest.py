"""A provider that listens, and the console as its client."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.identity_provider.provider import CLIENT_ID, CLIENT_SECRET, NOW, FakeProvider
from workspace_operator.application.ports import ClientSecrets, Identity
from workspace_operator.identity_provider.http_client import TIMEOUT_SECONDS, HTTPClient
from workspace_operator.identity_provider.provider import OIDCProvider
from workspace_operator.identity_provider.settings import ProviderSettings

REDIRECT_URI = "https://console.example/signin/company/callback"
SECRETS = ClientSecrets(state="s" * 43, nonce="n" * 43, code_verifier="v" * 43)


@dataclass(kw_only=True)
class Client:
    """The client of a provider, with clocks that tests set; ``timeout`` is in seconds."""

    fake: FakeProvider
    options: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    timeout: float = TIMEOUT_SECONDS

    def __post_init__(self) -> None:
        values = {"issuer": self.fake.url, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, **self.options}
        self.provider = OIDCProvider.of(
            ProviderSettings(**values),
            client=HTTPClient(timeout=self.timeout),
            now=lambda: NOW,
            monotonic=lambda: self.seconds,
        )

    def sign_in(self, **changes: str | None) -> Identity:
        """Sign in at the provider, and come back."""
        query = self.fake.authorize(self.provider.authorization_url(SECRETS, redirect_uri=REDIRECT_URI))
        callback = {"code": query["code"], "issuer": query["iss"], **changes}
        return self.provider.identify(
            callback["code"] or "", SECRETS, redirect_uri=REDIRECT_URI, issuer=callback["issuer"]
        )


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    """A provider that tells the truth."""
    with FakeProvider.serving() as provider:
        yield provider


@pytest.fixture
def client(fake: FakeProvider) -> Client:
    """The console as its client."""
    return Client(fake=fake)


@pytest.fixture
def client_with(fake: FakeProvider) -> Callable[..., Client]:
    """The console as its client, with other settings."""
    return lambda **options: Client(fake=fake, options=options)
