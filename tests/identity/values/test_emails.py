import sys
from collections.abc import Callable
from itertools import product
from typing import Any
from unicodedata import normalize
from uuid import uuid4

import email_validator
import pytest
from email_validator import ValidatedEmail, validate_email
from hypothesis import example, given
from hypothesis import strategies as st

from workspace_operator.identity.values.email_keys import (
    MAX_INTERNATIONAL_LABELS,
    email_key,
    email_key_prefix,
    uncached_email_key,
)

KELVIN = "\N{KELVIN SIGN}"
LABEL_63 = "a" * 63

PIECES = [
    *("a", "Z", "9", "-", "--", ".", "..", "_", "+", "'", "@", '"', "\\", " ", "\t", "\0"),
    *("xn--", "xn--strae-oqa", "XN--STRAE-OQA", "ab--c", LABEL_63, "b" * 64, "c" * 190, "com", "c0m", "123", "t1"),
    *("é", "e\N{COMBINING ACUTE ACCENT}", "ß", "ς", "Σ", "İ", KELVIN, "\N{FULLWIDTH LATIN SMALL LETTER A}"),
    *("\N{IDEOGRAPHIC FULL STOP}", "\N{FULLWIDTH COMMERCIAL AT}", "\N{SOFT HYPHEN}", "\ud800", "א", "\u0661"),
    *("test", "local", "localhost", "invalid", "arpa", "[127.0.0.1]", "<", ">", "(", ",", ";"),
]
SOUP = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
LABEL = st.text("abZ019-", min_size=1, max_size=6) | st.sampled_from(PIECES)
DOMAIN = st.lists(LABEL, min_size=1, max_size=4).map(".".join)
LOCAL = st.text("aZ9.!#$%&'*+/=?^_`{|}~-", min_size=1, max_size=8) | SOUP
NEAR_ADDRESSES = st.tuples(LOCAL, DOMAIN).map("@".join) | SOUP | st.emails()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ann@example.com", "ann@example.com"),
        (" \tAnn@Example.COM \n", "ann@example.com"),
        ("Jos\N{LATIN SMALL LETTER E WITH ACUTE}@x.org", "JOSE\N{COMBINING ACUTE ACCENT}@x.org"),
        ("ΟΔΥΣΣΕΥΣ@x.org", "οδυσσευς@x.org"),
        ("a@bücher.de", "a@xn--bcher-kva.de"),
        ("a@BÜCHER.de", "a@bu\N{COMBINING DIAERESIS}cher.de"),
        ("a@x\N{IDEOGRAPHIC FULL STOP}org", "a@x.org"),
        (f"{KELVIN}@x.org", "k@x.org"),
        ('"A b"@x.org', '"a B"@x.org'),
    ],
)
def test_spellings_share_a_key(one: str, other: str) -> None:
    assert email_key(one) == email_key(other)

    assert email_key(one) is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a@straße.de", "a@strasse.de"),
        ("a.b@gmail.com", "ab@gmail.com"),
        ("a+b@gmail.com", "a@gmail.com"),
        ('"a"@x.org', "a@x.org"),
        ("jose@x.org", "josé@x.org"),
    ],
)
def test_different_addresses_stay_apart(one: str, other: str) -> None:
    assert email_key(one) != email_key(other)

    assert None not in {email_key(one), email_key(other)}


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("Ann.Lee+Tag@Mail.Example.com", "ann.lee+tag@mail.example.com"),
        ("a@straße.de", "a@xn--strae-oqa.de"),
        ("a@b.test", "a@b.test"),
        ("a@printer.local", "a@printer.local"),
        ("a@b.invalid", "a@b.invalid"),
        ("a_b@x-y.org", "a_b@x-y.org"),
        (f"a@{LABEL_63}.org", f"a@{LABEL_63}.org"),
        (f"{'l' * 65}@x.org", f"{'l' * 65}@x.org"),
        (f"{'l' * 248}@x.org", f"{'l' * 248}@x.org"),
        ('"a@b"@x.org', '"a@b"@x.org'),
    ],
)
def test_addresses_have_these_keys(address: str, key: str) -> None:
    assert email_key(address) == key


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "a", "@", "a@", "@x.org", "a@localhost", "a@x.1", "a@x.org.", "a@.x.org", "a@x..org"),
        *(".a@x.org", "a.@x.org", "a..b@x.org", "a b@x.org", "a@x_y.org", "a@-x.org", "a@x-.org", "a@ab--c.org"),
        *("a@[127.0.0.1]", "a@[IPv6:::1]", "Ann <a@x.org>", "<a@x.org>", "a@x.org,b@x.org", "a@b@x.org"),
        *(f"a@{'b' * 64}.org", f"{'l' * 249}@x.org", "a@xn--a.org", "a\0@x.org", "\ud800@x.org", "a@x.org\ud800"),
        f"{'é' * 125}@x.org",
    ],
)
def test_others_are_no_addresses(text: str) -> None:
    assert email_key(text) is None


def test_address_that_casefolds_too_long_has_no_key() -> None:
    address = f"{'İ' * 120}@x.org"

    assert email_key(address) is None


@given(NEAR_ADDRESSES)
@example(f"{KELVIN}@x.{KELVIN}om")
@example(f"a@{'b.' * 125}com")
@example(f"{'l' * 230}@bücher.example")
@example(f"{'l' * 231}@例例例例例例.example")
@example(f"{'l' * 236}@bücher.example")
@example(f"{'l' * 237}@bücher.example")
@example(f"{'l' * 220}@xn--bcher-kva.example")
@example("a@bücher\ud800.example")
def test_short_cut_agrees_with_library(text: str) -> None:
    assert email_key(text) == uncached_email_key(text.strip())


@given(
    st.integers(1, 254), st.sampled_from(["bücher.example", "例え.テスト.jp", "ß.de", "مثال.إختبار", "x.xn--bcher-kva"])
)
def test_lengths_of_all_forms_count(length: int, domain: str) -> None:
    address = f"{'l' * length}@{domain}"

    assert email_key(address) == uncached_email_key(address)


@pytest.mark.parametrize(
    ("domain", "is_one"),
    [
        (".".join(["ü"] * (MAX_INTERNATIONAL_LABELS - 1)) + ".de", True),
        (".".join(["ü"] * MAX_INTERNATIONAL_LABELS) + ".de", False),
        ("\N{IDEOGRAPHIC FULL STOP}".join(["ü"] * MAX_INTERNATIONAL_LABELS) + ".de", False),
        ("xn--tda." * MAX_INTERNATIONAL_LABELS + "de", False),
        ("a." * 60 + "de", True),
        ("\N{SOFT HYPHEN}" * 64 + "x.de", False),
    ],
)
def test_labels_of_international_domains_are_capped(domain: str, is_one: bool) -> None:
    assert (email_key(f"a@{domain}") is not None) is is_one
    assert (email_key(f"é@{domain}") is not None) is is_one


def test_domain_is_brought_into_its_ascii_form_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes up to a millisecond, and a body can name thousands of addresses."""
    validated: list[str] = []

    def validate(text: str, **options: Any) -> ValidatedEmail:
        validated.append(text)
        return validate_email(text, **options)

    monkeypatch.setattr(email_validator, "validate_email", validate)
    domain = f"bücher-{uuid4().hex}.example"

    keys = {email_key(f"reader{number}@{domain}") for number in range(1000)}
    keys |= {email_key(f"léctrice@{domain}") for _ in range(1000)}

    assert len(keys) == 1001
    assert len(validated) <= 4


@pytest.mark.parametrize("form", ["a@{}", "{}@a.b", "a.a@a{}.a", "a@{}.a1a"])
def test_short_cut_agrees_on_all_short_texts(form: str) -> None:
    texts = [form.format("".join(letters)) for size in range(6) for letters in product("aA1-.", repeat=size)]

    wrong = [text for text in texts if email_key(text) != uncached_email_key(text)]

    assert wrong == []


@given(NEAR_ADDRESSES)
def test_key_of_key_is_itself(text: str) -> None:
    key = email_key(text)

    assert key is None or email_key(key) == key


@given(NEAR_ADDRESSES)
def test_decomposed_form_has_no_other_key(text: str) -> None:
    key = email_key(text)

    assert key is None or email_key(f" {normalize('NFD', text)}\n") in {key, None}


def test_plain_addresses_take_the_short_cut() -> None:
    address = "first.last+tag@mail.example.com"

    assert calls_in(lambda: email_key(address)) * 8 < calls_in(lambda: uncached_email_key(address))


def calls_in(work: Callable[[], object]) -> int:
    """How many functions of Python are called, which does not hang on the machine as the time does."""
    commands = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal commands
        commands += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return commands


@pytest.mark.parametrize(
    ("text", "prefix"),
    [
        (" Ana.S", "ana.s"),
        ("ana@Exa", "ana@exa"),
        ("lena@bücher.example", "lena@xn--bcher-kva.example"),
        ("ΟΔΟΣ", "οδοσ"),
        ("u\N{COMBINING DIAERESIS}", "ü"),
    ],
)
def test_beginning_of_an_address_has_the_form_of_a_key(text: str, prefix: str) -> None:
    assert email_key_prefix(text) == prefix
