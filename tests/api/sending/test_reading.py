"""Messages are read back, by the workspace that sent them only (sending §5.2)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.api.sending.send_client import SendClient
from tests.api.threaded_server import NOW, ROOT_KEY
from workspace_operator.sending.deliveries import ArchivedContent, GateRecord, Metric
from workspace_operator.sending.keys import Purpose
from workspace_operator.sending.rules import SendMode
from workspace_operator.sending.tokens import Token, sign

THEN = int(NOW.timestamp())


def ids(document: dict[str, list[dict[str, str]]]) -> list[str]:
    return [message["id"] for message in document["messages"]]


def test_message_is_read_whole(shop: SendClient) -> None:
    shop.put_template()
    wire_id = shop.send(transactional_message_id=1)
    person = shop.server.person(shop.workspace, id="ann")
    assert person is not None

    message = shop.read(f"/v1/messages/{wire_id}")["message"]

    assert message == {
        "id": wire_id,
        "type": "email",
        "customer_id": "ann",
        "customer_identifiers": {"id": "ann", "email": "ann@shop.example", "cio_id": person.cio_id},
        "recipient": "Ann <ann@shop.example>",
        "subject": "Hello",
        "metrics": {"created": THEN},
        "created": THEN,
        "failure_message": None,
        "msg_template_id": 1,
        "transactional_message_id": 1,
        "action_id": None,
        "broadcast_id": None,
        "campaign_id": None,
        "newsletter_id": None,
        "parent_action_id": None,
        "trigger_event_id": None,
        "send_behavior": "Normal",
        "opens": 0,
        "clicks": 0,
        "machine_opens": 0,
    }


def test_send_behavior_is_the_stricter_one(shop: SendClient) -> None:
    wire_id = shop.send()
    stored = shop.deliveries.stored(shop.number, shop.stored_id(wire_id))
    gate = GateRecord(mode=SendMode.NEVER, accepted_mode=SendMode.NORMAL, send_version=2, rule=4)
    stored.delivery = replace(stored.delivery, gate=gate, failure="delivery is disabled in this workspace")

    message = shop.read(f"/v1/messages/{wire_id}")["message"]

    assert (message["send_behavior"], message["failure_message"]) == ("Never", "delivery is disabled in this workspace")


def test_list_is_newest_first_in_pages(shop: SendClient) -> None:
    sent = [shop.send(subject=f"number {number}") for number in range(5)]

    first = shop.read("/v1/messages", limit=2)
    second = shop.read("/v1/messages", limit=2, start=first["next"])
    third = shop.read("/v1/messages", limit=2, start=second["next"])

    assert [*ids(first), *ids(second), *ids(third)] == sent[::-1]
    assert third["next"] == ""


def test_list_is_filtered(shop: SendClient) -> None:
    shop.put_template()
    plain, receipt = shop.send(), shop.send(transactional_message_id=1)
    draft = shop.send(queue_draft=True)
    bob = shop.send(identifiers={"id": "bob"})
    shop.deliveries.update(shop.number, shop.stored_id(plain), Metric.SENT, NOW)

    assert ids(shop.read("/v1/messages")) == [bob, receipt, plain]
    assert ids(shop.read("/v1/messages", drafts="true")) == [draft]
    assert ids(shop.read("/v1/messages", metric="sent")) == [plain]
    assert ids(shop.read("/v1/messages", metric="converted")) == []
    assert ids(shop.read("/v1/messages", type="push")) == []
    assert ids(shop.read("/v1/messages", transactional_id=1)) == [receipt]
    assert ids(shop.read("/v1/messages", start_ts=THEN + 1)) == []
    assert ids(shop.read("/v1/messages", end_ts=THEN)) == []
    assert ids(shop.read("/v1/messages", start_ts=THEN, end_ts=THEN + 1)) == [bob, receipt, plain]
    assert ids(shop.read("/v1/customers/bob/messages")) == [bob]
    assert ids(shop.read("/v1/customers/ann@shop.example/messages", id_type="email", limit=1)) == [receipt]
    assert ids(shop.read("/v1/transactional/receipt/messages")) == [receipt]


def test_list_reaches_back_six_months(shop: SendClient) -> None:
    old, recent = shop.send(), shop.send()
    stored = shop.deliveries.stored(shop.number, shop.stored_id(old))
    stored.delivery = replace(stored.delivery, accepted_at=NOW - timedelta(days=181))

    assert ids(shop.read("/v1/messages", start_ts=100_000_000)) == [recent]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"),
        ("limit", "1001"),
        ("limit", "x"),
        ("type", "letter"),
        ("metric", "loved"),
        ("drafts", "perhaps"),
        ("start", "forged"),
        ("start_ts", "yesterday"),
        ("transactional_id", "x"),
        ("colour", "red"),
    ],
)
def test_other_filters_are_refused(shop: SendClient, name: str, value: str) -> None:
    response = shop.client.get("/v1/messages", params={name: value})

    assert response.status_code == 400
    assert name in response.json()["meta"]["error"]


def test_archived_message_is_what_was_handed_over(shop: SendClient) -> None:
    wire_id = shop.send()
    stored = shop.deliveries.stored(shop.number, shop.stored_id(wire_id))
    fields = {"body": "<p>Hello Ann</p>", "from": "shop@shop.example", "headers": [{"name": "X-A", "value": "1"}]}
    stored.archived = ArchivedContent(forgotten=False, fields={**fields, "subject": "Hello Ann"})

    archived = shop.read(f"/v1/messages/{wire_id}/archived_message")["archived_message"]

    assert archived | fields == archived
    assert (archived["subject"], archived["recipient"]) == ("Hello Ann", "Ann <ann@shop.example>")
    assert (archived["forgotten"], archived["fake_bcc"], archived["cc"]) == (False, False, None)


def test_forgotten_message_has_no_text(shop: SendClient) -> None:
    archived = shop.read(f"/v1/messages/{shop.send()}/archived_message")["archived_message"]

    assert (archived["forgotten"], archived["body"], archived["subject"]) == (True, None, "Hello")


def test_foreign_and_forged_ids_are_the_same_404(shop: SendClient) -> None:
    wire_id = shop.send()
    stored = shop.stored_id(wire_id)
    with shop.beside() as other:
        foreign = other.client.get(f"/v1/messages/{wire_id}")
        # Another workspace's number in a token that this installation did sign.
        crossed = sign(Token(workspace_id=other.number, delivery_id=stored), Purpose.DELIVERY, ROOT_KEY)
        answers = [
            foreign,
            other.client.get(f"/v1/messages/{crossed}"),
            other.client.get(f"/v1/messages/{crossed}/archived_message"),
            shop.client.get(f"/v1/messages/{wire_id[:-2]}AA"),
            shop.client.get(f"/v1/messages/{stored}"),
            shop.client.get(f"/v1/messages/{sign(shop.token(wire_id), Purpose.OPEN, ROOT_KEY)}"),
        ]
        listed = other.read("/v1/messages")

    assert [answer.status_code for answer in answers] == [404] * len(answers)
    assert {answer.json()["meta"]["error"].split("'")[0] for answer in answers} == {"there is no message "}
    assert ids(listed) == []


def test_unknown_person_has_no_messages(shop: SendClient) -> None:
    response = shop.client.get("/v1/customers/nobody/messages")

    assert response.status_code == 404
