"""The vendor's Python client, as it is published, over TLS against the server as it is run."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from customerio import CustomerIO, CustomerIOException

from tests.api.servers import CERTIFICATE
from tests.api.shops import Shop, Street, street

THEN = 1_750_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientShop(Shop):
    """A workspace with the vendor's client of it."""

    client: CustomerIO


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    with street(tmp_path_factory.mktemp("python"), tls=True) as running:
        yield running


@pytest.fixture
def shop(server: Street, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[ClientShop]:
    for each in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(each, raising=False)  # requests prefers them to what a session was told
    made = server.shop(request.node.name[:60])
    keys = made.workspace.keys
    with CustomerIO(keys.site_id, keys.api_key, host="127.0.0.1", port=server.api.port, retries=0) as client:
        client.http.verify = str(CERTIFICATE)
        yield ClientShop(api=made.api, workspace=made.workspace, client=client)


def test_identify_adds_and_updates(shop: ClientShop) -> None:
    shop.client.identify(id="ann", email="ann@example.com", plan="gold", since=datetime(2025, 6, 15, tzinfo=UTC))
    shop.client.identify(id="ann", plan="silver")

    customer = shop.customer("ann")

    assert customer["identifiers"]["email"] == "ann@example.com"
    assert customer["attributes"]["plan"] == "silver"
    assert customer["attributes"]["since"] == "1749945600"


def test_success_is_an_empty_object(shop: ClientShop) -> None:
    response = shop.client.identify(id="ann")

    assert (response.status_code, response.text) == (200, "{}\n")
    assert response.headers["content-type"] == "application/json; charset=utf-8"


def test_person_is_named_by_email_and_cio_id(shop: ClientShop) -> None:
    shop.client.identify(id="Ann@example.com", plan="gold")
    cio_id = shop.customer("ann@example.com", "email")["identifiers"]["cio_id"]

    shop.client.identify(id=f"cio_{cio_id}", city="Rome")

    assert shop.customer(cio_id, "cio_id")["attributes"]["city"] == "Rome"


@pytest.mark.parametrize("id_", ["a/b", "a b", "a+b", "ü", "100%", "x?y#z", "%2F", "...", 42])
def test_ids_arrive_as_they_were_meant(shop: ClientShop, id_: str | int) -> None:
    shop.client.identify(id=id_, plan="gold")

    [person] = shop.activities("profile_create")

    assert person["customer_id"] == str(id_)


def test_refused_change_is_told_and_recorded(shop: ClientShop) -> None:
    shop.client.identify(id="bob@example.com")
    shop.client.identify(id="ann", email="ann@example.com")

    response = shop.client.identify(id="ann", email="bob@example.com", plan="gold")

    reason = "The identifier is already associated with a different profile."
    assert response.headers["x-refused-changes"] == f'email; reason="{reason}"'
    assert shop.customer("ann")["attributes"]["plan"] == "gold"
    [refused] = shop.activities("failed_attribute_change")
    assert refused["data"] == {"email": {"reason": reason, "value": "bob@example.com"}}


def test_events_of_every_kind_are_kept(shop: ClientShop) -> None:
    shop.client.track(customer_id="ann", name="bought", data={"what": "a hat", "price": 9.5}, timestamp=THEN)
    shop.client.pageview(customer_id="ann", page="/hats", referer="/")
    shop.client.backfill("ann", "was born", datetime(1990, 1, 1, tzinfo=UTC), where="Rome")

    (page,) = shop.activities("page", customer_id="ann")
    born, bought = shop.activities("event", customer_id="ann")
    assert (page["name"], page["data"]) == ("/hats", {"referer": "/"})
    assert (born["name"], born["timestamp"], born["data"]) == ("was born", 631152000, {"where": "Rome"})
    assert (bought["timestamp"], bought["data"]) == (THEN, {"what": "a hat", "price": 9.5})


def test_event_with_an_id_is_kept_once(shop: ClientShop) -> None:
    for _ in range(2):
        shop.client.track(customer_id="ann", name="bought", id="01HB4HBDKTFWYZCK01DMRSWRFD")

    assert len(shop.activities("event")) == 1


def test_anonymous_events_become_their_person_s(shop: ClientShop) -> None:
    shop.client.track_anonymous(anonymous_id="cookie", name="looked", data={"at": "hats"})
    shop.client.track_anonymous(anonymous_id=None, name="invited")
    shop.client.identify(id="ann", anonymous_id="cookie")

    invited, looked = shop.activities("event")

    assert (looked["name"], looked["customer_id"]) == ("looked", "ann")
    assert (invited["name"], invited["customer_id"]) == ("invited", None)


def test_devices_come_and_go(shop: ClientShop) -> None:
    shop.client.add_device(customer_id="ann", device_id="t/1", platform="ios", last_used=THEN)
    shop.client.add_device(customer_id="ann", device_id="t2", platform="android")

    devices = shop.customer("ann")["devices"]
    shop.client.delete_device(customer_id="ann", device_id="t/1")

    assert [(each["id"], each["platform"], each["last_used"]) for each in devices] == [
        ("t/1", "ios", THEN),
        ("t2", "android", None),
    ]
    assert [each["id"] for each in shop.customer("ann")["devices"]] == ["t2"]


def test_deleted_person_is_gone(shop: ClientShop) -> None:
    shop.client.identify(id="ann")

    shop.client.delete(customer_id="ann")

    assert not shop.knows("ann")
    assert len(shop.activities("profile_delete")) == 1


def test_suppressed_person_stays_away_until_unsuppressed(shop: ClientShop) -> None:
    shop.client.identify(id="ann", email="ann@example.com")

    shop.client.suppress(customer_id="ann")
    shop.client.identify(id="ann")
    shop.client.identify(id="ann@example.com")
    away = not shop.knows("ann") and not shop.knows("ann@example.com", "email")
    shop.client.unsuppress(customer_id="ann")
    shop.client.identify(id="ann@example.com")

    assert away
    assert shop.knows("ann@example.com", "email")


def test_merged_people_are_one(shop: ClientShop) -> None:
    shop.client.identify(id="ann", plan="gold")
    shop.client.identify(id="ann@example.com", plan="silver", city="Rome")

    shop.client.merge_customers("id", "ann", "email", "ann@example.com")

    customer = shop.customer("ann@example.com", "email")
    assert customer["id"] == "ann"
    assert (customer["attributes"]["plan"], customer["attributes"]["city"]) == ("gold", "Rome")


def test_batch_is_carried_out_in_order(shop: ClientShop) -> None:
    ann = {"type": "person", "identifiers": {"id": "ann"}}
    phone = {"token": "t1", "platform": "ios", "last_used": THEN}

    response = shop.client.batch(
        [
            ann | {"action": "identify", "attributes": {"email": "ann@example.com", "plan": "gold"}},
            ann | {"action": "event", "name": "bought", "attributes": {"what": "a hat"}, "timestamp": THEN},
            ann | {"action": "screen", "name": "cart"},
            ann | {"action": "add_device", "device": phone},
            {"type": "person", "action": "identify", "identifiers": {"email": "bob@example.com"}},
            {
                "type": "person",
                "action": "merge",
                "primary": {"id": "ann"},
                "secondary": {"email": "bob@example.com"},
            },
            {"type": "person", "action": "delete", "identifiers": {"id": "nobody"}},
        ]
    )

    assert (response.status_code, response.json()) == (200, {})
    assert shop.customer("ann")["attributes"]["plan"] == "gold"
    assert [each["id"] for each in shop.customer("ann")["devices"]] == ["t1"]
    assert [each["data"] for each in shop.activities("event")] == [{"what": "a hat"}]
    assert [each["name"] for each in shop.activities("screen")] == ["cart"]
    assert not shop.knows("bob@example.com", "email")


def test_batch_tells_what_it_refused(shop: ClientShop) -> None:
    taken = {"type": "person", "action": "identify", "identifiers": {"id": "ann"}}

    response = shop.client.batch([taken | {"identifiers": {"phone": "1"}}, taken, taken | {"action": "dance"}])

    assert response.status_code == 207
    assert [each["batch_index"] for each in response.json()["errors"]] == [0, 2]
    assert shop.knows("ann")


def test_wrong_key_is_refused(shop: ClientShop) -> None:
    shop.client.http.auth = (shop.workspace.keys.site_id, "wrong")

    with pytest.raises(CustomerIOException, match=r'^401: .*\{"meta":\{"error":"unauthorized"\}\}'):
        shop.client.identify(id="ann")


def test_impossible_call_is_refused_with_its_reason(shop: ClientShop) -> None:
    with pytest.raises(CustomerIOException, match=r"^400: .*151 bytes, 150 are allowed"):
        shop.client.identify(id="a" * 151)


def test_certificate_of_somebody_else_is_not_trusted(shop: ClientShop) -> None:
    shop.client.http.verify = True

    with pytest.raises(CustomerIOException, match="CERTIFICATE_VERIFY_FAILED"):
        shop.client.identify(id="ann")
