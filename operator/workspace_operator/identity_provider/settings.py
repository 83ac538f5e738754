"""What is known about the identity provider before it is asked."""

from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from workspace_operator.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """Settings of one provider, and of the console as its client.

    Attributes:
        issuer: its URL, exactly as the provider writes it.
        trusts_email: whether an address counts as verified if the provider does not say. One that it calls unverified
            never does.

    Raises:
        InvalidInput: the issuer is no URL over TLS, or the client has no id or no secret.
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    trusts_email: bool = False

    def __post_init__(self) -> None:
        """Check the values."""
        if not is_safe_url(self.issuer) or "?" in self.issuer or "#" in self.issuer:
            message = f"--oidc-issuer {self.issuer!r} must be https://HOST, with the path that the provider states"
            raise InvalidInput(message, field="--oidc-issuer")
        if not self.client_id:
            raise InvalidInput("--oidc-client-id is empty: give the id of the console", field="--oidc-client-id")
        if not self.client_secret:
            message = "the file of --oidc-client-secret-file is empty: write the secret of the client into it"
            raise InvalidInput(message, field="--oidc-client-secret-file")


def is_safe_url(url: str) -> bool:
    """Whether a URL may be asked: TLS, or this machine, where nobody reads on the way."""
    try:
        parts = urlsplit(url)
        host, is_plain = parts.hostname or "", bool(parts.port == 0 or parts.username or parts.password)
    except ValueError:
        return False
    if not host or is_plain or not url.isascii() or not url.isprintable() or " " in url:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
