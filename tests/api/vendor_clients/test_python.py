"""The vendor's Python client, as it is published, over TLS against the server as it is run."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from customerio import APIClient, CustomerIO, CustomerIOException, SendEmailRequest

from tests.api.live_server import LiveServer, LiveWorkspace, live_server
from tests.api.servers import CERTIFICATE

THEN = 1_750_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonWorkspace(LiveWorkspace):
    """A workspace with the vendor's client of it."""

    client: CustomerIO


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with live_server(tmp_path_factory.mktemp("python"), tls=True) as running:
        yield running


@pytest.fixture
def api(
    server: LiveServer, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[PythonWorkspace]:
    for each in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(each, raising=False)  # requests prefers them to what a session was told
    made = server.server(request.node.name[:60])
    keys = made.workspace.keys
    with CustomerIO(keys.site_id, keys.api_key, host="127.0.0.1", port=server.api.port, retries=0) as client:
        client.http.verify = str(CERTIFICATE)
        yield PythonWorkspace(api=made.api, workspace=made.workspace, client=client)


def test_identify_adds_and_updates(api: PythonWorkspace) -> None:
    api.client.identify(id="ann", email="ann@example.com", plan="gold", since=datetime(2025, 6, 15, tzinfo=UTC))
    api.client.identify(id="ann", plan="silver")

    customer = api.customer("ann")

    assert customer["identifiers"]["email"] == "ann@example.com"
    assert customer["attributes"]["plan"] == "silver"
    assert customer["attributes"]["since"] == "1749945600"


def test_success_is_an_empty_object(api: PythonWorkspace) -> None:
    response = api.client.identify(id="ann")

    assert (response.status_code, response.text) == (200, "{}\n")
    assert response.headers["content-type"] == "application/json; charset=utf-8"


def test_person_is_named_by_email_and_cio_id(api: PythonWorkspace) -> None:
    api.client.identify(id="Ann@example.com", plan="gold")
    cio_id = api.customer("ann@example.com", "email")["identifiers"]["cio_id"]

    api.client.identify(id=f"cio_{cio_id}", city="Rome")

    assert api.customer(cio_id, "cio_id")["attributes"]["city"] == "Rome"


@pytest.mark.parametrize("id_", ["a/b", "a b", "a+b", "ü", "100%", "x?y#z", "%2F", "...", 42])
def test_ids_arrive_as_they_were_meant(api: PythonWorkspace, id_: str | int) -> None:
    api.client.identify(id=id_, plan="gold")

    [person] = api.activities("profile_create")

    assert person["customer_id"] == str(id_)


def test_refused_change_is_reported_and_recorded(api: PythonWorkspace) -> None:
    api.client.identify(id="bob@example.com")
    api.client.identify(id="ann", email="ann@example.com")

    response = api.client.identify(id="ann", email="bob@example.com", plan="gold")

    reason = "The identifier is already associated with a different profile."
    assert response.headers["x-refused-changes"] == f'email; reason="{reason}"'
    assert api.customer("ann")["attributes"]["plan"] == "gold"
    [refused] = api.activities("failed_attribute_change")
    assert refused["data"] == {"email": {"reason": reason, "value": "bob@example.com"}}


def test_events_of_every_kind_are_kept(api: PythonWorkspace) -> None:
    api.client.track(customer_id="ann", name="bought", data={"what": "a hat", "price": 9.5}, timestamp=THEN)
    api.client.pageview(customer_id="ann", page="/hats", referer="/")
    api.client.backfill("ann", "was born", datetime(1990, 1, 1, tzinfo=UTC), where="Rome")

    (page,) = api.activities("page", customer_id="ann")
    born, bought = api.activities("event", customer_id="ann")
    assert (page["name"], page["data"]) == ("/hats", {"referer": "/"})
    assert (born["name"], born["timestamp"], born["data"]) == ("was born", 631152000, {"where": "Rome"})
    assert (bought["timestamp"], bought["data"]) == (THEN, {"what": "a hat", "price": 9.5})


def test_event_with_an_id_is_kept_once(api: PythonWorkspace) -> None:
    for _ in range(2):
        api.client.track(customer_id="ann", name="bought", id="01HB4HBDKTFWYZCK01DMRSWRFD")

    assert len(api.activities("event")) == 1


def test_anonymous_events_become_their_person_s(api: PythonWorkspace) -> None:
    api.client.track_anonymous(anonymous_id="cookie", name="looked", data={"at": "hats"})
    api.client.track_anonymous(anonymous_id=None, name="invited")
    api.client.identify(id="ann", anonymous_id="cookie")

    invited, looked = api.activities("event")

    assert (looked["name"], looked["customer_id"]) == ("looked", "ann")
    assert (invited["name"], invited["customer_id"]) == ("invited", None)


def test_devices_come_and_go(api: PythonWorkspace) -> None:
    api.client.add_device(customer_id="ann", device_id="t/1", platform="ios", last_used=THEN)
    api.client.add_device(customer_id="ann", device_id="t2", platform="android")

    devices = api.customer("ann")["devices"]
    api.client.delete_device(customer_id="ann", device_id="t/1")

    assert [(each["id"], each["platform"], each["last_used"]) for each in devices] == [
        ("t/1", "ios", THEN),
        ("t2", "android", None),
    ]
    assert [each["id"] for each in api.customer("ann")["devices"]] == ["t2"]


def test_deleted_person_is_gone(api: PythonWorkspace) -> None:
    api.client.identify(id="ann")

    api.client.delete(customer_id="ann")

    assert not api.knows("ann")
    assert len(api.activities("profile_delete")) == 1


def test_suppressed_person_stays_away_until_unsuppressed(api: PythonWorkspace) -> None:
    api.client.identify(id="ann", email="ann@example.com")

    api.client.suppress(customer_id="ann")
    api.client.identify(id="ann")
    api.client.identify(id="ann@example.com")
    away = not api.knows("ann") and not api.knows("ann@example.com", "email")
    api.client.unsuppress(customer_id="ann")
    api.client.identify(id="ann@example.com")

    assert away
    assert api.knows("ann@example.com", "email")


def test_merged_people_are_one(api: PythonWorkspace) -> None:
    api.client.identify(id="ann", plan="gold")
    api.client.identify(id="ann@example.com", plan="silver", city="Rome")

    api.client.merge_customers("id", "ann", "email", "ann@example.com")

    customer = api.customer("ann@example.com", "email")
    assert customer["id"] == "ann"
    assert (customer["attributes"]["plan"], customer["attributes"]["city"]) == ("gold", "Rome")


def test_batch_is_carried_out_in_order(api: PythonWorkspace) -> None:
    ann = {"type": "person", "identifiers": {"id": "ann"}}
    phone = {"token": "t1", "platform": "ios", "last_used": THEN}

    response = api.client.batch(
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
    assert api.customer("ann")["attributes"]["plan"] == "gold"
    assert [each["id"] for each in api.customer("ann")["devices"]] == ["t1"]
    assert [each["data"] for each in api.activities("event")] == [{"what": "a hat"}]
    assert [each["name"] for each in api.activities("screen")] == ["cart"]
    assert not api.knows("bob@example.com", "email")


def test_batch_reports_what_it_refused(api: PythonWorkspace) -> None:
    taken = {"type": "person", "action": "identify", "identifiers": {"id": "ann"}}

    response = api.client.batch([taken | {"identifiers": {"phone": "1"}}, taken, taken | {"action": "dance"}])

    assert response.status_code == 207
    assert [each["batch_index"] for each in response.json()["errors"]] == [0, 2]
    assert api.knows("ann")


def test_wrong_key_is_refused(api: PythonWorkspace) -> None:
    api.client.http.auth = (api.workspace.keys.site_id, "wrong")

    with pytest.raises(CustomerIOException, match=r'^401: .*\{"meta":\{"error":"unauthorized"\}\}'):
        api.client.identify(id="ann")


def test_impossible_call_is_refused_with_its_reason(api: PythonWorkspace) -> None:
    with pytest.raises(CustomerIOException, match=r"^400: .*151 bytes, 150 are allowed"):
        api.client.identify(id="a" * 151)


def test_certificate_of_somebody_else_is_not_trusted(api: PythonWorkspace) -> None:
    api.client.http.verify = True

    with pytest.raises(CustomerIOException, match="CERTIFICATE_VERIFY_FAILED"):
        api.client.identify(id="ann")


EMAIL = {
    "to": "Ann <ann@example.com>",
    "identifiers": {"id": "ann"},
    "_from": "Shop <hello@example.com>",
    "subject": "Your receipt",
    "body": "<p>Thank you, {{ customer.name }}</p>",
}


@pytest.fixture
def app(api: PythonWorkspace) -> Iterator[APIClient]:
    with APIClient(api.workspace.keys.app_key, url=api.api.url, retries=0) as client:
        client.http.verify = str(CERTIFICATE)
        yield client


def test_email_with_every_field_is_accepted(api: PythonWorkspace, app: APIClient) -> None:
    request = SendEmailRequest(
        **EMAIL,
        headers={"X-Campaign": "spring"},
        reply_to="help@example.com",
        cc="bob@example.com",
        bcc="archive@example.com",
        preheader="It has arrived",
        body_plain="Thank you",
        body_amp="<!doctype html><html amp4email></html>",
        fake_bcc=True,
        disable_message_retention=True,
        send_to_unsubscribed=False,
        tracked=False,
        queue_draft=True,
        message_data={"total": 12},
        disable_css_preprocessing=True,
        send_at=datetime(2020, 1, 1, tzinfo=UTC),
        language="de",
    )
    request.attach("hello.txt", "hello")
    request.attach("ready.bin", "aGVsbG8=", encode=False)

    answer = app.send_email(request)

    message = api.read(f"/v1/messages/{answer['delivery_id']}")["message"]
    assert (message["recipient"], message["subject"]) == (EMAIL["to"], EMAIL["subject"])
    assert message["metrics"].keys() == {"created", "drafted"}
    copy, original = api.read("/v1/messages", drafts="true")["messages"]
    assert (original["id"], copy["recipient"]) == (answer["delivery_id"], "archive@example.com")
    assert api.knows("ann")


def test_template_is_used_by_name(api: PythonWorkspace, app: APIClient) -> None:
    created = dict(EMAIL, transactional_message_id="Receipt", auto_create=True)
    created["from"] = created.pop("_from")
    app.send_email(created)

    answer = app.send_email(
        SendEmailRequest(transactional_message_id="receipt", to="ann@example.com", identifiers={"id": "ann"})
    )

    message = api.read(f"/v1/messages/{answer['delivery_id']}")["message"]
    assert (message["transactional_message_id"], message["subject"]) == (1, "Your receipt")


def test_key_in_a_body_is_kept(app: APIClient) -> None:
    body = {"from" if name == "_from" else name: value for name, value in EMAIL.items()} | {"idempotency_key": "k"}

    first, second = app.send_email(body), app.send_email(body)

    assert first == second


def test_reason_of_a_refused_email_is_readable(app: APIClient) -> None:
    with pytest.raises(CustomerIOException, match=r"^400: .*to is missing: send an address"):
        app.send_email(SendEmailRequest(**{**EMAIL, "to": None}))
    with pytest.raises(CustomerIOException, match=r"^400: .*body is not valid Liquid"):
        app.send_email(SendEmailRequest(**{**EMAIL, "body": "{% if customer.name %}"}))
    with pytest.raises(CustomerIOException, match=r"^400: .*this channel is not available"):
        app.send_push(dict(EMAIL))


def test_attachments_are_at_most_two_megabytes(app: APIClient) -> None:
    request = SendEmailRequest(**EMAIL)
    request.attach("large.bin", bytes(2 * 1024 * 1024))
    app.send_email(request)

    request.attach("more.bin", b"x")

    with pytest.raises(CustomerIOException, match=r"^400: .*attachments have 2097153 bytes together"):
        app.send_email(request)
