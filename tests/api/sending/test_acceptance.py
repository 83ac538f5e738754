"""Messages are accepted by ``POST /v1/send/email``, or refused with the reason (sending §5.1)."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from tests.api.sending.send_client import LEAST, SendClient, send_client
from tests.api.threaded_server import NOW, ThreadedServer, in_memory_sending
from tests.fakes.sending.deliveries import FakeDeliveries
from workspace_operator.errors import CommitUnknown, StoreUnavailable
from workspace_operator.identity.values.rules import Mode
from workspace_operator.sending.deliveries import DeliveryState
from workspace_operator.sending.requests.overrides import Overrides, StoredRequest
from workspace_operator.web.core.dependencies import Dependencies
from workspace_operator.web.core.limits import Limits


def test_answer_names_the_delivery_and_its_time(shop: SendClient) -> None:
    response = shop.post()

    assert response.json() == {"delivery_id": response.json()["delivery_id"], "queued_at": int(NOW.timestamp())}
    assert shop.delivery(response.json()["delivery_id"]).recipient == LEAST["to"]
    assert response.headers["x-send-behavior"] == "Normal"
    assert response.headers["cache-control"] == "no-store"


def test_message_without_a_template_is_the_request(shop: SendClient) -> None:
    message = shop.sent(message_data={"total": 12}, attachments={"a.txt": "aGVsbG8="}, bcc="eve@shop.example")

    request = StoredRequest.from_document(message.request)
    assert request.overrides == Overrides(subject="Hello", sender=LEAST["from"], body=LEAST["body"])
    assert request.message_data == {"total": 12}
    assert (message.template, message.content_version, message.language) == (None, None, "")
    assert (message.to, message.cc, message.bcc, message.subject) == (LEAST["to"], "", "eve@shop.example", "Hello")
    assert message.attachments == [("a.txt", "text/plain", b"hello")]
    assert (message.send_at, message.is_draft, message.send_to_unsubscribed) == (NOW, False, True)


@pytest.mark.parametrize("reference", [1, "1", "receipt", "RECEIPT"])
def test_template_gives_what_the_request_leaves_out(shop: SendClient, reference: object) -> None:
    shop.put_template(send_to_unsubscribed=False, open_tracking=False, hide_body=True, queue_drafts=True)

    message = shop.sent(transactional_message_id=reference, subject=None, body=None, **{"from": None})

    assert (message.template, message.content_version, message.subject) == (1, 1, "Receipt")
    assert (message.cc, message.send_to_unsubscribed, message.open_tracking) == ("office@shop.example", False, False)
    assert (message.keep_content, message.is_draft, message.link_tracking) == (False, True, True)


def test_request_overrides_the_template(shop: SendClient) -> None:
    shop.put_template(send_to_unsubscribed=False, queue_drafts=True)

    message = shop.sent(
        transactional_message_id=1, cc="bob@shop.example", send_to_unsubscribed=True, queue_draft=False, subject="Mine"
    )

    assert (message.cc, message.send_to_unsubscribed, message.is_draft) == ("bob@shop.example", True, False)
    assert message.subject == "Mine"


@pytest.mark.parametrize(("language", "used"), [("de", "de"), ("fr", ""), (None, "")])
def test_language_falls_back_to_the_default(shop: SendClient, language: str | None, used: str) -> None:
    shop.put_template()

    message = shop.sent(transactional_message_id=1, language=language, subject=None)

    assert (message.language, message.subject) == (used, "Beleg" if used else "Receipt")


def test_unknown_template_is_refused(shop: SendClient) -> None:
    assert "transactional_message_id 'none' is unknown" in shop.refused(transactional_message_id="none")
    assert "transactional_message_id 7 is unknown" in shop.refused(transactional_message_id=7, auto_create=True)


def test_unknown_template_is_created_if_asked(shop: SendClient) -> None:
    message = shop.sent(transactional_message_id="Welcome", auto_create=True, cc="bob@shop.example")

    template = shop.templates.find(shop.number, "welcome")
    assert template is not None
    assert template.draft.contents[""].content.subject == "Hello"
    assert template.draft.contents[""].cc == "bob@shop.example"
    assert (message.template, message.content_version) == (template.number, 1)


def test_created_template_needs_a_text(shop: SendClient) -> None:
    reason = shop.refused(transactional_message_id="Welcome", auto_create=True, body=None)

    assert "body is missing" in reason
    assert shop.templates.list(shop.number) == []


def test_recipients_of_the_template_count(shop: SendClient) -> None:
    shop.put_template()
    fifteen = ", ".join(f"p{number}@shop.example" for number in range(15))

    assert "16 addresses together" in shop.refused(transactional_message_id=1, to=fifteen)


def test_sender_may_be_that_of_the_workspace(shop: SendClient) -> None:
    workspaces = shop.server.server.memory.directory.workspaces
    refused = shop.refused(**{"from": None})
    workspace = workspaces[shop.number]
    workspaces[shop.number] = replace(workspace, settings=replace(workspace.settings, sender="shop@shop.example"))

    shop.send(**{"from": None})

    assert "from is missing" in refused


def test_broken_liquid_is_refused(shop: SendClient) -> None:
    assert "body, line 1" in shop.refused(body="{{ customer.name")


def test_error_is_readable_to_both_clients(shop: SendClient) -> None:
    document = shop.post(to="nobody").json()

    assert document["meta"]["error"] == document["errors"][0]["detail"]
    assert "to 'nobody' is not a list of valid email addresses" in document["meta"]["error"]


@pytest.mark.parametrize(
    ("identifiers", "name"),
    [({"id": "bob"}, {"id": "bob"}), ({"email": "bob@shop.example"}, {"email": "bob@shop.example"})],
)
def test_unknown_person_is_created(shop: SendClient, identifiers: dict[str, str], name: dict[str, str]) -> None:
    wire_id = shop.send(identifiers=identifiers, to="other@shop.example")

    [(kind, value)] = name.items()
    person = shop.server.person(shop.workspace, **{kind: value})
    assert person is not None
    assert person.email != "other@shop.example"
    assert shop.delivery(wire_id).cio_id == person.cio_id


def test_address_of_a_message_changes_nobody(shop: SendClient) -> None:
    shop.send(to="new@shop.example")

    person = shop.server.person(shop.workspace, id="ann")
    assert person is not None
    assert person.email == "ann@shop.example"


def test_unknown_cio_id_is_refused(shop: SendClient) -> None:
    assert "no person has the cio_id 'cio_77'" in shop.refused(identifiers={"cio_id": "cio_77"})


def test_email_is_no_identifier_in_id_only() -> None:
    server = ThreadedServer()
    with server.serving() as running:
        workspace = server.open(Mode.ID_ONLY)
        with running.client(workspace.app) as client:
            shop = SendClient(server=running, workspace=workspace, client=client)

            reason = shop.refused(identifiers={"email": "ann@shop.example"})

    assert "email is no identifier in mode IDOnly" in reason


def test_suppressed_person_gets_a_dropped_delivery(shop: SendClient) -> None:
    with shop.server.client(shop.workspace.track) as track:
        track.post("/api/v1/customers/ann/suppress")

    delivery = shop.delivery(shop.send())

    assert (delivery.state, delivery.cio_id) == (DeliveryState.DROPPED, None)
    assert shop.server.person(shop.workspace, id="ann") is None


@pytest.mark.parametrize("place", ["header", "body"])
def test_key_returns_the_first_answer_again(shop: SendClient, place: str) -> None:
    key: dict[str, Any] = {"headers": {"idempotency-key": "k"}} if place == "header" else {"idempotency_key": "k"}

    first, second = shop.post(**key), shop.post(**key)

    assert first.json() == second.json()
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert len(shop.accepted()) == 1


def test_key_of_another_request_is_a_conflict(shop: SendClient) -> None:
    shop.send(headers={"idempotency-key": "k"})

    response = shop.post(headers={"idempotency-key": "k"}, subject="Other")

    assert response.status_code == 409
    assert "'k' was used for another request" in response.json()["meta"]["error"]


def test_key_of_one_workspace_is_free_in_another(shop: SendClient) -> None:
    with shop.beside() as other:
        ids = {each.send(headers={"idempotency-key": "k"}) for each in (shop, other)}

    assert len(ids) == 2


def test_marked_repeat_is_the_same_message(shop: SendClient) -> None:
    first = shop.send()
    again = shop.send(headers={"x-retry-count": "1"})
    unmarked = shop.send(headers={"x-retry-count": "0"})

    assert first == again != unmarked


def test_key_holds_in_a_race(shop: SendClient) -> None:
    barrier = threading.Barrier(8)

    def send(number: int) -> str:
        barrier.wait()
        return shop.send(headers={"idempotency-key": "k"}, identifiers={"id": "racer"}) + str(number)[:0]

    with ThreadPoolExecutor(8) as threads:
        ids = set(threads.map(send, range(8)))

    assert len(ids) == 1
    assert len(shop.accepted()) == 1


def test_messages_at_once_share_transactions() -> None:
    transactions, started, release = [], threading.Event(), threading.Event()

    class Server(ThreadedServer):
        def services(self) -> Dependencies:
            services = ThreadedServer.services(self)
            memory, clock = self.memory, services.clock

            class Slow(FakeDeliveries):
                def accept(self, workspace_id: int, messages: Any, *, now: Any) -> Any:
                    transactions.append(len(messages))
                    started.set()
                    assert release.wait(10)
                    return FakeDeliveries.accept(self, workspace_id, messages, now=now)

            return replace(services, sending=in_memory_sending(memory, clock, Slow(memory)))

    with send_client(Server()) as shop, ThreadPoolExecutor(9) as threads:
        first = threads.submit(shop.send)
        assert started.wait(10)
        others = [threads.submit(shop.send) for _ in range(8)]
        threading.Event().wait(0.5)
        release.set()
        ids = {future.result() for future in [first, *others]}

    assert len(ids) == 9
    assert sum(transactions) == 9
    assert len(transactions) < 9


def failing(error: Exception) -> ThreadedServer:
    """A server whose store fails to accept messages."""

    def fail() -> None:
        raise error

    class Server(ThreadedServer):
        def services(self) -> Dependencies:
            services = ThreadedServer.services(self)
            deliveries = FakeDeliveries(self.memory, before_accept=fail)
            return replace(services, sending=in_memory_sending(self.memory, services.clock, deliveries))

    return Server()


def test_unavailable_store_is_told_to_be_tried_again() -> None:
    with send_client(failing(StoreUnavailable("away"))) as shop:
        response = shop.post()

    assert (response.status_code, response.headers["retry-after"]) == (503, "1")


def test_unknown_outcome_makes_no_client_repeat_without_a_mark() -> None:
    with send_client(failing(CommitUnknown("lost"))) as shop:
        plain, keyed = shop.post(), shop.post(headers={"idempotency-key": "k"})

    # Python's client repeats a 503 unmarked, and so another message would be sent; Node's repeats both, marked.
    assert plain.status_code == 408
    assert "may have been accepted" in plain.json()["meta"]["error"]
    assert keyed.status_code == 503


def test_without_a_root_key_nothing_is_accepted() -> None:
    class Server(ThreadedServer):
        def services(self) -> Dependencies:
            services = ThreadedServer.services(self)
            return replace(services, sending=replace(services.sending, stored_key=None))

    with send_client(Server()) as shop:
        responses = [shop.post(), shop.client.get("/v1/messages")]

    assert {response.status_code for response in responses} == {503}
    assert {"--root-key-file" in response.json()["meta"]["error"] for response in responses} == {True}


def test_key_that_sends_too_much_waits() -> None:
    with send_client(ThreadedServer(limits=Limits(sends_at_once=2, sends_per_second=0.1))) as shop:
        responses = [shop.post() for _ in range(3)]
        with shop.beside() as beside:
            other = beside.post()

    assert [response.status_code for response in responses] == [200, 200, 429]
    assert responses[2].headers["retry-after"] == "10"
    assert other.status_code == 200


def test_body_has_four_megabytes_at_most(shop: SendClient) -> None:
    large = shop.post(message_data={"a": "x" * 3_000_000})
    too_large = shop.client.post("/v1/send/email", content=b"x" * (4 * 1024 * 1024 + 1))

    assert (large.status_code, too_large.status_code) == (400, 413)


@pytest.mark.parametrize("channel", ["push", "sms", "whatsapp", "inbox", "in_app", "x"])
def test_other_channels_are_not_available(shop: SendClient, channel: str) -> None:
    response = shop.client.post(f"/v1/send/{channel}", json=dict(LEAST))

    assert response.status_code == 400
    assert response.json()["meta"]["error"].startswith("this channel is not available")


def test_wrong_key_is_unauthorized(shop: SendClient) -> None:
    response = shop.client.post("/v1/send/email", json=dict(LEAST), headers={"authorization": "Bearer no"})

    assert response.status_code == 401
