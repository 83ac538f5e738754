"""What a request says replaces what the template says."""

import pytest

from workspace_operator.sending.messages import MessageContent
from workspace_operator.sending.requests.overrides import Overrides, StoredRequest

TEMPLATE = MessageContent(
    subject="Receipt",
    sender="Shop <shop@shop.example>",
    body="<p>template</p>",
    body_plain="template",
    body_amp="<amp>",
    headers=(("X-Kind", "receipt"), ("X-Team", "shop")),
)


def test_template_stays_without_overrides() -> None:
    assert Overrides().apply(TEMPLATE) == TEMPLATE


def test_request_replaces_the_parts_it_has() -> None:
    content = Overrides(subject="Hello", reply_to="help@shop.example").apply(TEMPLATE)

    assert (content.subject, content.reply_to) == ("Hello", "help@shop.example")
    assert content.body_plain == "template"


def test_body_replaces_every_form_of_the_template() -> None:
    content = Overrides(body="<p>mine</p>", body_amp="<amp mine>").apply(TEMPLATE)

    assert (content.body, content.body_plain, content.body_amp) == ("<p>mine</p>", None, "<amp mine>")


def test_header_replaces_one_of_its_name() -> None:
    content = Overrides(headers=(("x-kind", "offer"),)).apply(TEMPLATE)

    assert content.headers == (("X-Team", "shop"), ("x-kind", "offer"))


def test_message_without_a_template_is_the_request() -> None:
    overrides = Overrides(subject="Hello", sender="shop@shop.example", body="<p>hi</p>")

    assert overrides.apply(None) == MessageContent(subject="Hello", sender="shop@shop.example", body="<p>hi</p>")


def test_stored_request_is_read_as_written() -> None:
    request = StoredRequest(overrides=Overrides(body="<p>hi</p>", headers=(("X-A", "1"),)), message_data={"total": 12})

    assert StoredRequest.from_document(request.document()) == request
    assert StoredRequest.from_document({}) == StoredRequest(overrides=Overrides(), message_data={})


@pytest.mark.parametrize(
    ("overrides", "has_liquid"),
    [
        (Overrides(), False),
        (Overrides(subject="{ a }", headers=(("X-A", "1"),)), False),
        (Overrides(body="{{ customer.name }}"), True),
        (Overrides(headers=(("X-A", "{% if a %}"),)), True),
    ],
)
def test_liquid_is_found_in_every_part(overrides: Overrides, has_liquid: bool) -> None:
    assert overrides.has_liquid is has_liquid
