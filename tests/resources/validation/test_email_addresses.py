"""Admission and the operator agree on what a test address is, and both with what an address is to people."""

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from tests.identity.values.test_emails import NEAR_ADDRESSES
from workspace_operator.identity.values.email_keys import email_key
from workspace_operator.resources.rules import SENDER_IS_A_MAILBOX, TEST_ADDRESS_IS_AN_ADDRESS
from workspace_operator.sending.addresses import parse_mailbox

SOUP = st.text("aZ9.-@\"\\ <>,;'(x n_!\x00\x7f", max_size=14)
LABELS = st.text("a1-.", max_size=8)


def is_taken(address: str) -> bool:
    return TEST_ADDRESS_IS_AN_ADDRESS.holds({"spec": {"sendBehavior": {"testAddress": address}}}, None)


@settings(max_examples=600, deadline=None)
@given(NEAR_ADDRESSES | SOUP | SOUP.map("{}@a.de".format) | SOUP.map("a@{}.de".format) | LABELS.map("a@{}a".format))
@example("a@b@c.dd")
@example('a"b <x@y.zz>, c@d.ee')
@example('"a\\"b@c"@d.ee')
@example(f"a@{'b' * 63}.de")
@example(f"a@{'b' * 64}.de")
@example(f"{'a' * 64}@{'b' * 60}.de")
@example("a@ab--c.de")
@example("a@a--b.de")
@example("a@b.c1")
@example("a@b.1c")
def test_addresses_in_ascii_are_those_of_people(address: str) -> None:
    assume(address.isascii() and "xn--" not in address.lower())

    assert is_taken(address) == (email_key(address) is not None and address == address.strip())


@settings(max_examples=200, deadline=None)
@given(NEAR_ADDRESSES)
def test_nothing_else_is_taken_beyond_ascii(address: str) -> None:
    """Only the domain is not looked into: a name that IDNA refuses is the mail server's to refuse."""
    assume("\ud800" not in address and is_taken(address))

    local = address.rpartition("@")[0]
    assert email_key(f"{local}@example.com") is not None


@pytest.mark.parametrize("address", ["иван@пример.рф", "qa@xn--bcher-kva.de", '"q@a"@example.com', "qa@例え.テスト"])
def test_unusual_addresses_are_taken(address: str) -> None:
    assert is_taken(address)


@pytest.mark.parametrize("invisible", ["\u200b", "\u00a0", "\u202e", "\ufeff", "\u2028", "\u00ad"])
def test_invisible_characters_are_refused(invisible: str) -> None:
    assert not is_taken(f"q{invisible}a@example.com")
    assert not is_taken(f"qa@exam{invisible}ple.com")


def is_sender(text: str) -> bool:
    return SENDER_IS_A_MAILBOX.holds({"spec": {"sending": {"from": text}}}, None)


NAMES = st.text('aZ9. -"\\,<>(é🛒\u200b\n\x7f', max_size=10)


@settings(max_examples=300, deadline=None)
@given(SOUP | NEAR_ADDRESSES | st.tuples(NAMES, NEAR_ADDRESSES | SOUP).map("{0[0]}<{0[1]}>".format))
@example("Shop <hello@shop.example>")
@example('"Shop, Inc." <hello@shop.example>')
@example('"a<b"@shop.example')
@example("<hello@shop.example>")
def test_operator_takes_every_sender_that_admission_takes(text: str) -> None:
    if text.isascii() and "xn--" not in text.lower() and is_sender(text):  # most texts are none
        assert parse_mailbox(text, field="from").key


@pytest.mark.parametrize("sender", ["hello@shop.example", "Shop <hello@shop.example>", "Läden 🛒 <hello@shop.example>"])
def test_usual_senders_are_taken(sender: str) -> None:
    assert is_sender(sender)
    assert parse_mailbox(sender, field="from").address == "hello@shop.example"
