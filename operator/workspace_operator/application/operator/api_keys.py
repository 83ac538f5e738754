"""Generation and hashing of API keys. The store has only their digests."""

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TypeAlias

from workspace_operator.application.ports import CredentialDigests

KEY_BYTES = 32
"""256 random bits cannot be guessed, so a fast hash protects them."""

RandomBytes: TypeAlias = Callable[[int], bytes]
"""Source of that many unpredictable bytes, such as `secrets.token_bytes`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeys:
    """The API keys of one workspace, shown only on request.

    Each is 64 hexadecimal characters, which need no escaping in Basic auth, URLs, shells and Secrets.
    """

    site_id: str = field(repr=False)
    api_key: str = field(repr=False)
    app_key: str = field(repr=False)


def generate_api_keys(random: RandomBytes) -> ApiKeys:
    """Generate the three keys of a workspace, each of 256 random bits."""
    return ApiKeys(site_id=random(KEY_BYTES).hex(), api_key=random(KEY_BYTES).hex(), app_key=random(KEY_BYTES).hex())


def digests_of(keys: ApiKeys) -> CredentialDigests:
    """The digests of keys, which the store has."""
    return CredentialDigests(site_id=digest(keys.site_id), api_key=digest(keys.api_key), app_key=digest(keys.app_key))


def digest(key: str) -> str:
    """SHA-256 of a key as it was sent, hexadecimal; also of a key that is not valid Unicode."""
    return sha256(key.encode(errors="surrogatepass")).hexdigest()
