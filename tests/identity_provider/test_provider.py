"""The provider over HTTP: what it publishes, codes, and all that it may do wrong."""

import re
from collections.abc import Callable
from threading import Event, Thread
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwk

from tests.identity_provider.conftest import REDIRECT_URI, SECRETS, Client
from tests.identity_provider.provider import DISCOVERY, FakeProvider, Reply
from workspace_operator.errors import IdentityProviderUnavailable, InvalidInput, UntrustedIdentity
from workspace_operator.identity_provider.discovery import FAILURE_SECONDS
from workspace_operator.identity_provider.http_client import MAX_BODY, MAX_REQUESTS
from workspace_operator.identity_provider.provider import code_challenge
from workspace_operator.identity_provider.settings import ProviderSettings

PATHS = (DISCOVERY, "/token", "/keys")


def test_browser_is_sent_to_the_provider_with_digests_only(client: Client, fake: FakeProvider) -> None:
    url = client.provider.authorization_url(SECRETS, redirect_uri=REDIRECT_URI)

    assert url.startswith(f"{fake.url}/authorize?")
    assert parse_qs(urlsplit(url).query) == {
        "response_type": ["code"],
        "client_id": ["console"],
        "redirect_uri": [REDIRECT_URI],
        "scope": ["openid email"],
        "state": [SECRETS.state],
        "nonce": [SECRETS.nonce],
        "code_challenge": [code_challenge(SECRETS.code_verifier)],
        "code_challenge_method": ["S256"],
    }
    assert SECRETS.code_verifier not in url


def test_challenge_is_that_of_the_standard() -> None:
    """The example of RFC 7636, appendix B."""
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

    assert code_challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_query_of_an_endpoint_is_kept(client: Client, fake: FakeProvider) -> None:
    fake.metadata = {"authorization_endpoint": f"{fake.url}/authorize?tenant=7"}

    url = client.provider.authorization_url(SECRETS, redirect_uri=REDIRECT_URI)

    assert parse_qs(urlsplit(url).query)["tenant"] == ["7"]


@pytest.mark.parametrize("methods", [None, ["client_secret_basic", "client_secret_post"], ["client_secret_post"]])
def test_secret_is_sent_as_the_provider_wants_it(client: Client, fake: FakeProvider, methods: list[str] | None) -> None:
    fake.metadata = {"token_endpoint_auth_methods_supported": methods}

    assert client.sign_in().subject == "0001"


def test_code_works_once(client: Client, fake: FakeProvider) -> None:
    query = fake.authorize(client.provider.authorization_url(SECRETS, redirect_uri=REDIRECT_URI))
    client.sign_in(code=query["code"])

    with pytest.raises(UntrustedIdentity, match="refuses the code: 'invalid_grant'"):
        client.sign_in(code=query["code"])


def test_wrong_secret_is_refused(client_with: Callable[..., Client]) -> None:
    with pytest.raises(UntrustedIdentity, match="invalid_client"):
        client_with(client_secret="another").sign_in()


def test_callback_of_another_issuer_is_refused_before_the_code_is_sent(client: Client, fake: FakeProvider) -> None:
    with pytest.raises(UntrustedIdentity, match=r"https://other\.example"):
        client.sign_in(issuer="https://other.example")

    assert "/token" not in fake.asked


def test_callback_may_name_no_issuer(client: Client) -> None:
    assert client.sign_in(issuer=None).subject == "0001"


def test_answer_without_an_id_token_proves_nothing(client: Client, fake: FakeProvider) -> None:
    fake.replies["/token"] = Reply(body=b'{"access_token": "x"}')

    with pytest.raises(UntrustedIdentity, match="no ID token"):
        client.sign_in()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (Reply(status=500), "status 500"),
        (Reply(status=302, headers={"location": "/elsewhere"}), "redirects, which is not followed"),
        (Reply(status=307, headers={"location": "/elsewhere"}), "redirects, which is not followed"),
        (Reply(body=b" " * (MAX_BODY + 1)), f"more than {MAX_BODY} bytes"),
        (Reply(body=b"{"), "JSONDecodeError"),
        (Reply(body=b"[" * 100_000), "RecursionError"),
        (Reply(body=b"\xff"), "UnicodeDecodeError"),
        (Reply(body=b"[]"), "JSON that is no object"),
        (Reply(headers={"content-type": "text/html"}), "text/html, not with JSON"),
        (Reply(headers={"content-type": "application/json", "content-encoding": "gzip"}, body=b"\x1f\x8b"), "Error"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_wrong_answers_are_no_identity(
    client: Client, fake: FakeProvider, path: str, reply: Reply, message: str
) -> None:
    fake.replies[path] = reply

    with pytest.raises(IdentityProviderUnavailable, match=re.escape(message)):
        client.sign_in()

    assert "/elsewhere" not in fake.asked


@pytest.mark.parametrize("path", PATHS)
def test_answer_that_comes_slowly_is_no_identity(fake: FakeProvider, path: str) -> None:
    """The whole answer has to arrive in time: this one goes on for 5 seconds, without a pause of half a second."""
    fake.replies[path] = Reply(body=b" " * 120, seconds=5)

    with pytest.raises(IdentityProviderUnavailable, match=r"does not answer within 0\.5 seconds"):
        Client(fake=fake, timeout=0.5).sign_in()


def test_provider_that_is_away_is_unavailable(client_with: Callable[..., Client]) -> None:
    with pytest.raises(IdentityProviderUnavailable, match="ClientConnectorError"):
        client_with(issuer="http://127.0.0.1:9").sign_in()


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"issuer": "https://other.example"}, "calls itself 'https://other"),
        ({"issuer": None}, "calls itself None"),
        ({"token_endpoint": None}, "the token_endpoint of"),
        ({"token_endpoint": "http://id.example/token"}, "no URL with https"),
        ({"jwks_uri": "file:///etc/passwd"}, "the jwks_uri of"),
        ({"jwks_uri": ["https://id.example"]}, "the jwks_uri of"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "the authorization_endpoint of"),
    ],
)
def test_discovery_of_another_or_of_unsafe_urls_is_refused(
    client: Client, fake: FakeProvider, metadata: dict[str, object], message: str
) -> None:
    fake.metadata = metadata

    with pytest.raises(IdentityProviderUnavailable, match=message):
        client.sign_in()


def test_provider_that_failed_is_left_alone_for_some_seconds(client: Client, fake: FakeProvider) -> None:
    fake.metadata = {"issuer": None}
    for client.seconds in (0, 4):
        with pytest.raises(IdentityProviderUnavailable, match="calls itself None"):
            client.sign_in()
    asked, fake.metadata, client.seconds = fake.asked.count(DISCOVERY), {}, 5

    assert asked == 1
    assert client.sign_in().subject == "0001"


@pytest.mark.parametrize("body", [b"{}", b'{"keys": {}}', b'{"keys": ["x"]}'])
def test_keys_must_be_a_set_of_keys(client: Client, fake: FakeProvider, body: bytes) -> None:
    fake.replies["/keys"] = Reply(body=body)

    with pytest.raises(IdentityProviderUnavailable, match="no set of JSON Web Keys"):
        client.sign_in()


def test_what_is_published_is_read_once_an_hour(client: Client, fake: FakeProvider) -> None:
    for client.seconds in (0, 1_800, 3_599):
        client.sign_in()
    within = [fake.asked.count(path) for path in (DISCOVERY, "/keys")]
    client.seconds = 3_600
    client.sign_in()

    assert within == [1, 1]
    assert [fake.asked.count(path) for path in (DISCOVERY, "/keys")] == [2, 2]


def test_rotated_key_is_read_anew(client: Client, fake: FakeProvider) -> None:
    client.sign_in()
    fake.key = jwk.RSAKey.generate_key(2048, {"kid": "new"}, private=True)
    fake.published = [fake.key]
    client.seconds = 60

    assert client.sign_in().subject == "0001"
    assert fake.asked.count("/keys") == 2


def test_unknown_keys_are_asked_for_once_a_minute(client: Client, fake: FakeProvider) -> None:
    fake.header = {"kid": "unknown"}
    for client.seconds in (0, 1, 59, 60, 61, 119):
        with pytest.raises(UntrustedIdentity, match="0 keys of the provider fit"):
            client.sign_in()

    assert fake.asked.count("/keys") == 2


def test_failure_is_remembered_for_seconds_only(client: Client, fake: FakeProvider) -> None:
    fake.replies[DISCOVERY] = Reply(status=503)
    with pytest.raises(IdentityProviderUnavailable):
        client.sign_in()
    del fake.replies[DISCOVERY]

    client.seconds += FAILURE_SECONDS - 0.1
    with pytest.raises(IdentityProviderUnavailable, match="503"):
        client.sign_in()
    client.seconds += 0.1
    assert client.sign_in().subject == "0001"


def test_slow_provider_holds_few_requests(client: Client, fake: FakeProvider) -> None:
    fake.replies[DISCOVERY] = Reply(body=b" " * 20, seconds=3)
    failures: list[str] = []
    began = Event()

    def ask() -> None:
        began.set()
        try:
            client.provider.authorization_url(SECRETS, redirect_uri=REDIRECT_URI)
        except IdentityProviderUnavailable as error:
            failures.append(str(error))

    threads = [Thread(target=ask) for _ in range(MAX_REQUESTS + 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len([message for message in failures if "wait for the provider already" in message]) == 3


@pytest.mark.parametrize(
    "issuer",
    [
        *("", "id.example", "http://id.example", "ftp://id.example", "https://", "https://id.example?x=1"),
        *("https://id.example#x", "https://user:word@id.example", "https://id.example:0", "https://id.example:x"),
        *("https://id.example /x", "https://é.example", "http://localhost.example"),
    ],
)
def test_issuer_must_be_a_url_over_tls(issuer: str) -> None:
    with pytest.raises(InvalidInput, match="--oidc-issuer"):
        ProviderSettings(issuer=issuer, client_id="c", client_secret="s")


@pytest.mark.parametrize(
    "issuer", ["https://id.example", "https://id.example:8443/realms/x/", "http://localhost:8080", "http://[::1]:1"]
)
def test_issuer_over_tls_or_on_this_machine_is_accepted(issuer: str) -> None:
    assert ProviderSettings(issuer=issuer, client_id="c", client_secret="s").issuer == issuer


@pytest.mark.parametrize(
    ("client_id", "secret", "option"), [("", "s", "--oidc-client-id"), ("c", "", "--oidc-client-secret-file")]
)
def test_client_needs_an_id_and_a_secret(client_id: str, secret: str, option: str) -> None:
    with pytest.raises(InvalidInput, match=option):
        ProviderSettings(issuer="https://id.example", client_id=client_id, client_secret=secret)


def test_secret_is_not_shown() -> None:
    assert "word" not in repr(ProviderSettings(issuer="https://id.example", client_id="c", client_secret="word"))
