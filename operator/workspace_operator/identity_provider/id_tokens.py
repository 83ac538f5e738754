"""ID tokens: whose signature and claims hold, and nothing else (OpenID Connect Core 1.0, section 3.1.3.7)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from joserfc import jwk, jws, jwt
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwa import JWSAlgModel

from workspace_operator.application.ports import Identity
from workspace_operator.errors import UntrustedIdentity
from workspace_operator.identity_provider.settings import ProviderSettings

KEY_TYPES: Final[Mapping[str, str]] = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC", "EdDSA": "OKP"}
"""The algorithms that are accepted, and the type of their keys. None of them uses a shared secret."""

LEEWAY_SECONDS: Final = 60
"""By which the clocks of the provider and of this machine may differ."""

MIN_RSA_BITS: Final = 2048
MAX_SUBJECT_LENGTH: Final = 255
"""In characters (OpenID Connect Core 1.0, section 2)."""

Keys = Callable[[str | None], Sequence[Mapping[str, Any]]]
"""Reads the provider's keys, anew if none has the id."""


class _Registry(jws.JWSRegistry):
    """The accepted algorithms. The library's own look-up warns of EdDSA, whose name RFC 9864 replaces."""

    def get_alg(self, name: str) -> JWSAlgModel:
        if name not in KEY_TYPES:
            raise UnsupportedAlgorithmError(f"the algorithm {name!r} is not accepted")
        return self.algorithms[name]


# Headers that nobody knows are ignored, as RFC 7515 asks for; those that a token calls critical are not.
_REGISTRY: Final = _Registry(strict_check_header=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class IDTokenVerifier:
    """Verifies ID tokens. ``now`` is the time in Unix seconds."""

    settings: ProviderSettings
    keys: Keys
    now: Callable[[], float]

    def verify(self, token: object, *, nonce: str) -> Identity:
        """The identity that a token proves.

        Raises:
            UntrustedIdentity: it proves none.
            IdentityProviderUnavailable: the keys cannot be read.
        """
        if not isinstance(token, str):
            raise UntrustedIdentity("the answer of the token endpoint has no ID token")
        try:
            header = jws.extract_compact(token.encode("ascii"), registry=_REGISTRY).headers()
            claims = jwt.decode(token, self._key(header), registry=_REGISTRY).claims
            self._claims_registry(nonce).validate(claims)
        except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise UntrustedIdentity(f"the ID token is not valid: {type(error).__name__}: {error}") from error
        self._check_audience(claims)
        return self._identity(claims)

    def _key(self, header: Mapping[str, Any]) -> jwk.Key:
        """The key of a token: the only one that its header fits."""
        kid, algorithm = header.get("kid"), header.get("alg")
        if not isinstance(algorithm, str) or algorithm not in KEY_TYPES:
            raise UntrustedIdentity(f"the ID token has the algorithm {algorithm!r}: use one of {', '.join(KEY_TYPES)}")
        fitting = [key for key in self.keys(kid) if kid in (None, key.get("kid")) and _fits(key, algorithm)]
        if len(fitting) != 1:
            message = f"{len(fitting)} keys of the provider fit the ID token (kid {kid!r}, algorithm {algorithm})"
            raise UntrustedIdentity(message)
        return jwk.import_key(dict(fitting[0]))

    def _claims_registry(self, nonce: str) -> jwt.JWTClaimsRegistry:
        return jwt.JWTClaimsRegistry(
            now=lambda: int(self.now()),
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": self.settings.issuer},
            aud={"essential": True, "value": self.settings.client_id},
            sub={"essential": True},
            exp={"essential": True},
            nonce={"essential": True, "value": nonce},
        )

    def _check_audience(self, claims: Mapping[str, Any]) -> None:
        """Refuse a token that was issued to another client, even if it may be shown to this one."""
        audience, party = claims["aud"], claims.get("azp")
        has_others = isinstance(audience, list) and len(audience) > 1
        if party != self.settings.client_id and (has_others or party is not None):
            raise UntrustedIdentity(f"the ID token was issued to another client (azp {party!r})")

    def _identity(self, claims: Mapping[str, Any]) -> Identity:
        subject, email = claims["sub"], claims.get("email")
        if len(subject) > MAX_SUBJECT_LENGTH or not subject.isprintable():
            raise UntrustedIdentity(f"the subject of the ID token is no text of up to {MAX_SUBJECT_LENGTH} characters")
        is_unstated = "email_verified" not in claims
        return Identity(
            issuer=self.settings.issuer,
            subject=subject,
            email=email.strip() if isinstance(email, str) else "",
            is_email_verified=claims.get("email_verified") is True or (self.settings.trusts_email and is_unstated),
        )


def _fits(key: Mapping[str, Any], algorithm: str) -> bool:
    """Whether a key may have signed with an algorithm."""
    if (
        key.get("kty") != KEY_TYPES[algorithm]
        or key.get("use", "sig") != "sig"
        or key.get("alg", algorithm) != algorithm
    ):
        return False
    modulus = key.get("n", "")
    return key["kty"] != "RSA" or (isinstance(modulus, str) and len(modulus) * 6 >= MIN_RSA_BITS)
