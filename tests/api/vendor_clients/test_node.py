"""The vendor's Node client, in the two versions that are in use, over TLS against the server as it is run."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

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

    def call(self, *calls: Sequence[object]) -> Sequence[dict[str, Any]]:
        """What calls of the client come to: of the Track API or the App API, a method, its arguments."""
        keys, url = self.workspace.keys, self.api.url
        # Version 4 takes the port from its options and not from the address.
        options = {"port": self.api.port} if self.package.endswith("4") else {"retry": {"maxRetries": 0}}
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
