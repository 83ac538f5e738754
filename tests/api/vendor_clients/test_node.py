"""The vendor's Node client, in the two versions that are in use, over TLS against the server as it is run."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from tests.api.faulty_proxy import Fault, faulty_proxy
from tests.api.live_server import LiveServer, LiveWorkspace, live_server
from tests.api.node_clients import NodeClients, NodeUnavailable, installed
from tests.api.servers import CERTIFICATE
from tests.conftest import NO_SKIPS

PACKAGES = ("customerio-node-4", "customerio-node-5")
THEN = 1_750_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeWorkspace(LiveWorkspace):
    """A workspace with the vendor's client of it."""

    clients: NodeClients
    package: str

    def call(self, *calls: Sequence[object], url: str = "", retries: int = 0) -> Sequence[dict[str, Any]]:
        """What calls of the client come to: of the Track API or the App API, a method, its arguments."""
        keys, url = self.workspace.keys, url or self.api.url
        # Version 4 takes the port from its options and not from the address.
        options = {"port": self.api.port} if self.package.endswith("4") else {"retry": {"maxRetries": retries}}
        given = {
            "track": [keys.site_id, keys.api_key, {"url": f"{url}/api/v1", **options}],
            "app": [keys.app_key, {"url": f"{url}/v1", **options}],
            "calls": calls,
        }
        return self.clients.call(self.package, {"NODE_EXTRA_CA_CERTS": str(CERTIFICATE)}, given)

    def done(self, *calls: Sequence[object]) -> None:
        """Calls of the Track API that must succeed."""
        answers = self.call(*(["track", *each] for each in calls))
        assert answers == [{"answer": {}}] * len(calls)


@pytest.fixture(scope="module")
def clients() -> NodeClients:
    try:
        return installed()
    except NodeUnavailable as unavailable:
        if os.environ.get(NO_SKIPS):
            raise
        pytest.skip(f"no Node client: {unavailable}")


@pytest.fixture(scope="module")
def server(clients: NodeClients, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    assert clients.modules.exists()
    with live_server(tmp_path_factory.mktemp("node"), tls=True) as running:
        yield running


@pytest.fixture(params=PACKAGES)
def api(server: LiveServer, clients: NodeClients, request: pytest.FixtureRequest) -> NodeWorkspace:
    made = server.server(request.node.name[:60])
    return NodeWorkspace(api=made.api, workspace=made.workspace, clients=clients, package=request.param)


def test_people_are_added_changed_and_deleted(api: NodeWorkspace) -> None:
    api.done(
        ["identify", "a/b ü", {"email": "ann@example.com", "plan": "gold"}],
        ["identify", "ann@example.com", {"plan": "silver"}],
        ["identify", "bob"],
        ["destroy", "bob"],
    )

    customer = api.customer("ann@example.com", "email")
    assert (customer["id"], customer["attributes"]["plan"]) == ("a/b ü", "silver")
    assert not api.knows("bob")


def test_events_are_kept(api: NodeWorkspace) -> None:
    api.done(
        ["track", "ann", {"name": "bought", "timestamp": THEN, "data": {"what": "a hat"}}],
        ["trackPageView", "ann", "/hats"],
        ["trackAnonymous", "cookie", {"name": "looked"}],
        ["identify", "ann", {"anonymous_id": "cookie"}],
    )

    looked, bought = api.activities("event", customer_id="ann")
    assert (bought["name"], bought["timestamp"], bought["data"]) == ("bought", THEN, {"what": "a hat"})
    assert looked["name"] == "looked"
    assert [each["name"] for each in api.activities("page")] == ["/hats"]


def test_times_may_be_milliseconds_or_text(api: NodeWorkspace) -> None:
    api.done(
        ["identify", "ann", {"created_at": "2001-09-09T01:46:40.000Z"}],
        ["track", "ann", {"name": "bought", "timestamp": THEN * 1000}],
        ["track", "ann", {"name": "sold", "timestamp": "2025-06-15T15:06:40.000Z"}],
    )

    assert [each["timestamp"] for each in api.activities("event", customer_id="ann")] == [THEN, THEN]
    assert api.customer("ann")["attributes"]["created_at"] == "2001-09-09T01:46:40.000Z"


def test_devices_come_and_go(api: NodeWorkspace) -> None:
    api.done(
        ["addDevice", "ann", "t/1", "ios", {"last_used": THEN, "os": "18"}],
        ["addDevice", "ann", "t2", "android"],
        ["deleteDevice", "ann", "t2"],
    )

    assert api.customer("ann")["devices"] == [
        {"id": "t/1", "platform": "ios", "last_used": THEN, "attributes": {"os": "18"}}
    ]


def test_suppression_holds_until_it_is_ended(api: NodeWorkspace) -> None:
    api.done(["suppress", "ann"], ["identify", "ann"])
    suppressed = not api.knows("ann")

    api.done(["unsuppress", "ann"], ["identify", "ann"])

    assert suppressed
    assert api.knows("ann")


def test_merged_people_are_one(api: NodeWorkspace) -> None:
    api.done(
        ["identify", "ann", {"plan": "gold"}],
        ["identify", "ann@example.com", {"city": "Rome"}],
        ["mergeCustomers", "id", "ann", "email", "ann@example.com"],
    )

    customer = api.customer("ann@example.com", "email")
    assert (customer["id"], customer["attributes"]["city"]) == ("ann", "Rome")


def test_app_client_reads_people_back(api: NodeWorkspace) -> None:
    api.done(["identify", "ann", {"email": "ann@example.com"}])

    by_id, by_email, found, exports = api.call(
        ["app", "getAttributes", "ann"],
        ["app", "getAttributes", "ann@example.com", "email"],
        ["app", "getCustomersByEmail", "ann@example.com"],
        ["app", "listExports"],
    )

    assert by_id["answer"]["customer"] == by_email["answer"]["customer"] == api.customer("ann")
    assert [each["id"] for each in found["answer"]["results"]] == ["ann"]
    assert exports == {"answer": {"exports": None}}


def test_errors_reach_the_caller(api: NodeWorkspace) -> None:
    too_long, unknown, missing = api.call(
        ["track", "identify", "a" * 151],
        ["app", "getAttributes", "nobody"],
        ["app", "getExport", 7],
    )

    assert too_long["status"] == 400
    assert "151 bytes, 150 are allowed" in too_long["error"]
    assert (unknown["status"], missing["status"]) == (404, 404)
    assert "no person has the id 'nobody'" in unknown["error"]
    assert "there is no export '7'" in missing["error"]


EMAIL = {
    "to": "Ann <ann@example.com>",
    "identifiers": {"id": "ann"},
    "from": "Shop <hello@example.com>",
    "subject": "Your receipt",
    "body": "<p>Thank you, {{ customer.name }}</p>",
}


def sent(api: NodeWorkspace, *arguments: object) -> str:
    """An email that must be accepted; its id."""
    [result] = api.call(["app", "sendEmail", *arguments])
    assert "answer" in result, result
    return str(result["answer"]["delivery_id"])


def test_email_with_every_field_is_accepted(api: NodeWorkspace) -> None:
    options = {
        **EMAIL,
        "headers": {"X-Campaign": "spring"},
        "message_data": {"total": 12},
        "preheader": "It has arrived",
        "reply_to": "help@example.com",
        "bcc": "archive@example.com",
        "body_plain": "Thank you",
        "body_amp": "<!doctype html><html amp4email></html>",
        "fake_bcc": True,
        "disable_message_retention": True,
        "send_to_unsubscribed": False,
        "tracked": False,
        "queue_draft": True,
        "send_at": THEN,
        "disable_css_preprocessing": True,
        "language": "de",
    }

    delivery_id = sent(api, options, {"hello.txt": "hello"})

    message = api.read(f"/v1/messages/{delivery_id}")["message"]
    assert (message["recipient"], message["subject"]) == (EMAIL["to"], EMAIL["subject"])
    assert message["metrics"].keys() == {"created", "drafted"}
    assert api.knows("ann")


# Version 4 has no methods that read messages.
@pytest.mark.parametrize("api", ["customerio-node-5"], indirect=True)
def test_messages_are_read_back(api: NodeWorkspace) -> None:
    delivery_id = sent(api, {**EMAIL, "transactional_message_id": "Receipt"}, {}, {"auto_create": True})

    results = api.call(
        ["app", "getMessages", {"limit": 10, "metric": "created", "transactional_id": 1}],
        ["app", "getMessage", delivery_id],
        ["app", "getArchivedMessage", delivery_id],
        ["app", "getCustomerMessages", "ann", {"idType": "id", "limit": 1}],
        ["app", "listTransactionalMessages"],
        ["app", "getTransactionalMessage", "1"],
        ["app", "getTransactionalMessageContents", "1"],
        ["app", "updateTransactionalMessageContent", "1", "default", {"body": "<p>Thanks</p>"}],
        ["app", "getTransactionalMessageDeliveries", "1", {"limit": 1}],
        ["app", "getTransactionalMessageMetrics", "1", {"period": "days", "steps": 7}],
        ["app", "createSuppression", "bounces", "bob@example.com"],
        ["app", "searchSuppression", "bob@example.com"],
        ["app", "getSuppressions", "bounces", {"limit": 10}],
        ["app", "deleteSuppression", "bounces", "bob@example.com"],
    )

    assert [result["error"] for result in results if "error" in result] == []
    answers = [result["answer"] for result in results]
    assert {answer["messages"][0]["id"] for answer in (answers[0], answers[3], answers[8])} == {delivery_id}
    assert answers[1]["message"]["id"] == delivery_id
    assert answers[4]["messages"][0] == answers[5]["message"]
    assert answers[7]["content"]["body"] == "<p>Thanks</p>"
    assert sum(answers[9]["metric"]["series"]["created"]) == 1
    assert answers[11]["category"] == answers[12]["category"] == "bounces"


def test_reason_of_a_refused_email_is_readable(api: NodeWorkspace) -> None:
    nobody, broken, push = api.call(
        ["app", "sendEmail", {**EMAIL, "to": "nobody"}],
        ["app", "sendEmail", {**EMAIL, "body": "{% if customer.name %}"}],
        ["app", "sendEmail", {**EMAIL, "identifiers": {"cio_id": "cio_77"}}],
    )

    assert {nobody["status"], broken["status"], push["status"]} == {400}
    assert "to 'nobody' is not a list of valid email addresses" in nobody["error"]
    assert "body is not valid Liquid" in broken["error"]
    assert "no person has the cio_id 'cio_77'" in push["error"]


# Version 4 repeats nothing.
@pytest.mark.parametrize("api", ["customerio-node-5"], indirect=True)
@pytest.mark.parametrize("faults", [["refused"], ["lost"], ["refused", "lost", "refused"]])
def test_repeats_of_the_client_send_one_email(api: NodeWorkspace, faults: Sequence[Fault]) -> None:
    with faulty_proxy(api.api, faults) as proxy:
        [result] = api.call(["app", "sendEmail", EMAIL], url=proxy.url, retries=3)

    assert [message["id"] for message in api.read("/v1/messages")["messages"]] == [result["answer"]["delivery_id"]]
    assert proxy.retry_counts == [None, *(str(number) for number in range(1, len(faults) + 1))]
