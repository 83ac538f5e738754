"""Custom headers and lines of the head: what is allowed, and the attacks that are not (sending §3.3 and §7)."""

import pytest

from workspace_operator.errors import InvalidInput
from workspace_operator.sending.headers import (
    MAX_HEADERS,
    MAX_SUBJECT_CHARACTERS,
    check_headers,
    check_line,
    is_reserved,
)

ALLOWED = [
    ("X-Campaign", "spring"),
    ("x-campaign", ""),
    ("In-Reply-To", "<a@b.example>"),
    ("References", "<a@b.example> <c@d.example>"),
    ("X-Mailgun-Variables", '{"my": "data"}'),
    ("X-SES-CONFIGURATION-SET", "main"),
    ("X-PM-Tag", "welcome"),
    ("Auto-Submitted", "auto-generated"),
    ("Precedence", "bulk"),
    ("X-Liquid", "{{ customer.id }}"),
    ("X-" + "a" * 74, "longest name"),
    ("X-Long", " ".join(["word"] * 199)),
    ("X-Long-Word", "w" * 920),
    ("Resentful", "a word that only begins alike"),
    ("Listing", "1"),
]

_RESERVED = """
    To to TO Cc CC Bcc bcc From Sender Reply-To reply-to Return-Path Date Subject Message-ID Message-Id
    Resent-To Resent-Cc Resent-Bcc Resent-From Resent-Sender Resent-Date Resent-Message-ID resent-reply-to
    List-Unsubscribe List-Unsubscribe-Post List-Id List-Post List-Help
    DKIM-Signature dkim-signature ARC-Seal ARC-Message-Signature ARC-Authentication-Results Authentication-Results
    Received received Received-SPF MIME-Version mime-version Content-Type Content-Transfer-Encoding Content-Disposition
    Content-ID content-type Disposition-Notification-To disposition-notification-options Return-Receipt-To
    Return-Receipt-Requested Errors-To Read-Receipt-To X-Confirm-Reading-To Generate-Delivery-Report
    Apparently-To Delivered-To Envelope-To Mail-Followup-To Mail-Reply-To Original-Recipient
    X-Original-To X-Original-Cc X-Original-Bcc X-Original-Reply-To X-Send-Behavior x-send-behavior
    X-SMTPAPI x-smtpapi X-MSYS-API X-MC-BccAddress
"""
RESERVED = _RESERVED.split()

BAD_NAMES = [
    "",
    " ",
    "X A",
    "X:A",
    "X-A:",
    "X-A ",
    " X-A",
    "X\tA",
    "X-A\r\nBcc",
    "X-A\n",
    "X-A\r",
    "X\0A",
    "X_A",
    "X.A",
    "X-É",
    "X-\N{CYRILLIC SMALL LETTER A}",
    "\N{FULLWIDTH LATIN CAPITAL LETTER T}o",
    "To\N{ZERO WIDTH SPACE}",
    "X-" + "a" * 75,
    "(comment)X",
    '"X"',
]

BAD_VALUES = [
    "a\r\nBcc: v@attacker.example",
    "a\nBcc: v@attacker.example",
    "a\rBcc: v@attacker.example",
    "a\r\n\r\n<script>",
    "a\r\n folded",
    "a\n\tfolded",
    "\r\n.\r\nMAIL FROM:<x@y.example>",
    "a\0b",
    "a\tb",
    "a\x0bb",
    "a\x0cb",
    "a\x1bb",
    "a\x7fb",
    "a\x85b",
    "a\u2028b",
    "a\u2029b",
    "é",
    "\N{GREEK QUESTION MARK}",
    "\ud800",
    "w" * 921,
    "w " * 500,
]


@pytest.mark.parametrize(("name", "value"), ALLOWED, ids=[name for name, _ in ALLOWED])
def test_ordinary_header_is_allowed(name: str, value: str) -> None:
    check_headers(((name, value),), field="headers")

    assert not is_reserved(name)


@pytest.mark.parametrize("name", RESERVED)
def test_reserved_header_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="is reserved: remove it") as refused:
        check_headers((("X-Good", "1"), (name, "a")), field="headers")

    assert refused.value.field == "headers"
    assert repr(name) in str(refused.value)


@pytest.mark.parametrize("name", BAD_NAMES, ids=ascii)
def test_malformed_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match=r"headers: the header .* has no valid name"):
        check_headers(((name, "a"),), field="headers")


@pytest.mark.parametrize("value", BAD_VALUES, ids=lambda value: ascii(value[:20]))
def test_malformed_value_is_refused(value: str) -> None:
    with pytest.raises(InvalidInput, match=r"headers: the header 'X-A' has a (value|word)"):
        check_headers((("X-A", value),), field="headers")


def test_number_of_headers_is_limited() -> None:
    headers = tuple((f"X-{number}", "a") for number in range(MAX_HEADERS + 1))
    check_headers(headers[1:], field="headers")

    with pytest.raises(InvalidInput, match="headers has 31 headers: send at most 30"):
        check_headers(headers, field="headers")


@pytest.mark.parametrize("text", ["", "Your order #1", "Größe 😀", "👩\N{ZERO WIDTH JOINER}👧", "a\N{NO-BREAK SPACE}b"])
def test_ordinary_subject_is_allowed(text: str) -> None:
    check_line(text, field="subject")


@pytest.mark.parametrize(
    "character", ["\r\n", "\n", "\r", "\0", "\t", "\x1b", "\x7f", "\x85", "\u2028", "\ud800"], ids=ascii
)
def test_control_character_in_subject_is_refused(character: str) -> None:
    with pytest.raises(InvalidInput, match=r"subject '.*' contains a control character \(U\+") as refused:
        check_line(f"Hello{character}Bcc: v@attacker.example", field="subject")

    assert refused.value.field == "subject"


def test_length_of_subject_is_limited() -> None:
    with pytest.raises(InvalidInput, match="subject has 999 characters: send at most 998"):
        check_line("a" * (MAX_SUBJECT_CHARACTERS + 1), field="subject")
