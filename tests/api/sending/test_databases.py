"""Messages over HTTP on real databases: one delivery for one key, one person for many messages."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.sending.send_client import LEAST
from tests.api.servers import MadeWorkspace, make_workspace
from tests.e2e.waiting import wait_until
from workspace_operator import bootstrap
from workspace_operator.sending.keys import Purpose, RootKey
from workspace_operator.sending.links import click_url, open_url, unsubscribe_url
from workspace_operator.sending.tokens import Token, verify
from workspace_operator.settings import APISettings

KEY = RootKey(bytes(32))
BROWSER = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}


@contextmanager
def served(url: str, folder: Path) -> Iterator[str]:
    """The API of a process on a database; its URL."""
    key_file = folder / "root-key"
    key_file.write_text("00" * 32)
    stopping = threading.Event()
    with bootstrap.open_store(url) as store:
        settings = APISettings(port=0, root_key_file=key_file)
        server, api = bootstrap.make_server(settings), bootstrap.make_api(store, settings)
        port = server.sockets[0].getsockname()[1]
        thread = threading.Thread(target=server.serve, args=(api.app, stopping))
        thread.start()
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            stopping.set()
            thread.join()


@pytest.fixture
def workspace(database_url: str) -> MadeWorkspace:
    return make_workspace(database_url)


@pytest.fixture
def servers(database_url: str, workspace: MadeWorkspace, tmp_path: Path) -> Iterator[list[httpx.Client]]:
    """Clients of two servers on one database."""
    with ExitStack() as stack:
        urls = [stack.enter_context(served(database_url, tmp_path)) for _ in range(2)]
        yield [stack.enter_context(httpx.Client(base_url=url, headers=workspace.app, timeout=60)) for url in urls]


def at_once(servers: list[httpx.Client], count: int, **request: Any) -> list[httpx.Response]:
    """Send the same request several times at once, to all servers in turn."""
    barrier = threading.Barrier(count)

    def send(number: int) -> httpx.Response:
        barrier.wait()
        return servers[number % len(servers)].post("/v1/send/email", **request)

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(send, range(count)))


def listed(servers: list[httpx.Client]) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = servers[0].get("/v1/messages").json()["messages"]
    return messages


def test_key_holds_in_a_race_of_servers(servers: list[httpx.Client]) -> None:
    responses = at_once(servers, 16, json=dict(LEAST), headers={"idempotency-key": "k"})

    assert {response.status_code for response in responses} == {200}, [response.text for response in responses]
    ids = {response.json()["delivery_id"] for response in responses}
    assert [message["id"] for message in listed(servers)] == list(ids)
    assert sum("idempotent-replayed" not in response.headers for response in responses) == 1


def test_person_of_many_messages_is_created_once(servers: list[httpx.Client]) -> None:
    responses = at_once(servers, 16, json={**LEAST, "identifiers": {"email": "new@shop.example"}})

    assert {response.status_code for response in responses} == {200}, [response.text for response in responses]
    messages = listed(servers)
    assert len({message["id"] for message in messages}) == 16
    assert len({message["customer_identifiers"]["cio_id"] for message in messages}) == 1


def test_key_of_another_request_is_a_conflict(servers: list[httpx.Client]) -> None:
    first, second = (
        server.post("/v1/send/email", json={**LEAST, "subject": str(number)}, headers={"idempotency-key": "k"})
        for number, server in enumerate(servers)
    )

    assert (first.status_code, second.status_code) == (200, 409)


def test_repeat_that_a_client_marks_is_the_same_message(servers: list[httpx.Client]) -> None:
    first = servers[0].post("/v1/send/email", json=dict(LEAST)).json()
    again = servers[1].post("/v1/send/email", json=dict(LEAST), headers={"x-retry-count": "1"}).json()

    assert first == again


def test_template_is_created_changed_and_counted(servers: list[httpx.Client]) -> None:
    server = servers[0]
    body = {**LEAST, "transactional_message_id": "Welcome", "auto_create": True, "body": "Hello {{ customer.name }}"}
    created = server.post("/v1/send/email", json=body)
    changed = server.put("/v1/transactional/welcome/content/default", json={"subject": "Hi"})
    broken = server.put("/v1/transactional/1/content/default", json={"body": "{{ broken"})
    used = server.post(
        "/v1/send/email", json={"to": LEAST["to"], "identifiers": {"id": "ann"}, "transactional_message_id": 1}
    )

    assert [response.status_code for response in (created, changed, broken, used)] == [200, 200, 400, 200]
    assert changed.json()["content"]["version"] == 2
    assert "body" in broken.json()["meta"]["error"]
    assert [message["subject"] for message in listed(servers)] == ["Hi", "Hello"]
    assert sum(server.get("/v1/transactional/1/metrics").json()["metric"]["series"]["created"]) == 2


def test_broken_liquid_names_its_place(servers: list[httpx.Client]) -> None:
    response = servers[0].post("/v1/send/email", json={**LEAST, "body": "Hello\n{% if customer.name %}"})

    assert response.status_code == 400
    assert "body" in response.json()["meta"]["error"]
    assert listed(servers) == []


def test_links_count_and_unsubscribe(servers: list[httpx.Client]) -> None:
    server = servers[0]
    wire_id = server.post("/v1/send/email", json=dict(LEAST)).json()["delivery_id"]
    token = verify(wire_id, Purpose.DELIVERY, KEY)
    assert isinstance(token, Token)

    server.get(open_url("", token, KEY), headers=BROWSER)
    server.get(click_url("", token, 1, "https://shop.example/", KEY), headers=BROWSER)
    server.post(unsubscribe_url("", token, KEY), content=b"List-Unsubscribe=One-Click")

    def counted() -> bool:
        message = server.get(f"/v1/messages/{wire_id}").json()["message"]
        return (message["opens"], message["clicks"]) == (1, 1)

    wait_until(counted, what=lambda: server.get(f"/v1/messages/{wire_id}").text)
    assert "unsubscribed" in server.get(f"/v1/messages/{wire_id}").json()["message"]["metrics"]
    assert server.get("/v1/customers/ann/attributes").json()["customer"]["unsubscribed"] is True


def test_attachments_and_page_are_kept(servers: list[httpx.Client]) -> None:
    for number in range(3):
        body = {**LEAST, "subject": str(number), "attachments": {"a.bin": "A" * 1_000_000}}
        assert servers[number % 2].post("/v1/send/email", json=body).status_code == 200

    page = servers[0].get("/v1/messages", params={"limit": 2}).json()
    rest = servers[1].get("/v1/messages", params={"limit": 2, "start": page["next"]}).json()

    subjects = [message["subject"] for message in (*page["messages"], *rest["messages"])]
    assert (sorted(subjects), rest["next"]) == (["0", "1", "2"], "")


def test_blocked_address_is_kept(servers: list[httpx.Client]) -> None:
    added = servers[0].post("/v1/esp/suppression/bounces/ann@shop.example")
    found = servers[1].get("/v1/esp/search_suppression/ann@shop.example").json()
    removed = servers[0].delete("/v1/esp/suppression/bounces/ann@shop.example")

    assert (added.status_code, removed.status_code) == (200, 200)
    assert found["category"] == "bounces"
