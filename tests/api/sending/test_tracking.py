"""The paths in messages count, lead on and unsubscribe; a forged token does nothing (sending §5.4)."""

from collections.abc import Callable
from dataclasses import replace
from urllib.parse import quote, urlsplit

import httpx
import pytest

from tests.api.sending.send_client import SendClient
from tests.api.threaded_server import ROOT_KEY
from tests.e2e.waiting import wait_until
from workspace_operator.sending.deliveries import Delivery, GateRecord, Metric
from workspace_operator.sending.keys import Purpose, RootKey
from workspace_operator.sending.links import click_url, open_url, unsubscribe_url
from workspace_operator.sending.rules import SendMode
from workspace_operator.sending.tokens import sign

TARGET = "https://shop.example/hats?size=M&colour=gr%C3%BCn#top"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def path(url: str) -> str:
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def get(shop: SendClient, url: str, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return shop.client.get(path(url), headers={"user-agent": BROWSER, **named})


def opened(shop: SendClient, wire_id: str, **headers: str) -> httpx.Response:
    return get(shop, open_url("", shop.token(wire_id), ROOT_KEY), **headers)


def clicked(shop: SendClient, wire_id: str, target: str = TARGET, **headers: str) -> httpx.Response:
    return get(shop, click_url("", shop.token(wire_id), 1, target, ROOT_KEY), **headers)


def eventually(shop: SendClient, wire_id: str, holds: Callable[[Delivery], bool]) -> Delivery:
    """A delivery once something holds of it, which is recorded in the background."""
    wait_until(lambda: holds(shop.delivery(wire_id)), what=lambda: str(shop.delivery(wire_id)))
    return shop.delivery(wire_id)


def settled(shop: SendClient, wire_id: str) -> Delivery:
    """A delivery once everything before is recorded: one more open is, and is taken off again."""
    opened(shop, wire_id)
    delivery = eventually(shop, wire_id, lambda delivery: delivery.opens > 0)
    return replace(delivery, opens=delivery.opens - 1)


def unsubscribed(shop: SendClient) -> object:
    person = shop.server.person(shop.workspace, id="ann")
    assert person is not None
    return person.attributes.get("unsubscribed")


def test_pixel_counts_an_opened_message(shop: SendClient) -> None:
    wire_id = shop.send()

    response = opened(shop, wire_id)

    assert (response.status_code, len(response.content)) == (200, 43)
    assert (response.headers["content-type"], response.headers["cache-control"]) == ("image/gif", "no-store")
    delivery = eventually(shop, wire_id, lambda delivery: delivery.opens == 1)
    assert Metric.OPENED in delivery.metrics


@pytest.mark.parametrize("token", ["", "x", "x.gif", "%20.gif", "a" * 3000])
def test_pixel_is_the_same_for_any_token(shop: SendClient, token: str) -> None:
    genuine = opened(shop, shop.send())

    response = shop.client.get(f"/e/o/{token}")

    ignored = {"date"}
    assert response.content == genuine.content
    assert {k: v for k, v in response.headers.items() if k not in ignored} == {
        k: v for k, v in genuine.headers.items() if k not in ignored
    }


@pytest.mark.parametrize(
    "headers",
    [
        {"purpose": "prefetch"},
        {"sec_purpose": "prefetch;prerender"},
        {"x_moz": "prefetch"},
        {"x_purpose": "preview"},
    ],
)
def test_prefetched_pixel_does_not_count(shop: SendClient, headers: dict[str, str]) -> None:
    wire_id = shop.send()

    opened(shop, wire_id, **headers)
    clicked(shop, wire_id, **headers)

    delivery = settled(shop, wire_id)
    assert (delivery.opens, delivery.clicks) == (0, 0)


def test_head_does_not_count(shop: SendClient) -> None:
    wire_id = shop.send()

    response = shop.client.head(path(open_url("", shop.token(wire_id), ROOT_KEY)))

    assert response.status_code == 200
    assert settled(shop, wire_id).opens == 0


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
        "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html",
        "Mozilla/5.0",
        "Googlebot/2.1",
        "",
    ],
)
def test_machines_are_told_apart(shop: SendClient, agent: str) -> None:
    wire_id = shop.send()

    opened(shop, wire_id, user_agent=agent)
    clicked(shop, wire_id, user_agent=agent)

    delivery = eventually(shop, wire_id, lambda delivery: delivery.machine_opens == 1)
    assert settled(shop, wire_id).clicks == 0
    assert delivery.opens == 0


def test_link_leads_to_its_target(shop: SendClient) -> None:
    wire_id = shop.send()

    response = clicked(shop, wire_id)

    assert (response.status_code, response.headers["location"]) == (302, TARGET)
    assert response.headers["referrer-policy"] == "no-referrer"
    eventually(shop, wire_id, lambda delivery: delivery.clicks == 1)


def test_target_of_any_language_is_a_header(shop: SendClient) -> None:
    response = clicked(shop, shop.send(), "https://shop.example/hüte?farbe=grün")

    assert response.headers["location"] == "https://shop.example/h%C3%BCte?farbe=gr%C3%BCn"


def redirects(shop: SendClient) -> dict[str, str]:
    """Attempts to be led elsewhere than a message said, by what they change of a genuine link."""
    token = shop.token(shop.send())
    genuine = path(click_url("", token, 1, TARGET, ROOT_KEY))
    text = genuine.split("/")[3]
    evil = quote("https://evil.example/", safe="")
    signed = {
        scheme: sign(token, Purpose.CLICK, ROOT_KEY, bound=f"1 {scheme}".encode())
        for scheme in ("javascript:alert(1)", "//evil.example", "data:text/html,x", "https:evil", "\\\\evil.example")
    }
    return {
        "target": f"/e/c/{text}/1?u={evil}",
        "no target": f"/e/c/{text}/1",
        "number": genuine.replace("/1?", "/2?"),
        "padded number": genuine.replace("/1?", "/01?"),
        "token": f"/e/c/{text[:-1]}{'A' if text[-1] != 'A' else 'B'}/1?u={quote(TARGET, safe='')}",
        "of a pixel": f"/e/c/{sign(token, Purpose.OPEN, ROOT_KEY)}/1?u={quote(TARGET, safe='')}",
        "other key": path(click_url("", token, 1, "https://evil.example/", RootKey(b"x" * 32))),
        "user info": f"/e/c/{text}/1?u={quote('https://shop.example@evil.example/', safe='')}",
        **{target: f"/e/c/{text}/1?u={quote(target, safe='')}" for target, text in signed.items()},
    }


def test_no_link_leads_elsewhere(shop: SendClient) -> None:
    answers = {change: shop.client.get(url) for change, url in redirects(shop).items()}

    assert {change: answer.status_code for change, answer in answers.items()} == dict.fromkeys(answers, 404)
    assert [answer for answer in answers.values() if "location" in answer.headers] == []
    assert {answer.headers["content-type"] for answer in answers.values()} == {"text/html; charset=utf-8"}


def test_page_changes_nothing(shop: SendClient) -> None:
    wire_id = shop.send()

    page = shop.client.get(path(unsubscribe_url("", shop.token(wire_id), ROOT_KEY)))

    assert page.status_code == 200
    assert page.text.count("<button") == 1
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert (unsubscribed(shop), Metric.UNSUBSCRIBED in shop.delivery(wire_id).metrics) == (None, False)


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=iso-8859-1"]
)
def test_one_click_unsubscribes(shop: SendClient, content_type: str) -> None:
    wire_id = shop.send()

    url = path(unsubscribe_url("", shop.token(wire_id), ROOT_KEY))
    response = shop.client.post(url, content=b"List-Unsubscribe=One-Click", headers={"content-type": content_type})

    assert response.status_code == 200
    assert unsubscribed(shop) is True
    assert Metric.UNSUBSCRIBED in shop.delivery(wire_id).metrics


def test_stale_token_gets_the_same_answer(shop: SendClient) -> None:
    wire_id = shop.send()
    url = path(unsubscribe_url("", shop.token(wire_id), ROOT_KEY))
    genuine = shop.client.post(url)
    shop.server.server.memory.state(shop.number).sending.deliveries.clear()

    answers = [shop.client.post(url), shop.client.post("/u/forged"), shop.client.post("/u/")]

    assert {(answer.status_code, answer.content) for answer in answers} == {(200, genuine.content)}


def test_repeated_unsubscribing_does_no_harm(shop: SendClient) -> None:
    url = path(unsubscribe_url("", shop.token(shop.send()), ROOT_KEY))

    statuses = {shop.client.post(url).status_code for _ in range(3)}

    assert (statuses, unsubscribed(shop)) == ({200}, True)


def test_link_of_a_test_unsubscribes_nobody(shop: SendClient) -> None:
    wire_id = shop.send()

    response = shop.client.post(path(unsubscribe_url("", shop.token(wire_id, is_test=True), ROOT_KEY)))

    assert (response.status_code, unsubscribed(shop)) == (200, None)
    assert Metric.UNSUBSCRIBED not in shop.delivery(wire_id).metrics


def test_link_of_a_test_counts_on_the_delivery(shop: SendClient) -> None:
    wire_id = shop.send()

    get(shop, open_url("", shop.token(wire_id, is_test=True), ROOT_KEY))

    eventually(shop, wire_id, lambda delivery: delivery.opens == 1)


def test_delivery_id_unsubscribes(shop: SendClient) -> None:
    wire_id = shop.send()

    response = shop.client.post(f"/unsubscribe/{wire_id}", json={"unsubscribe": True})

    assert (response.status_code, response.content) == (200, b"{}\n")
    assert unsubscribed(shop) is True


@pytest.mark.parametrize("body", [{"unsubscribe": False}, {"unsubscribe": "false"}])
def test_delivery_id_can_decline(shop: SendClient, body: object) -> None:
    response = shop.client.post(f"/unsubscribe/{shop.send()}", json=body)

    assert (response.status_code, unsubscribed(shop)) == (200, None)


def test_delivery_sent_in_a_test_unsubscribes_nobody(shop: SendClient) -> None:
    wire_id = shop.send()
    stored = shop.deliveries.stored(shop.number, shop.stored_id(wire_id))
    gate = GateRecord(
        mode=SendMode.TEST, accepted_mode=SendMode.NORMAL, send_version=1, rule=13, diverted_to="q@x.example"
    )
    stored.delivery = replace(stored.delivery, gate=gate)

    response = shop.client.post(f"/unsubscribe/{wire_id}")

    assert (response.status_code, unsubscribed(shop)) == (200, None)


@pytest.mark.parametrize("delivery_id", ["forged", "0" * 24, "%20"])
def test_forged_delivery_id_gets_the_same_answer(shop: SendClient, delivery_id: str) -> None:
    response = shop.client.post(f"/unsubscribe/{delivery_id}")

    assert (response.status_code, response.content) == (200, b"{}\n")


def test_token_of_one_purpose_does_nothing_else(shop: SendClient) -> None:
    wire_id = shop.send()
    token = shop.token(wire_id)
    texts = [sign(token, purpose, ROOT_KEY) for purpose in (Purpose.OPEN, Purpose.CLICK, Purpose.DELIVERY)]

    for text in texts:
        shop.client.post(f"/u/{text}")
    shop.client.post(f"/unsubscribe/{sign(token, Purpose.UNSUBSCRIBE, ROOT_KEY)}")

    assert unsubscribed(shop) is None


def test_flood_of_one_message_is_not_written_singly(shop: SendClient) -> None:
    wire_id = shop.send()

    for _ in range(250):
        opened(shop, wire_id)

    delivery = settled(shop, wire_id)
    assert 0 < delivery.opens <= 250


def test_phone_of_a_person_is_no_machine(shop: SendClient) -> None:
    wire_id = shop.send()

    opened(shop, wire_id, user_agent="Mozilla/5.0 (Linux; Android 9; CUBOT KINGKONG) AppleWebKit/537.36 Chrome/140.0")

    assert eventually(shop, wire_id, lambda delivery: delivery.opens == 1).machine_opens == 0


def test_flood_of_one_link_to_unsubscribe_is_answered(shop: SendClient) -> None:
    url = path(unsubscribe_url("", shop.token(shop.send()), ROOT_KEY))

    answers = {(answer.status_code, answer.content) for answer in (shop.client.post(url) for _ in range(30))}

    assert len(answers) == 1
    assert len(shop.server.server.transactions) < 15


def test_activities_name_the_message(shop: SendClient) -> None:
    wire_id = shop.send()

    opened(shop, wire_id)
    clicked(shop, wire_id)
    eventually(shop, wire_id, lambda delivery: (delivery.opens, delivery.clicks) == (1, 1))

    [open_activity] = shop.read("/v1/activities", type="opened_email")["activities"]
    [click] = shop.read("/v1/activities", type="clicked_email")["activities"]
    assert (open_activity["customer_id"], open_activity["data"]) == ("ann", {"delivery_id": wire_id})
    assert click["data"] == {"delivery_id": wire_id, "href": TARGET}
