"""The MIME frame against the standard library's parser: any text comes back equal (sending §6.2, §7)."""

import re
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import getaddresses
from typing import cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from workspace_operator.sending.addresses import Mailbox, parse_mailboxes
from workspace_operator.sending.gate import Pass
from workspace_operator.sending.messages import Attachment, Headers, RenderedMessage, Tracking
from workspace_operator.sending.mime import compose, encoded_text, entity, message_id_of, readable_entity
from workspace_operator.sending.rules import SendMode

NOW = datetime(2026, 11, 29, 1, 2, 3, tzinfo=UTC)
SHOP = Mailbox("Shop", "hello@shop.example", "hello@shop.example")
ANN, BOB, CAT, DAN = parse_mailboxes(
    'Ann <ann@people.example>, "Bøb, jr." <bob@people.example>, cat@people.example, dan@people.example', field="to"
)
TEST_ADDRESS = Mailbox("", "qa@shop.example", "qa@shop.example")

unicode_text = st.text(st.characters(exclude_categories=["Cs"]))
line_text = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=300)
names = st.one_of(
    line_text.map(lambda text: text[:150].strip()), st.sampled_from(["=?utf-8?q?Bcc?=", 'a"b\\c', "a, b"])
)
mailboxes = st.builds(lambda name: Mailbox(name, "x@y.example", "x@y.example"), names)
values = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=998).filter(
    lambda value: not re.search(r"[^ ]{921}", value)
)


def decision(*, to: tuple[Mailbox, ...] = (ANN,), cc: tuple[Mailbox, ...] = ()) -> Pass:
    return Pass(
        rule=14,
        mode=SendMode.NORMAL,
        envelope=to + cc,
        to=to,
        cc=cc,
        original_to=(),
        original_cc=(),
        original_bcc=(),
        keeps_reply_to=True,
        tracking=Tracking(pixel=False, links=False, is_test=False),
    )


def in_test(to: tuple[Mailbox, ...], cc: tuple[Mailbox, ...] = (), bcc: tuple[Mailbox, ...] = ()) -> Pass:
    return Pass(
        rule=13,
        mode=SendMode.TEST,
        envelope=(TEST_ADDRESS,),
        to=(TEST_ADDRESS,),
        cc=(),
        original_to=to,
        original_cc=cc,
        original_bcc=bcc,
        keeps_reply_to=False,
        tracking=Tracking(pixel=False, links=False, is_test=True),
    )


def rendered(
    content: bytes | None = None,
    *,
    subject: str = "Hello",
    reply_to: tuple[Mailbox, ...] = (),
    headers: Headers = (),
) -> RenderedMessage:
    return RenderedMessage(
        subject=subject,
        sender=None,
        reply_to=reply_to,
        headers=headers,
        entity=entity(None, "text", None) if content is None else content,
        html=None,
        plain=None,
    )


def composed(message: RenderedMessage, passed: Pass, sender: Mailbox = SHOP) -> bytes:
    return compose(message, passed, sender=sender, message_id="token@shop.example", date=NOW)


def parsed(data: bytes) -> EmailMessage:
    """Parse bytes of a message, after the checks that hold for every message."""
    lines = data.split(b"\r\n")
    assert not [line for line in lines if b"\r" in line or b"\n" in line or b"\0" in line]
    assert not [line for line in lines if line.startswith(b".")]
    assert max(map(len, lines)) <= 998
    message = message_from_bytes(data, policy=policy.SMTP)
    for part in message.walk():
        assert part.defects == []
        assert [header.defects for header in part.values()] == [()] * len(part)
    for name in ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"):
        assert len(message.get_all(name, [])) == 1, name
    return message


def text_of(part: EmailMessage | None) -> str:
    assert part is not None
    return cast("bytes", part.get_payload(decode=True)).decode()


def addresses_of(data: bytes, name: str) -> list[tuple[str, str]]:
    """Display names and addresses of a header, by the older parser: the newer one changes white space in names."""
    found = getaddresses([str(message_from_bytes(data)[name])])
    return [(str(make_header(decode_header(display_name))), address) for display_name, address in found]


def canonical(text: str) -> str:
    return re.sub("\r\n|\r|\n", "\r\n", text)


@given(subject=line_text, sender=mailboxes, to=st.lists(mailboxes, min_size=1, max_size=5))
@example(subject=" a  b ", sender=ANN, to=[BOB])
@example(subject="=?utf-8?q?a?=", sender=ANN, to=[BOB])
@example(subject="w" * 998, sender=ANN, to=[BOB])
@example(subject=" " * 998, sender=ANN, to=[BOB])
@example(subject=".\u0301" * 100, sender=ANN, to=[BOB])
def test_head_comes_back_equal(subject: str, sender: Mailbox, to: list[Mailbox]) -> None:
    passed = decision(to=tuple(to), cc=(sender,))

    data = composed(rendered(subject=subject, reply_to=tuple(to)), passed, sender)

    assert parsed(data)["Subject"] == subject
    for name, expected in (("From", [sender]), ("To", to), ("Cc", [sender]), ("Reply-To", to)):
        assert addresses_of(data, name) == [(mailbox.name, mailbox.address) for mailbox in expected]


@given(unicode_text)
@example("")
@example(".\r\n.\n..\r.")
@example(" " * 200 + "." * 200 + "=\t\n \n")
@example("Ünïcödé \x85\u2028\x0c" * 40)
def test_readable_text_comes_back_equal(text: str) -> None:
    content = readable_entity(text)

    message = parsed(composed(rendered(content), decision()))

    assert text_of(message) == canonical(text).removesuffix("\r\n") + "\r\n"
    assert max(map(len, content.partition(b"\r\n\r\n")[2].split(b"\r\n"))) <= 76


def test_readable_text_is_as_it_was_written_in_ascii() -> None:
    text = "The change is blocked.\r\n\r\n  workspacectl exports get --latest\r\n"

    assert readable_entity(text).partition(b"\r\n\r\n")[2].decode() == text


@given(
    html=st.none() | unicode_text,
    plain=st.none() | unicode_text,
    amp=st.none() | unicode_text,
    files=st.lists(st.tuples(unicode_text.map(str.strip).filter(bool), st.binary(max_size=200)), max_size=3),
)
@example(html=".\r\n.\n..\r.", plain="\r\n.\r\n", amp=None, files=[("." * 255, b"\r\n.\r\n")])
@example(html="--=_alternatives--\r\n", plain="--=_mixed--", amp="", files=[("😀" * 255, b"\0")])
def test_bodies_and_files_come_back_equal(
    html: str | None, plain: str | None, amp: str | None, files: list[tuple[str, bytes]]
) -> None:
    attachments = [Attachment(name=name, media_type="application/pdf", content=content) for name, content in files]

    message = parsed(composed(rendered(entity(html, plain, amp, attachments)), decision()))

    bodies = {
        part.get_content_type(): text_of(part) for part in message.walk() if part.get_content_maintype() == "text"
    }
    expected = {"text/html": html, "text/plain": plain, "text/x-amp-html": amp}
    none = html is plain is amp is None
    assert bodies == {kind: canonical(text) for kind, text in expected.items() if text is not None} | (
        {"text/plain": ""} if none else {}
    )
    attached = [part for part in message.walk() if part.get_content_disposition() == "attachment"]
    assert [(part.get_filename(), part.get_payload(decode=True)) for part in attached] == files


@given(value=values)
@example("a" + " " * 990 + "b")
@example("w" * 920 + " ")
@example(" ".join(["word"] * 199))
def test_custom_header_comes_back_equal(value: str) -> None:
    message = parsed(composed(rendered(headers=(("X-Value", value),)), decision()))

    assert message["X-Value"] == value.strip(" ")


def test_parts_stand_in_growing_preference() -> None:
    content = entity("<p>h", "p", "<html ⚡4email>", [Attachment(name="a.txt", media_type="text/plain", content=b"x")])

    message = parsed(composed(rendered(content), decision()))

    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/x-amp-html",
        "text/html",
        "text/plain",
    ]


def test_single_body_is_no_multipart() -> None:
    assert parsed(composed(rendered(entity("<p>h", None, None)), decision())).get_content_type() == "text/html"


@pytest.mark.parametrize(
    ("media_type", "expected"),
    [
        ("image/PNG", "image/png"),
        ("application/vnd.ms-excel", "application/vnd.ms-excel"),
        ("message/rfc822", "application/octet-stream"),
        ("multipart/mixed", "application/octet-stream"),
        ("text/plain; charset=x", "application/octet-stream"),
        ("text/plain\r\nBcc: v@attacker.example", "application/octet-stream"),
        ("", "application/octet-stream"),
        ("text", "application/octet-stream"),
    ],
)
def test_media_type_of_file_is_checked(media_type: str, expected: str) -> None:
    content = entity(None, "p", None, [Attachment(name="a", media_type=media_type, content=b"")])

    [part] = parsed(composed(rendered(content), decision())).iter_attachments()

    assert part.get_content_type() == expected


def test_ordinary_message_reads_well() -> None:
    message = rendered(subject="Grüße from us", headers=(("X-Campaign", "spring"),))

    data = composed(message, decision(to=(ANN, BOB), cc=(CAT,)))

    assert data.decode().split("\r\n") == [
        "From: Shop <hello@shop.example>",
        "To: Ann <ann@people.example>,",
        " =?utf-8?b?QsO4YiwganIu?= <bob@people.example>",
        "Cc: cat@people.example",
        "Subject: =?utf-8?b?R3LDvMOfZSBmcm9tIHVz?=",
        "Date: Sun, 29 Nov 2026 01:02:03 +0000",
        "Message-ID: <token@shop.example>",
        "X-Campaign: spring",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: base64",
        "",
        "dGV4dA==",
        "",
    ]


def test_test_message_names_only_the_test_address() -> None:
    message = rendered(reply_to=(DAN,))

    found = parsed(composed(message, in_test((ANN, BOB), (CAT,), (DAN,))))

    assert found["To"] == "qa@shop.example"
    assert found["Cc"] is None
    assert found["Reply-To"] is None
    assert found["X-Send-Behavior"] == "Test"
    assert found["X-Original-To"] == 'Ann <ann@people.example>, "Bøb, jr." <bob@people.example>'
    assert found["X-Original-Cc"] == "cat@people.example"
    assert found["X-Original-Bcc"] == found["X-Original-Reply-To"] == "dan@people.example"


def test_test_message_shows_at_most_fifteen_originals() -> None:
    many = tuple(Mailbox("ä" * 150, f"p{number}@people.example", f"p{number}@people.example") for number in range(20))

    found = parsed(composed(rendered(), in_test(many)))

    assert len(parse_mailboxes(found["X-Original-To"], field="to")) == 15


def test_normal_message_has_no_marks_of_a_test() -> None:
    names = parsed(composed(rendered(reply_to=(DAN,)), decision())).keys()

    assert "Reply-To" in names
    assert not [name for name in names if name.startswith("X-")]


def test_message_id_is_at_the_senders_domain() -> None:
    assert message_id_of("token", SHOP) == "token@shop.example"


def test_date_is_in_utc() -> None:
    tokyo = datetime.fromisoformat("2026-11-29T10:02:03+09:00")

    data = compose(rendered(), decision(), sender=SHOP, message_id="a@b", date=tokyo)

    assert b"Date: Sun, 29 Nov 2026 01:02:03 +0000\r\n" in data


def test_address_of_other_scripts_stays_unicode() -> None:
    [mailbox] = parse_mailboxes("δοκιμή@shop.example", field="to")

    assert "To: δοκιμή@shop.example\r\n".encode() in composed(rendered(), decision(to=(mailbox,)))


def test_file_without_name_gets_one() -> None:
    content = entity(None, "p", None, [Attachment(name="", media_type="text/csv", content=b"")])

    [part] = parsed(composed(rendered(content), decision())).iter_attachments()

    assert part.get_filename() == "attachment"


def test_lone_surrogates_are_refused() -> None:
    with pytest.raises(UnicodeEncodeError):
        entity("\ud800", None, None)


@pytest.mark.parametrize("text", ["", "a", "a  b", "Order #1: 10 % off!"])
def test_simple_text_stays_readable(text: str) -> None:
    assert encoded_text(text) == text
