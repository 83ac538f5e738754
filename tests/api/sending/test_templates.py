"""Templates are read and changed, and blocked addresses kept (sending §5.2)."""

from datetime import timedelta
from typing import Any

import pytest

from tests.api.sending.send_client import SendClient
from tests.api.threaded_server import NOW
from workspace_operator.sending.deliveries import Metric

THEN = int(NOW.timestamp())


def put(shop: SendClient, path: str, status: int = 200, /, **body: Any) -> Any:
    response = shop.client.put(path, json=body)
    assert response.status_code == status, response.text
    return response.json()


def test_template_is_read_by_number_and_name(shop: SendClient) -> None:
    shop.put_template(description="After an order")

    [listed] = shop.read("/v1/transactional")["messages"]

    assert listed == {
        "id": 1,
        "name": "Receipt",
        "trigger_name": "Receipt",
        "description": "After an order",
        "send_to_unsubscribed": True,
        "link_tracking": True,
        "open_tracking": True,
        "hide_message_body": False,
        "queue_drafts": False,
        "created_at": THEN,
        "updated_at": THEN,
    }
    assert shop.read("/v1/transactional/1")["message"] == shop.read("/v1/transactional/RECEIPT")["message"] == listed


def test_contents_begin_with_the_default(shop: SendClient) -> None:
    shop.put_template()

    contents = shop.read("/v1/transactional/1/contents")["contents"]

    assert [(content["id"], content["language"], content["subject"]) for content in contents] == [
        ("default", "", "Receipt"),
        ("de", "de", "Beleg"),
    ]
    assert (contents[0]["cc"], contents[0]["headers"], contents[0]["version"]) == ("office@shop.example", [], 1)


def test_changed_part_is_a_new_version(shop: SendClient) -> None:
    shop.put_template()

    content = put(
        shop,
        "/v1/transactional/receipt/content/de",
        body="<p>Danke</p>",
        preheader_text="Bald",
        headers={"X-A": "1"},
        bcc=["archive@shop.example"],
        fake_bcc=True,
    )["content"]

    assert (content["version"], content["subject"], content["body"]) == (2, "Beleg", "<p>Danke</p>")
    assert (content["preheader_text"], content["bcc"], content["fake_bcc"]) == ("Bald", "archive@shop.example", True)
    assert content["headers"] == [{"name": "X-A", "value": "1"}]
    assert shop.read("/v1/transactional/1/contents")["contents"][0]["body"] == "<p>Receipt</p>"


def test_null_removes_a_part(shop: SendClient) -> None:
    shop.put_template()

    content = put(shop, "/v1/transactional/1/content/default", **{"from": None}, cc="")["content"]

    assert (content["from"], content["cc"], content["subject"]) == (None, "", "Receipt")


@pytest.mark.parametrize(
    "body",
    [
        {"subject": ""},
        {"body": None},
        {"body": "{{ broken"},
        {"from": "nobody"},
        {"cc": ", ".join(f"p{number}@shop.example" for number in range(16))},
        {"headers": {"Bcc": "eve@shop.example"}},
    ],
)
def test_broken_content_is_refused(shop: SendClient, body: dict[str, Any]) -> None:
    shop.put_template()

    put(shop, "/v1/transactional/1/content/default", 400, **body)

    assert shop.read("/v1/transactional/1/contents")["contents"][0]["version"] == 1


@pytest.mark.parametrize(
    "path", ["/v1/transactional/7", "/v1/transactional/none/contents", "/v1/transactional/7/metrics"]
)
def test_unknown_template_is_not_found(shop: SendClient, path: str) -> None:
    assert shop.client.get(path).status_code == 404


def test_unknown_content_is_not_found(shop: SendClient) -> None:
    shop.put_template()

    put(shop, "/v1/transactional/1/content/fr", 404, body="x")


def test_template_of_another_workspace_is_not_found(shop: SendClient) -> None:
    shop.put_template()

    with shop.beside() as other:
        assert other.client.get("/v1/transactional/1").status_code == 404
        assert other.read("/v1/transactional")["messages"] == []


def test_metrics_are_counted_by_step(shop: SendClient) -> None:
    shop.put_template()
    for days in (0, 1, 1):
        sent = shop.stored_id(shop.send(transactional_message_id=1))
        shop.deliveries.update(shop.number, sent, Metric.SENT, NOW - timedelta(days=days, minutes=1))
    shop.send()

    metric = shop.read("/v1/transactional/1/metrics", period="days", steps=3)["metric"]

    assert (metric["series"]["sent"], metric["series"]["created"]) == ([0, 2, 1], [0, 0, 3])
    assert metric["is_complete"] is True


@pytest.mark.parametrize(
    "query", [{"period": "years"}, {"steps": "0"}, {"steps": "46"}, {"steps": "x"}, {"res": "days"}]
)
def test_other_steps_are_refused(shop: SendClient, query: dict[str, str]) -> None:
    shop.put_template()

    assert shop.client.get("/v1/transactional/1/metrics", params=query).status_code == 400


def test_blocked_address_is_kept_until_removed(shop: SendClient) -> None:
    added = shop.client.post("/v1/esp/suppression/bounces/Ann@Shop.example")
    found = shop.read("/v1/esp/search_suppression/ann@shop.example")
    listed = shop.read("/v1/esp/suppression/bounces", limit=10, offset=0)
    removed = shop.client.delete("/v1/esp/suppression/bounces/ann@shop.example")
    again = shop.client.delete("/v1/esp/suppression/bounces/ann@shop.example")

    assert (added.status_code, removed.status_code, again.status_code) == (200, 200, 404)
    block = {"created": THEN, "email": "ann@shop.example", "reason": "added with the API", "status": ""}
    assert found == {"category": "bounces", "suppressions": [{**block, "category": "bounces"}]}
    assert listed == {"category": "bounces", "suppressions": [block]}
    assert shop.read("/v1/esp/search_suppression/ann@shop.example") == {"category": "", "suppressions": []}


def test_blocks_of_a_workspace_are_its_own(shop: SendClient) -> None:
    shop.client.post("/v1/esp/suppression/blocks/ann@shop.example")

    with shop.beside() as other:
        assert other.read("/v1/esp/suppression/blocks")["suppressions"] == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/esp/suppression/dislikes", 404),
        ("/v1/esp/suppression/bounces?limit=1001", 400),
        ("/v1/esp/suppression/bounces?offset=x", 400),
        ("/v1/esp/search_suppression/nobody", 400),
    ],
)
def test_other_suppressions_are_refused(shop: SendClient, path: str, status: int) -> None:
    assert shop.client.get(path).status_code == status
