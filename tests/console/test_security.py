"""Rules of the console's defences by themselves."""

from ipaddress import ip_network

import pytest

from workspace_operator.console.security.cookies import attempt_cookie, attempt_token, session_cookie, session_token
from workspace_operator.console.security.form_tokens import form_token, is_form_token
from workspace_operator.console.security.origins import Connection, connection_of, refusal_of
from workspace_operator.console.security.rate_limits import address_range
from workspace_operator.console.views.swatches import contrast, swatch

TOKEN = "a" * 43


def test_cookies_of_both_ways_are_never_confused() -> None:
    for is_secure in (True, False):
        cookie = session_cookie(TOKEN, is_secure=is_secure).partition(";")[0]

        assert session_token(cookie, is_secure=is_secure) == TOKEN
        assert session_token(cookie, is_secure=not is_secure) == ""


def test_ended_cookie_removes_the_same_cookie() -> None:
    for is_secure in (True, False):
        made, ended = (session_cookie(token, is_secure=is_secure) for token in (TOKEN, ""))

        assert made.partition("=")[0] == ended.partition("=")[0]
        assert made.partition("; ")[2] in ended


def test_attempt_is_no_session() -> None:
    for is_secure in (True, False):
        cookie = attempt_cookie(TOKEN, is_secure=is_secure)

        assert attempt_token(cookie.partition(";")[0], is_secure=is_secure) == TOKEN
        assert session_token(cookie.partition(";")[0], is_secure=is_secure) == ""
        assert "HttpOnly; SameSite=Lax" in cookie
        assert ("Secure" in cookie) is cookie.startswith("__Host-") is is_secure


@pytest.mark.parametrize("value", ["", "a b", "a\xe9", 'a"b', "a" * 3_001])
def test_other_values_are_no_attempt(value: str) -> None:
    assert attempt_token(f"signin={value}", is_secure=False) == ""


def test_form_token_is_of_one_session() -> None:
    token = form_token("one")

    assert is_form_token(token, "one")
    assert not is_form_token(token, "two")
    assert not is_form_token(token[:-4], "one")
    assert not is_form_token(token[:-2] + "AA", "one")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.0/24"),
        ("2001:db8:1:2ff:3::4", "2001:db8:1:200::/56"),
        ("unix", "unix"),
        ("", ""),
    ],
)
def test_addresses_of_a_network_are_one_client(address: str, network: str) -> None:
    assert address_range(address) == network


def scope(client: str, server: str = "10.0.0.1", scheme: str = "http") -> dict[str, object]:
    return {"client": (client, 1), "server": (server, 8200), "scheme": scheme}


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        (b"203.0.113.9", "203.0.113.9"),
        (b"198.51.100.1, 203.0.113.9", "203.0.113.9"),  # the first is what the client wrote
        (b"unknown", "10.0.0.7"),
        (b"", "10.0.0.7"),
    ],
)
def test_client_behind_a_proxy_is_the_one_that_it_saw(forwarded: bytes, client: str) -> None:
    headers = {b"host": b"console.example", b"x-forwarded-for": forwarded, b"x-forwarded-proto": b"https"}

    found = connection_of(scope("10.0.0.7"), headers, trusted_proxies=[ip_network("10.0.0.7")])

    assert found == Connection(is_secure=True, is_loopback=False, client=client, host="console.example")


def test_proxy_on_the_same_machine_makes_nobody_local() -> None:
    headers = {b"host": b"localhost", b"x-forwarded-proto": b"https"}

    found = connection_of(scope("127.0.0.1", "127.0.0.1"), headers, trusted_proxies=[ip_network("127.0.0.1")])

    assert not found.is_loopback
    assert refusal_of(found, console_url="https://console.example") == 421


@pytest.mark.parametrize(
    ("client", "server", "is_loopback"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("::1", "::1", True),
        ("::ffff:127.0.0.1", "::ffff:127.0.0.1", True),
        ("127.0.0.1", "10.0.0.1", False),
        ("10.0.0.2", "127.0.0.1", False),
        ("unix", "127.0.0.1", False),
    ],
)
def test_loopback_has_both_ends_here(client: str, server: str, is_loopback: bool) -> None:
    found = connection_of(scope(client, server), {}, trusted_proxies=[])

    assert found.is_loopback is is_loopback


@pytest.mark.parametrize(
    "color", [f"{r:02X}{g:02X}{b:02X}" for r in range(0, 256, 51) for g in range(0, 256, 51) for b in range(0, 256, 51)]
)
def test_letter_of_every_colour_can_be_read(color: str) -> None:
    made = swatch(color, "Club")

    assert contrast(made.letter_color, made.color) >= 4.5


@pytest.mark.parametrize("color", ["", "red", "12345", "1234567", '"><script>'])
def test_what_is_no_colour_is_grey(color: str) -> None:
    assert swatch(color, "Club").color == "6B7280"


@pytest.mark.parametrize(("name", "letter"), [("club", "C"), (" - 2nd", "2"), ("«é»", "É"), ("…", ""), ("", "")])
def test_letter_is_the_first_of_the_name(name: str, letter: str) -> None:
    assert swatch("000000", name).letter == letter
