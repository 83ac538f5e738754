"""What a request to send may say, field by field, and what is told about what it may not."""

import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.rules import CIO_ID, EMAIL, ID, IdentifierKind
from workspace_operator.sending.messages import Attachment
from workspace_operator.sending.requests.parts import MAX_ATTACHMENT_BYTES, MAX_ATTACHMENTS
from workspace_operator.sending.requests.send_requests import MAX_DELAY, MAX_PART_BYTES, SendRequest, parse_send_request

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
LEAST: Mapping[str, Any] = {
    "to": "ann@shop.example",
    "identifiers": {"id": "ann"},
    "subject": "Hello",
    "body": "<p>Hello</p>",
    "from": "Shop <hello@shop.example>",
}


def parsed(header_key: str = "", /, **fields: Any) -> SendRequest:
    return parse_send_request({**LEAST, **fields}, now=NOW, digest="digest", header_key=header_key)


def problem(header_key: str = "", /, **fields: Any) -> InvalidInput:
    with pytest.raises(InvalidInput) as raised:
        parsed(header_key, **fields)
    return raised.value


def test_least_request_has_the_defaults() -> None:
    request = parsed()

    assert (request.template, request.cc, request.bcc, request.fake_bcc) == (None, None, None, None)
    assert (request.is_draft, request.send_to_unsubscribed, request.send_at) == (None, None, None)
    assert (request.tracked, request.keep_content, request.auto_create) == (True, True, False)
    assert (request.data, request.language, request.attachments, request.idempotency_key) == ({}, "", (), None)


def test_every_field_is_read() -> None:
    request = parsed(
        cc="bob@shop.example",
        bcc="eve@shop.example",
        fake_bcc=True,
        transactional_message_id="Receipt",
        auto_create=True,
        preheader="Soon",
        body_plain="Hello",
        body_amp="<amp>",
        reply_to="help@shop.example",
        headers={"X-A": "1"},
        message_data={"total": 12},
        language="de",
        queue_draft=True,
        tracked=False,
        send_to_unsubscribed=False,
        disable_message_retention=True,
        disable_css_preprocessing=True,
    )

    overrides = request.overrides
    assert (request.cc, request.bcc, request.fake_bcc) == ("bob@shop.example", "eve@shop.example", True)
    assert (request.template, request.auto_create, request.data) == ("Receipt", True, {"total": 12})
    assert (overrides.subject, overrides.sender, overrides.body) == ("Hello", LEAST["from"], LEAST["body"])
    assert (overrides.preheader, overrides.body_plain, overrides.body_amp) == ("Soon", "Hello", "<amp>")
    assert (overrides.reply_to, overrides.headers) == ("help@shop.example", (("X-A", "1"),))
    assert (request.language, request.is_draft, request.tracked) == ("de", True, False)
    assert (request.send_to_unsubscribed, request.keep_content) == (False, False)


@pytest.mark.parametrize(
    "to",
    [
        "ann@shop.example",
        "Ann <ann@shop.example>, bob@shop.example",
        ["ann@shop.example", "Bob <bob@shop.example>"],
        '"Lee, Ann" <ann@shop.example>',
    ],
)
def test_recipients_have_several_forms(to: object) -> None:
    assert "ann@shop.example" in parsed(to=to).to


@pytest.mark.parametrize("to", [None, "", [], " ", "ann", "ann@shop.example; bob@shop.example", 7, ["a@b.example", 7]])
def test_recipients_must_be_addresses(to: object) -> None:
    assert problem(to=to).field == "to"


def test_fifteen_recipients_are_the_most() -> None:
    fourteen = ", ".join(f"p{number}@shop.example" for number in range(14))

    assert parsed(to=fourteen, cc="last@shop.example").cc == "last@shop.example"
    assert "16 addresses" in str(problem(to=fourteen, cc="a@shop.example", bcc="b@shop.example"))


@pytest.mark.parametrize(
    ("identifiers", "kind", "key"),
    [
        ({"id": "ann"}, ID, "ann"),
        ({"id": 42}, ID, "42"),
        ({"id": "", "email": "Ann@Shop.example"}, EMAIL, "ann@shop.example"),
        ({"cio_id": "cio_0a1b", "id": None}, CIO_ID, "0a1b"),
    ],
)
def test_person_has_one_identifier(identifiers: object, kind: IdentifierKind, key: str) -> None:
    reference = parsed(identifiers=identifiers).reference

    assert (reference.kind, reference.key) == (kind, key)


@pytest.mark.parametrize(
    ("identifiers", "field"),
    [
        (None, "identifiers"),
        ("ann", "identifiers"),
        ({}, "identifiers"),
        ({"phone": "1"}, "identifiers"),
        ({"id": "ann", "email": "ann@shop.example"}, "identifiers"),
        ({"email": "ann"}, "identifiers.email"),
        ({"id": {}}, "identifiers.id"),
        ({"id": "a" * 151}, "identifiers.id"),
    ],
)
def test_other_identifiers_are_refused(identifiers: object, field: str) -> None:
    assert problem(identifiers=identifiers).field == field


@pytest.mark.parametrize(("raw", "template"), [(7, 7), ("7", "7"), (" Receipt ", "Receipt"), ("", None), (None, None)])
def test_template_is_a_number_or_a_name(raw: object, template: object) -> None:
    assert parsed(transactional_message_id=raw).template == template


@pytest.mark.parametrize("raw", [0, -1, True, 1.5, [], " ", "a" * 151, "a\0"])
def test_other_templates_are_refused(raw: object) -> None:
    assert problem(transactional_message_id=raw).field == "transactional_message_id"


@pytest.mark.parametrize(("missing", "field"), [("subject", "subject"), ("body", "body")])
def test_message_without_a_template_is_complete(missing: str, field: str) -> None:
    assert problem(**{missing: None}).field == field
    assert parsed(transactional_message_id=1, **{missing: None}).template == 1


def test_plain_text_is_a_body() -> None:
    assert parsed(body=None, body_plain="Hello").overrides.body_plain == "Hello"


def test_sender_may_come_from_elsewhere() -> None:
    assert parsed(**{"from": None}).overrides.sender is None


@pytest.mark.parametrize("field", ["from", "reply_to"])
def test_sender_is_an_address_or_liquid(field: str) -> None:
    assert problem(**{field: "nobody"}).field == field
    assert parsed(**{field: "{{ customer.agent }}"}).to == LEAST["to"]


@pytest.mark.parametrize("field", ["subject", "from", "reply_to", "preheader", "language"])
def test_line_has_no_line_break(field: str) -> None:
    assert problem(**{field: "a\r\nBcc: eve@shop.example"}).field == field


@pytest.mark.parametrize("field", ["body", "body_plain", "body_amp", "subject", "from", "preheader", "idempotency_key"])
def test_part_is_text_within_its_limit(field: str) -> None:
    assert problem(**{field: {"a": 1}}).field == field
    assert "shorten it" in str(problem(**{field: "ä" * (MAX_PART_BYTES // 2 + 1)}))
    assert "Unicode" in str(problem(**{field: "\ud800"}))


FLAGS = (
    "auto_create",
    "fake_bcc",
    "queue_draft",
    "tracked",
    "send_to_unsubscribed",
    "disable_message_retention",
    "disable_css_preprocessing",
)


@pytest.mark.parametrize("field", FLAGS)
def test_flag_is_true_or_false(field: str) -> None:
    assert "send true or false" in str(problem(**{field: "perhaps"}))
    assert parsed(**{field: "true"}) == parsed(**{field: True})
    assert parsed(**{field: ""}) == parsed(**{field: None}) == parsed()


@pytest.mark.parametrize("data", [None, {}])
def test_message_needs_no_data(data: object) -> None:
    assert parsed(message_data=data).data == {}


@pytest.mark.parametrize("data", [[], "text", {"a": "x" * MAX_PART_BYTES}, {"a": "\0"}])
def test_data_is_a_storable_object(data: object) -> None:
    assert problem(message_data=data).field == "message_data"


@pytest.mark.parametrize("raw", [None, "", 1_700_000_000, "2020-01-01", NOW.timestamp()])
def test_past_is_now(raw: object) -> None:
    assert parsed(send_at=raw).send_at is None


@pytest.mark.parametrize("ahead", [timedelta(seconds=1), MAX_DELAY])
def test_message_can_be_sent_later(ahead: timedelta) -> None:
    assert parsed(send_at=(NOW + ahead).isoformat()).send_at == NOW + ahead


@pytest.mark.parametrize("raw", [(NOW + MAX_DELAY).timestamp() + 1, "tomorrow", 5, True])
def test_other_times_are_refused(raw: object) -> None:
    assert problem(send_at=raw).field == "send_at"


HEADERS = {"X-A": "1", "X-B": "2"}
LISTED = [{"name": name, "value": value} for name, value in HEADERS.items()]


@pytest.mark.parametrize("raw", [HEADERS, LISTED, json.dumps(HEADERS), json.dumps(LISTED), {"X-A": 1, "X-B": "2"}])
def test_headers_have_several_forms(raw: object) -> None:
    assert parsed(headers=raw).overrides.headers == tuple(HEADERS.items())


@pytest.mark.parametrize("raw", [None, "", " ", {}, [], "{}", "null"])
def test_message_needs_no_headers(raw: object) -> None:
    assert parsed(headers=raw).overrides.headers == ()


@pytest.mark.parametrize(
    "raw",
    [
        7,
        "X-A: 1",
        "[" * 100_000,
        ["X-A"],
        [{"name": "X-A"}],
        [{"name": 1, "value": "1"}],
        {"X-A": True},
        {"X-A": None},
        {"X-A": "1\r\nBcc: eve@shop.example"},
        {"Bcc": "eve@shop.example"},
        {"X A": "1"},
    ],
)
def test_other_headers_are_refused(raw: object) -> None:
    assert problem(headers=raw).field == "headers"


def base64(content: bytes) -> str:
    return b64encode(content).decode()


def test_attachments_are_decoded() -> None:
    files = {"a.txt": "aGVs\r\nbG8=", "ü.PDF": base64(b"%PDF"), "b.tar.gz": base64(b"gz"), "c": ""}

    assert parsed(attachments=files).attachments == (
        Attachment(name="a.txt", media_type="text/plain", content=b"hello"),
        Attachment(name="ü.PDF", media_type="application/pdf", content=b"%PDF"),
        Attachment(name="b.tar.gz", media_type="application/octet-stream", content=b"gz"),
        Attachment(name="c", media_type="application/octet-stream", content=b""),
    )


def test_attachments_share_two_megabytes() -> None:
    half = base64(bytes(MAX_ATTACHMENT_BYTES // 2))

    assert len(parsed(attachments={"a": half, "b": half}).attachments) == 2
    assert "together" in str(problem(attachments={"a": half, "b": half, "c": "YQ=="}))


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ([], "attachments"),
        ("a.txt", "attachments"),
        ({" ": "YQ=="}, "attachments"),
        ({"a\r\nb": "YQ=="}, "attachments"),
        ({"a" * 256: "YQ=="}, "attachments"),
        ({str(number): "" for number in range(MAX_ATTACHMENTS + 1)}, "attachments"),
        ({"a": "YQ"}, "attachments.a"),
        ({"a": "***"}, "attachments.a"),
        ({"a": "ü"}, "attachments.a"),
        ({"a": 7}, "attachments.a"),
    ],
)
def test_other_attachments_are_refused(raw: object, field: str) -> None:
    assert problem(attachments=raw).field == field


def test_key_is_in_the_header_or_the_body() -> None:
    assert parsed("k" * 255).idempotency_key == "k" * 255
    assert parsed(idempotency_key="k").idempotency_key == "k"
    assert parsed("k", idempotency_key="k").idempotency_key == "k"


def test_other_keys_are_refused() -> None:
    assert "differs" in str(problem("k", idempotency_key="l"))
    assert "at most 255" in str(problem("k" * 256))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
FIELDS = (
    *LEAST,
    *FLAGS,
    "cc",
    "bcc",
    "send_at",
    "headers",
    "attachments",
    "message_data",
    "idempotency_key",
    "language",
)


@given(st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_any_value_is_read_or_refused_with_its_field(fields: dict[str, Any]) -> None:
    try:
        field = parse_send_request({**LEAST, **fields}, now=NOW, digest="").digest
    except InvalidInput as error:
        field = error.field.partition(".")[0]

    assert field in ("", *FIELDS)
