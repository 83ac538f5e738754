"""Settings of transports: each field, each rule, and messages that name file, transport, field and what to do."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from workspace_operator.errors import InvalidInput
from workspace_operator.mail.settings import MAX_FILE_BYTES, load_transports
from workspace_operator.mail.transport_documents import field_names
from workspace_operator.sending.transports import Security, Transport, TransportOffer

MINIMAL = {"host": "smtp.example.com", "senderDomains": "shop.example", "namespaces": ["shops"]}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "transports.yaml"


def loaded(file: Path, *documents: Any) -> tuple[Transport, ...]:
    file.write_text(yaml.safe_dump(list(documents)))
    return load_transports(file, {})


def problems(file: Path, *documents: Any) -> list[str]:
    with pytest.raises(InvalidInput) as refused:
        loaded(file, *documents)
    return str(refused.value).replace(str(file), "FILE").split("\n")


def test_minimal_transport_has_defaults(file: Path) -> None:
    offer = TransportOffer(name="default", sender_domains=frozenset({"shop.example"}), namespaces=frozenset({"shops"}))

    assert loaded(file, MINIMAL) == (
        Transport(
            offer=offer,
            host="smtp.example.com",
            port=587,
            security=Security.START_TLS,
            connections=4,
            per_second=50.0,
            per_workspace_per_second=20.0,
        ),
    )


def test_every_field_is_read(file: Path) -> None:
    document = {
        "name": "marketing",
        "host": "10.0.0.5",
        "port": 2525,
        "security": "None",
        "allowPlain": True,
        "username": "mailer",
        "passwordFile": "secrets/smtp",
        "caFile": "/etc/ca.pem",
        "senderDomains": ["Bücher.Example", "*"],
        "namespaces": "*",
        "bounceAddress": "bounce@mail.example",
        "connections": 8,
        "perSecond": 0.5,
        "perWorkspacePerSecond": 0.25,
    }

    (transport,) = loaded(file, document)

    assert set(document) == set(field_names())
    assert transport == Transport(
        offer=TransportOffer(
            name="marketing",
            sender_domains=frozenset({"xn--bcher-kva.example", "*"}),
            namespaces=frozenset({"*"}),
        ),
        host="10.0.0.5",
        port=2525,
        security=Security.NONE,
        username="mailer",
        password_file=file.parent / "secrets" / "smtp",
        ca_file=Path("/etc/ca.pem"),
        bounce_address="bounce@mail.example",
        connections=8,
        per_second=0.5,
        per_workspace_per_second=0.25,
    )


@pytest.mark.parametrize(("security", "port"), [("StartTLS", 587), ("TLS", 465)])
def test_port_follows_the_security(file: Path, security: str, port: int) -> None:
    (transport,) = loaded(file, {**MINIMAL, "security": security})

    assert transport.port == port


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost", "LOCALHOST"])
def test_plain_text_to_this_host_is_allowed(file: Path, host: str) -> None:
    (transport,) = loaded(file, {**MINIMAL, "host": host, "security": "None"})

    assert transport.security is Security.NONE


def test_list_may_be_empty(file: Path) -> None:
    assert loaded(file) == ()


PLAIN = "is None, so that messages and passwords go to smtp.example.com in plain text"
BOUNCE = (
    "must be an address in ASCII of at most 20 characters before its @, without + and quotes: "
    "use one such as bounce@mail.example"
)
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "plain text": ({"security": "None"}, f"security {PLAIN}: use StartTLS or TLS, or set allowPlain: true"),
    "username alone": ({"username": "u"}, "passwordFile is missing: set it beside username"),
    "passwordFile alone": ({"passwordFile": "p"}, "username is missing: set it beside passwordFile"),
    "password": (
        {"password": "hunter2"},
        "password is not a field: write the password into a file, and its path into passwordFile",
    ),
    "unknown field": ({"tls": True}, f"tls is not a field: remove it; the fields are {', '.join(field_names())}"),
    "snake case": (
        {"ca_file": "x"},
        f"ca_file is not a field: remove it; the fields are {', '.join(field_names())}",
    ),
    "domain": (
        {"senderDomains": ["a b"]},
        "senderDomains has 'a b': write domains such as shop.example, or *",
    ),
    "address as a domain": (
        {"senderDomains": ["a@b.example"]},
        "senderDomains has 'a@b.example': write domains such as shop.example, or *",
    ),
    "no domains": (
        {"senderDomains": []},
        "senderDomains is empty: list at least one",
    ),
    "namespace": ({"namespaces": ["Shops"]}, "namespaces has 'Shops': write names of namespaces, or *"),
    "bounce address with a name": ({"bounceAddress": "B <b@c.example>"}, f"bounceAddress {BOUNCE}"),
    "bounce address with +": ({"bounceAddress": "b+c@d.example"}, f"bounceAddress {BOUNCE}"),
    "long bounce address": ({"bounceAddress": "b" * 21 + "@d.example"}, f"bounceAddress {BOUNCE}"),
    "no bounce address": ({"bounceAddress": "bounce"}, f"bounceAddress {BOUNCE}"),
    "port": ({"port": 0}, "port is not valid: Input should be greater than or equal to 1"),
    "connections": ({"connections": 65}, "connections is not valid: Input should be less than or equal to 64"),
    "rate": ({"perSecond": 0}, "perSecond is not valid: Input should be greater than 0"),
    "security": (
        {"security": "STARTTLS"},
        "security is not valid: Input should be 'StartTLS', 'TLS' or 'None'",
    ),
}


@pytest.mark.parametrize(("change", "problem"), REFUSED.values(), ids=REFUSED)
def test_broken_rule_names_the_field(file: Path, change: dict[str, Any], problem: str) -> None:
    assert problems(file, {**MINIMAL, **change}) == [f"FILE: transport 1: {problem}"]


@pytest.mark.parametrize("field", ["host", "senderDomains", "namespaces"])
def test_required_field_is_named(file: Path, field: str) -> None:
    document = {name: value for name, value in MINIMAL.items() if name != field}

    assert problems(file, document) == [f"FILE: transport 1: {field} is missing: set it"]


@pytest.mark.parametrize("field", ["name", "host"])
def test_names_have_no_odd_characters(file: Path, field: str) -> None:
    (problem,) = problems(file, {**MINIMAL, field: "a b\n"})

    assert f"{field} is not valid: String should match pattern" in problem


def test_all_problems_are_told_at_once(file: Path) -> None:
    first = {**MINIMAL, "name": "ses", "port": 0}
    second = {**MINIMAL, "username": "u"}

    assert problems(file, first, second, MINIMAL, "text") == [
        "FILE: transport 1 ('ses'): port is not valid: Input should be greater than or equal to 1",
        "FILE: transport 2: passwordFile is missing: set it beside username",
        "FILE: transport 4: must be a mapping of fields: write it as 'host: smtp.example.com' and so on",
        "FILE: 2 transports are called 'default': rename all but one",
    ]


@pytest.mark.parametrize("content", ["", "host: a", "- 1\n  b: [", "\x01", "hunter2", "&a [*a]: 1"])
def test_file_that_is_no_list_is_refused(file: Path, content: str) -> None:
    file.write_text(content)

    with pytest.raises(InvalidInput, match=r"transports\.yaml: ") as refused:
        load_transports(file, {})
    assert "hunter2" not in str(refused.value)


def test_large_file_is_refused(file: Path) -> None:
    file.write_bytes(b"#" * (MAX_FILE_BYTES + 1))

    with pytest.raises(InvalidInput, match="is larger than 1048576 bytes"):
        load_transports(file, {})


def test_missing_file_is_refused(file: Path) -> None:
    with pytest.raises(InvalidInput, match=r"transports\.yaml: cannot be read: No such file"):
        load_transports(file, {})


URLS = {
    "smtp://smtp.example.com": ("smtp.example.com", 587, Security.START_TLS, None),
    "smtp://ann@smtp.example.com:2525": ("smtp.example.com", 2525, Security.START_TLS, "ann"),
    "smtp://ann%40shop.example@smtp.example.com/": ("smtp.example.com", 587, Security.START_TLS, "ann@shop.example"),
    "smtps://ann@smtp.example.com": ("smtp.example.com", 465, Security.TLS, "ann"),
    "smtp://localhost:1025": ("localhost", 1025, Security.NONE, None),
    "smtp://[::1]:1025": ("::1", 1025, Security.NONE, None),
    "smtps://localhost:1025": ("localhost", 1025, Security.TLS, None),
}


@pytest.mark.parametrize("url", URLS)
def test_transport_of_the_environment(url: str) -> None:
    host, port, security, username = URLS[url]
    password = {"WORKSPACE_OPERATOR_SMTP_PASSWORD_FILE": "/run/smtp"} if username else {}

    (transport,) = load_transports(None, {"WORKSPACE_OPERATOR_SMTP": url} | password)

    assert (transport.host, transport.port, transport.security) == (host, port, security)
    assert (transport.username, transport.password_file) == (username, Path("/run/smtp") if username else None)
    assert transport.offer == TransportOffer(
        name="default", sender_domains=frozenset({"*"}), namespaces=frozenset({"*"})
    )


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("smtp://u:hunter2@smtp.example.com", "has a password: write it into a file"),
        ("http://smtp.example.com", "must be a URL with the scheme smtp or smtps and a host"),
        ("smtp.example.com", "must be a URL with the scheme smtp or smtps and a host"),
        ("smtp://", "must be a URL with the scheme smtp or smtps and a host"),
        ("smtp://smtp.example.com:x", "is not a valid URL: use one such as smtp://user@"),
        ("smtp://smtp.example.com/in?tls=1", "has more than user, host and port"),
        ("smtp://u@smtp.example.com", "transport 1: passwordFile is missing: set it beside username"),
    ],
)
def test_unusable_url_is_refused(url: str, problem: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        load_transports(None, {"WORKSPACE_OPERATOR_SMTP": url})

    assert str(refused.value).startswith("WORKSPACE_OPERATOR_SMTP")
    assert problem in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_no_settings_are_no_transports() -> None:
    assert load_transports(None, {}) == ()


def test_file_has_precedence_over_the_environment(file: Path) -> None:
    file.write_text("[]")

    assert load_transports(file, {"WORKSPACE_OPERATOR_SMTP": "smtp://smtp.example.com"}) == ()
