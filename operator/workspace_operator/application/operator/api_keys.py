"""Making the keys of a workspace. The store keeps only their digests, so they are known here and to their users."""

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TypeAlias

from workspace_operator.application.ports import CredentialDigests

KEY_BYTES = 32
"""256 bits: nobody guesses them, so a plain hash keeps them."""

RandomBytes: TypeAlias = Callable[[int], bytes]
"""That many bytes that nobody can foresee, such as `secrets.token_bytes`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeys:
    """What the callers of one workspace prove themselves by; never shown but where it was asked for.

    Hexadecimal text of 64 characters each: fit for Basic auth, URLs, shells and Secrets as it is.
    """

    site_id: str = field(repr=False)
    api_key: str = field(repr=False)
    app_key: str = field(repr=False)


def generate_api_keys(random: RandomBytes) -> ApiKeys:
    """Make the three keys of a workspace, each of 256 random bits."""
    return ApiKeys(
        site_id=random(KEY_BYTES).hex(),
        api_key=random(KEY_BYTES).hex(),
        app_key=random(KEY_BYTES).hex(),
    )


def digests_of(keys: ApiKeys) -> CredentialDigests:
    """What the store may know of them."""
    return CredentialDigests(site_id=digest(keys.site_id), api_key=digest(keys.api_key), app_key=digest(keys.app_key))


def digest(key: str) -> str:
    """SHA-256 of a key as it was sent, hexadecimal; what is no Unicode text has one, too."""
    return sha256(key.encode(errors="surrogatepass")).hexdigest()
