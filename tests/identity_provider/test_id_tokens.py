"""ID tokens: which prove an identity, and which lies are seen through."""

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jwk, jws, jwt

from tests.identity_provider.conftest import Client
from tests.identity_provider.provider import EMAIL, NOW, RSA, FakeProvider
from workspace_operator.application.ports import Identity
from workspace_operator.errors import UntrustedIdentity

OTHER_RSA = jwk.RSAKey.generate_key(2048, {"kid": "k1"}, private=True)
EC = jwk.ECKey.generate_key("P-256", {"kid": "k2"}, private=True)
EC_384 = jwk.ECKey.generate_key("P-384", {"kid": "k2"}, private=True)
ED25519 = jwk.OKPKey.generate_key("Ed25519", {"kid": "k3"}, private=True)
PSS = jwk.RSAKey.generate_key(2048, {"kid": "k4"}, private=True)


def test_true_token_proves_an_identity(client: Client, fake: FakeProvider) -> None:
    assert client.sign_in() == Identity(issuer=fake.url, subject="0001", email=EMAIL, is_email_verified=True)


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # the library says so to whoever signs
@pytest.mark.parametrize(("algorithm", "key"), [("PS256", PSS), ("ES256", EC), ("EdDSA", ED25519)])
def test_each_algorithm_is_verified(client: Client, fake: FakeProvider, algorithm: str, key: jwk.Key) -> None:
    fake.algorithm, fake.key, fake.published = algorithm, key, [*fake.published, key]

    assert client.sign_in().subject == "0001"


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://other.example"},
        {"iss": None},
        {"iss": ["x"]},
        {"aud": "other"},
        {"aud": None},
        {"aud": []},
        {"aud": ["console", "other"]},
        {"aud": ["console", "other"], "azp": "other"},
        {"azp": "other"},
        {"azp": ["console"]},
        {"exp": NOW - 60},
        {"exp": None},
        {"exp": "never"},
        {"exp": float("nan")},
        {"exp": True},
        {"nbf": NOW + 61},
        {"iat": NOW + 61},
        {"nonce": "x" * 43},
        {"nonce": None},
        {"nonce": ""},
        {"sub": None},
        {"sub": ""},
        {"sub": 1},
        {"sub": "x" * 256},
        {"sub": "a\0b"},
        {"sub": "\ud800"},
    ],
    ids=str,
)
def test_false_claims_prove_nothing(client: Client, fake: FakeProvider, claims: dict[str, Any]) -> None:
    fake.claims = claims

    with pytest.raises(UntrustedIdentity):
        client.sign_in()


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": NOW - 59},
        {"nbf": NOW + 59},
        {"iat": NOW + 59},
        {"aud": ["console"]},
        {"aud": ["other", "console"], "azp": "console"},
        {"azp": "console"},
        {"groups": ["admins"]},
    ],
    ids=str,
)
def test_claims_within_the_rules_are_accepted(client: Client, fake: FakeProvider, claims: dict[str, Any]) -> None:
    fake.claims = claims

    assert client.sign_in().subject == "0001"


def encoded(part: bytes) -> str:
    return urlsafe_b64encode(part).rstrip(b"=").decode()


def unsigned(header: dict[str, Any], claims: dict[str, Any]) -> str:
    return f"{encoded(json.dumps(header).encode())}.{encoded(json.dumps(claims).encode())}."


def signed(header: dict[str, Any], payload: str, key: jwk.Key) -> str:
    """A token that is truly signed, with a header and a content that no library would sign."""
    content = f"{encoded(json.dumps(header).encode())}.{encoded(payload.encode())}"
    assert isinstance(key.private_key, RSAPrivateKey)
    return f"{content}.{encoded(key.private_key.sign(content.encode(), PKCS1v15(), SHA256()))}"


def with_the_public_key(header: dict[str, Any], claims: dict[str, Any], key: jwk.RSAKey) -> str:
    """An HS256 token whose secret is the public key (the confusion of algorithms)."""
    content = unsigned({**header, "alg": "HS256"}, claims)[:-1]
    return f"{content}.{encoded(hmac.digest(key.as_pem(private=False), content.encode(), 'sha256'))}"


def tampered(header: dict[str, Any], claims: dict[str, Any], key: jwk.Key) -> str:
    head, _, signature = jwt.encode(header, claims, key).split(".")
    return f"{head}.{unsigned({}, {**claims, 'sub': '0002'}).split('.')[1]}.{signature}"


LIES: dict[str, Callable[[FakeProvider], Callable[[dict[str, Any], dict[str, Any]], str]]] = {
    "algorithm none": lambda _: lambda header, claims: unsigned({**header, "alg": "none"}, claims),
    "algorithm None": lambda _: lambda header, claims: unsigned({**header, "alg": "None"}, claims),
    "no algorithm": lambda _: lambda header, claims: unsigned({"kid": header["kid"]}, claims),
    "algorithms": lambda _: lambda header, claims: unsigned({**header, "alg": ["RS256"]}, claims),
    "no signature": lambda _: unsigned,
    "shared secret": lambda _: lambda header, claims: with_the_public_key(header, claims, RSA),
    "other key": lambda _: lambda header, claims: jwt.encode(header, claims, OTHER_RSA),
    "other claims": lambda fake: lambda header, claims: tampered(header, claims, fake.key),
    "other hash": lambda fake: (
        lambda header, claims: jwt.encode(
            {**header, "alg": "RS512"},
            claims,
            fake.key.import_key(fake.key.as_dict(private=True) | {"alg": "RS512"}),
            ["RS512"],
        )
    ),
    "not JSON": lambda fake: lambda header, _: signed(header, "claims", fake.key),
    "a list": lambda fake: lambda header, _: signed(header, "[]", fake.key),
    "deep": lambda fake: lambda header, _: signed(header, "[" * 90_000, fake.key),
    "huge": lambda fake: lambda header, claims: jwt.encode(header, {**claims, "x": "x" * 150_000}, fake.key),
    "two parts": lambda _: lambda header, claims: unsigned(header, claims).rpartition(".")[0],
    "no text": lambda _: lambda _header, _claims: "é.é.é",
    "empty": lambda _: lambda _header, _claims: "",
    "critical header": lambda fake: (
        lambda header, claims: signed({**header, "crit": ["x"], "x": 1}, json.dumps(claims), fake.key)
    ),
}


def test_lies_are_told_beside_a_truth(client: Client, fake: FakeProvider) -> None:
    """The token of `signed` is accepted, so that the refusals below are not due to how it is made."""
    fake.sign = lambda header, claims: signed(header, json.dumps(claims), fake.key)

    assert client.sign_in().subject == "0001"


@pytest.mark.parametrize("lie", LIES)
def test_token_that_the_provider_did_not_sign_proves_nothing(client: Client, fake: FakeProvider, lie: str) -> None:
    fake.sign = LIES[lie](fake)

    with pytest.raises(UntrustedIdentity):
        client.sign_in()


def test_curve_of_another_algorithm_is_refused(client: Client, fake: FakeProvider) -> None:
    fake.key, fake.published = EC_384, [EC_384]
    fake.sign = lambda header, claims: jwt.encode({**header, "alg": "ES384"}, claims, EC_384, ["ES384"])

    with pytest.raises(UntrustedIdentity, match="algorithm 'ES384': use one of RS256, PS256, ES256, EdDSA"):
        client.sign_in()


@pytest.mark.parametrize(
    "change", [{"use": "enc"}, {"alg": "PS256"}, {"kty": "oct", "k": "c2VjcmV0"}, {"n": "AQAB"}, {"n": 1}]
)
def test_key_for_something_else_verifies_nothing(
    client: Client, fake: FakeProvider, change: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    published = fake.key.as_dict(private=False) | change
    monkeypatch.setattr(type(client.provider.discovery), "keys", lambda _self, **_: [published])

    with pytest.raises(UntrustedIdentity, match="0 keys of the provider fit"):
        client.sign_in()


def test_unknown_headers_are_ignored(client: Client, fake: FakeProvider) -> None:
    fake.sign = lambda header, claims: jwt.encode(
        {**header, "org": 1}, claims, fake.key, registry=jws.JWSRegistry(strict_check_header=False)
    )

    assert client.sign_in().subject == "0001"


def test_token_without_a_key_id_needs_one_fitting_key(client: Client, fake: FakeProvider) -> None:
    fake.header = {"kid": None}
    alone = client.sign_in().subject
    fake.published = [*fake.published, PSS]
    client.seconds = 3_600

    with pytest.raises(UntrustedIdentity, match="2 keys of the provider fit"):
        client.sign_in()
    assert alone == "0001"


@pytest.mark.parametrize(
    ("claims", "trusts", "is_verified"),
    [
        ({}, False, True),
        ({"email_verified": False}, False, False),
        ({"email_verified": False}, True, False),
        ({"email_verified": None}, False, False),
        ({"email_verified": None}, True, True),
        ({"email_verified": "true"}, False, False),
        ({"email_verified": "true"}, True, False),
        ({"email_verified": 1}, False, False),
    ],
)
def test_address_is_verified_if_the_provider_or_the_installation_says_so(
    client_with: Callable[..., Client], fake: FakeProvider, claims: dict[str, Any], trusts: bool, is_verified: bool
) -> None:
    fake.claims = claims

    assert client_with(trusts_email=trusts).sign_in().is_email_verified is is_verified


@pytest.mark.parametrize(("email", "read"), [(None, ""), (7, ""), ([EMAIL], ""), (f" {EMAIL} ", EMAIL)])
def test_address_is_a_text_or_missing(client: Client, fake: FakeProvider, email: object, read: str) -> None:
    fake.claims = {"email": email}

    assert client.sign_in().email == read
