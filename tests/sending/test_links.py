"""URLs of messages: each is genuine for its purpose only; a click leads only where it was signed to (sending §5.4)."""

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workspace_operator.sending.keys import RootKey
from workspace_operator.sending.links import (
    click_url,
    is_trackable,
    open_url,
    unsubscribe_url,
    verify_click,
    verify_open,
    verify_unsubscribe,
)
from workspace_operator.sending.tokens import Token

KEY, OTHER_KEY = RootKey(b"k" * 32), RootKey(b"o" * 32)
TOKEN = Token(workspace_id=7, delivery_id="0123456789abcdef01234567", is_test=True)
BASE = "https://track.example/mail"
TARGET = "https://shop.example/a?b=1&c=ä#d"


def click_parts(url: str) -> tuple[str, str, str]:
    """Token, number and decoded target of a click link, as a server reads them."""
    parts = urlsplit(url)
    *_, text, number = parts.path.split("/")
    [target] = parse_qs(parts.query)["u"]
    return text, number, target


def test_open_pixel_verifies() -> None:
    url = open_url(BASE, TOKEN, KEY)

    assert url.startswith("https://track.example/mail/e/o/")
    assert verify_open(url.rpartition("/")[2], KEY) == TOKEN


def test_unsubscribe_url_verifies() -> None:
    url = unsubscribe_url(BASE + "/", TOKEN, KEY)

    assert url.startswith("https://track.example/mail/u/")
    assert verify_unsubscribe(url.rpartition("/")[2], KEY) == TOKEN


@given(
    path=st.text(st.characters(exclude_categories=["C", "Zl", "Zp", "Zs"]), max_size=200),
    number=st.integers(1, 999_999),
)
def test_click_link_leads_to_its_target(path: str, number: int) -> None:
    target = f"https://shop.example/{path}"

    text, digits, decoded = click_parts(click_url(BASE, TOKEN, number, target, KEY))

    assert (digits, decoded) == (str(number), target)
    assert verify_click(text, digits, decoded, KEY) == TOKEN


@pytest.mark.parametrize(
    ("number", "target"),
    [
        ("2", TARGET),
        ("01", TARGET),
        ("1", TARGET + "x"),
        ("1", "https://attacker.example/"),
        ("1", "javascript:alert(1)"),
        ("1 https://shop.example/", ""),
        ("²", TARGET),
        ("-1", TARGET),
        ("", TARGET),
        ("1" * 5000, TARGET),
    ],
)
def test_changed_click_link_is_not_genuine(number: str, target: str) -> None:
    text, _, _ = click_parts(click_url(BASE, TOKEN, 1, TARGET, KEY))

    assert verify_click(text, number, target, KEY) is None


def test_token_is_worthless_for_another_purpose() -> None:
    opened = open_url(BASE, TOKEN, KEY).rpartition("/")[2]
    unsubscribed = unsubscribe_url(BASE, TOKEN, KEY).rpartition("/")[2]

    assert verify_unsubscribe(opened.removesuffix(".gif"), KEY) is None
    assert verify_open(unsubscribed + ".gif", KEY) is None
    assert verify_click(unsubscribed, "1", TARGET, KEY) is None


@pytest.mark.parametrize("file_name", ["", ".gif", "x.gif", "x", "é.gif"])
def test_malformed_pixel_is_not_genuine(file_name: str) -> None:
    assert verify_open(file_name, KEY) is None


def test_pixel_needs_its_suffix() -> None:
    assert verify_open(open_url(BASE, TOKEN, KEY).rpartition("/")[2].removesuffix(".gif"), KEY) is None


def test_links_of_another_key_are_not_genuine() -> None:
    text, number, target = click_parts(click_url(BASE, TOKEN, 1, TARGET, KEY))

    assert verify_click(text, number, target, OTHER_KEY) is None
    assert verify_open(open_url(BASE, TOKEN, KEY).rpartition("/")[2], OTHER_KEY) is None
    assert verify_unsubscribe(unsubscribe_url(BASE, TOKEN, KEY).rpartition("/")[2], OTHER_KEY) is None


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("https://shop.example/", True),
        ("HTTP://shop.example", True),
        ("http://[2001:db8::1]/", True),
        ("https://shop.example/a b", True),
        ("https://", False),
        ("https:///path", False),
        ("https://:80/", False),
        ("https:\\\\shop.example", False),
        ("https://\\shop.example", False),
        ("//shop.example", False),
        ("mailto:ann@shop.example", False),
        ("javascript:alert(1)", False),
        ("https://shop.example/\r\nSet-Cookie: a=b", False),
        ("https://shop.example/\ud800", False),
        (" https://shop.example/", False),
        ("https://shop.example/" + "a" * 2048, False),
    ],
)
def test_only_web_links_are_trackable(target: str, expected: bool) -> None:
    assert is_trackable(target) is expected
