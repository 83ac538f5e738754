"""Rendering of a message: Liquid in each part, the checks after it, and counted links (sending §3.3, §5.4, §7)."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from selectolax.lexbor import LexborHTMLParser

from tests.rendering.jobs import DELIVERY, KEY, content, failure, render_job, rendered
from workspace_operator.sending.links import verify_click, verify_open, verify_unsubscribe
from workspace_operator.sending.messages import Attachment
from workspace_operator.sending.tokens import Token

INJECTIONS = [
    "a\r\nBcc: v@attacker.example",
    "a\nBcc: v@attacker.example",
    "a\rb",
    "a\0b",
    "a\x0bb",
    "a\u2028b",
    "\ud800",
]


def parts_of(entity: bytes) -> dict[str, str]:
    message = message_from_bytes(b"MIME-Version: 1.0\r\n" + entity, policy=policy.SMTP)
    assert isinstance(message, EmailMessage)
    return {part.get_content_type(): part.get_content() for part in message.walk() if not part.is_multipart()}


def test_each_part_is_liquid() -> None:
    message = content(
        "For {{ customer.name }}",
        sender="{{ trigger.shop }} <hello@shop.example>",
        reply_to="help+{{ trigger.ticket }}@shop.example, b@shop.example",
        preheader="Ticket {{ trigger.ticket }}",
        body="<p>{{ customer.name }}</p>",
        body_plain="Dear {{ customer.name }}",
        body_amp="<p>AMP {{ customer.name }}</p>",
        headers=(("X-Ticket", "{{ trigger.ticket }}"),),
    )
    data = {"customer": {"name": "Ann & <Bob>"}, "trigger": {"shop": "Größe", "ticket": 17}}

    found = rendered(render_job(message, data=data, tracked=False))

    assert found.subject == "For Ann & <Bob>"
    assert str(found.sender) == "Größe <hello@shop.example>"
    assert [mailbox.address for mailbox in found.reply_to] == ["help+17@shop.example", "b@shop.example"]
    assert found.headers == (("X-Ticket", "17"),)
    assert found.plain == "Dear Ann & <Bob>"
    assert found.html is not None
    assert ">Ticket 17</div><p>Ann &amp; &lt;Bob&gt;</p>" in found.html
    assert parts_of(found.entity) == {
        "text/plain": "Dear Ann & <Bob>",
        "text/x-amp-html": "<p>AMP Ann &amp; &lt;Bob&gt;</p>",
        "text/html": found.html,
    }


def test_missing_plain_text_is_made_from_html() -> None:
    found = rendered(render_job(content(body='<p>Hi</p><a href="https://shop.example/">shop</a>', preheader="pre")))

    assert found.plain == "Hi\n\nshop (https://shop.example/)"
    assert parts_of(found.entity)["text/plain"] == "Hi\r\n\r\nshop (https://shop.example/)"


def test_text_message_has_no_html() -> None:
    found = rendered(render_job(content(body=None, body_plain="text", preheader="pre")))

    assert found.html is None
    assert parts_of(found.entity) == {"text/plain": "text"}


def test_message_without_sender_has_none() -> None:
    found = rendered(render_job())

    assert found.sender is None
    assert found.reply_to == ()


@pytest.mark.parametrize("is_test", [False, True])
def test_links_and_pixel_carry_genuine_tokens(is_test: bool) -> None:
    body = '<a href="https://shop.example/?a=1&amp;b=2">a</a><a href="https://shop.example/2">b</a>'

    sent = parts_of(rendered(render_job(content(body=body), is_test=is_test)).entity)["text/html"]

    tree = LexborHTMLParser(sent)
    token = Token(workspace_id=7, delivery_id=DELIVERY, is_test=is_test)
    targets = []
    for number, node in enumerate(tree.css("a"), 1):
        url = urlsplit(node.attrs["href"] or "")
        assert url.path.startswith("/e/c/")
        _, _, _, text, digits = url.path.split("/")
        [target] = parse_qs(url.query)["u"]
        assert digits == str(number)
        assert verify_click(text, digits, target, KEY) == token
        targets.append(target)
    assert targets == ["https://shop.example/?a=1&b=2", "https://shop.example/2"]
    pixel = tree.css_first("img")
    assert pixel is not None
    assert verify_open((pixel.attrs["src"] or "").removeprefix("https://track.example/e/o/"), KEY) == token


def test_archived_html_counts_no_openings() -> None:
    found = rendered(render_job(content(body='<a href="https://shop.example/">a</a>')))

    sent = parts_of(found.entity)["text/html"]
    assert found.html is not None
    assert "/e/o/" in sent
    assert "/e/o/" not in found.html
    assert sent.replace(sent[sent.index("<img") : sent.index(">", sent.index("<img")) + 1], "") == found.html


def test_untracked_message_keeps_its_html() -> None:
    body = '<P><A HREF="https://shop.example/">a</A>'

    found = rendered(render_job(content(body=body), tracked=False))

    assert found.html == body
    assert parts_of(found.entity)["text/html"] == body


@pytest.mark.parametrize(("public_url", "has_key"), [("", True), ("https://track.example", False)])
def test_nothing_is_signed_without_url_or_key(public_url: str, has_key: bool) -> None:
    body = '<a href="https://shop.example/">a</a>{{ unsubscribe_url }}'
    job = render_job(content(body=body), public_url=public_url, with_unsubscribe=True)

    found = rendered(job, KEY if has_key else None)

    assert found.html == '<a href="https://shop.example/">a</a>'
    assert parts_of(found.entity)["text/html"] == found.html
    assert found.headers == ()


@pytest.mark.parametrize("asked", [True, False])
def test_unsubscribe_link_is_signed_and_not_counted(asked: bool) -> None:
    body = '<a href="{{ unsubscribe_url }}">u</a>'

    found = rendered(render_job(content(body=body), with_unsubscribe=asked, is_test=True))

    [url] = [node.attrs["href"] or "" for node in LexborHTMLParser(found.html or "").css("a")]
    token = Token(workspace_id=7, delivery_id=DELIVERY, is_test=True)
    assert verify_unsubscribe(url.removeprefix("https://track.example/u/"), KEY) == token
    assert found.headers == (
        ("List-Unsubscribe", f"<{url}>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    )


def test_callers_data_cannot_replace_the_unsubscribe_link() -> None:
    job = render_job(content(body="{{ unsubscribe_url }}"), data={"unsubscribe_url": "https://attacker.example/"})

    assert "attacker" not in (rendered(job).html or "")


@pytest.mark.parametrize(("public_url", "asked"), [("http://track.example", True), ("https://track.example", False)])
def test_one_click_unsubscribing_needs_https(public_url: str, asked: bool) -> None:
    assert rendered(render_job(public_url=public_url, with_unsubscribe=asked)).headers == ()


@pytest.mark.parametrize("value", INJECTIONS, ids=ascii)
@pytest.mark.parametrize("part", ["subject", "from", "reply_to", "headers"])
def test_values_inject_no_header(part: str, value: str) -> None:
    liquid = "{{ customer.value }}"
    cases: dict[str, dict[str, Any]] = {
        "subject": {"subject": liquid},
        "from": {"sender": f"{liquid} <a@shop.example>"},
        "reply_to": {"reply_to": f"{liquid} <a@shop.example>"},
        "headers": {"headers": (("X-A", liquid),)},
    }

    reason = failure(render_job(content(**cases[part]), data={"customer": {"value": value}}))

    assert part in reason


@pytest.mark.parametrize(
    "value",
    ["a@shop.example, b@attacker.example", "a@shop.example,b@attacker.example", "@relay:a@shop.example", "", "x"],
)
def test_values_change_no_address(value: str) -> None:
    job = render_job(content(sender="{{ customer.value }}"), data={"customer": {"value": value}})

    assert failure(job).startswith("from ")


def test_values_inject_no_html() -> None:
    body = '<p title="{{ v }}">{{ v }}</p><a href="{{ link }}">a</a>'
    data = {"v": '"><script>alert(1)</script>', "link": "javascript:alert(1)"}

    html = rendered(render_job(content(body=body, body_amp=body), data=data)).html or ""

    tree = LexborHTMLParser(html)
    assert tree.css("script") == []
    assert [node.attrs.get("href") for node in tree.css("a")] == [None]


def test_amp_links_keep_allowed_schemes_only() -> None:
    job = render_job(content(body_amp='<html ⚡4email><a href="{{ v }}">a</a>'), data={"v": "javascript:alert(1)"})

    amp = parts_of(rendered(job).entity)["text/x-amp-html"]

    assert "javascript" not in amp
    assert "⚡4email" in amp
    assert "track.example" not in amp


@pytest.mark.parametrize(
    "expression",
    [
        "customer.__class__",
        "customer.__class__.__mro__",
        "customer.items",
        "customer.keys",
        "customer['__class__']",
        "customer.name.__class__",
        "customer.name.upper",
        "customer.name.format",
        "forloop.__class__",
        "self",
        "environment",
        "context",
        "template",
        "globals",
    ],
)
def test_templates_reach_no_objects(expression: str) -> None:
    job = render_job(content(body_plain=f"[{{{{ {expression} }}}}]"), data={"customer": {"name": "Ann"}})

    assert rendered(job).plain == "[]"


@pytest.mark.parametrize("tag", ["{% include 'x' %}", "{% render 'x' %}", "{% include '/etc/passwd' %}"])
def test_templates_read_no_files(tag: str) -> None:
    assert "unexpected tag" in failure(render_job(content(body=tag)))


@pytest.mark.parametrize("part", ["subject", "sender", "reply_to", "preheader", "body", "body_plain", "body_amp"])
def test_part_is_limited_to_100_kb(part: str) -> None:
    reason = failure(render_job(content(**{part: "é" * 50_001})))

    assert reason == f"{part.replace('sender', 'from')} has 100002 bytes: send at most 100000"


def test_data_are_limited_to_100_kb() -> None:
    reason = failure(render_job(data={"trigger": {"text": "a" * 100_000}}))

    assert reason.startswith("the data of the message have 1000")


def test_long_subject_is_refused() -> None:
    assert failure(render_job(content("{{ v }}"), data={"v": "a" * 999})).startswith("subject has 999 characters")


def test_lone_surrogates_are_refused() -> None:
    assert "lone surrogates" in failure(render_job(content(body_plain="\ud800")))


def test_failure_names_line_and_column() -> None:
    reason = failure(render_job(content(body="a\n  {{ 1 | divided_by: 0 }}")))

    assert reason == "body cannot be rendered at line 2, column 10: divided_by: can't divide by 0"


def test_attachments_are_part_of_the_entity() -> None:
    file = Attachment(name="Größe.pdf", media_type="application/pdf", content=b"\0\r\n.\r\n")

    entity = rendered(render_job(attachments=(file,))).entity

    message = message_from_bytes(b"MIME-Version: 1.0\r\n" + entity, policy=policy.SMTP)
    assert isinstance(message, EmailMessage)
    [part] = message.iter_attachments()
    assert (part.get_filename(), part.get_payload(decode=True)) == ("Größe.pdf", b"\0\r\n.\r\n")
