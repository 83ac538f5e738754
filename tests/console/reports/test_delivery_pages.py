"""The deliveries of a workspace: the list, its filters, and one delivery with its content."""

from dataclasses import replace
from typing import Any

import pytest

from tests.console.cleanups.club import words_of
from tests.console.environment import HTML, VIEWER, ConsoleEnv, parsed
from tests.console.hostile import HOSTILE
from tests.console.reports.mailroom import BODIES, Mailroom
from tests.store.fixtures import WorkspaceEnv
from workspace_operator.application.ports import DeliveryQuery
from workspace_operator.console.texts import TEXTS
from workspace_operator.console.views.formats import visible, visible_lines
from workspace_operator.console.views.reports import deliveries, delivery
from workspace_operator.console.views.reports.deliveries import SHOWN
from workspace_operator.identity.values.rules import Mode
from workspace_operator.sending.deliveries import AttemptOutcome, Delivery, DeliveryState, GateRecord, Metric
from workspace_operator.sending.rules import SendMode


@pytest.fixture
def room(env: ConsoleEnv) -> Mailroom:
    return Mailroom.of(env)


def rows_of(room: Mailroom, query: str = "") -> list[str]:
    """The lines of the list."""
    page = parsed(room.console.installation().get(room.path + query))
    return [" ".join(" ".join(row.itertext()).split()) for row in page.iter(f"{HTML}tr")][1:]


def links_of(room: Mailroom, query: str = "") -> dict[str, str]:
    """The links of the list, by text."""
    page = parsed(room.console.installation().get(room.path + query))
    return {"".join(link.itertext()): link.attrib["href"] for link in page.iter(f"{HTML}a")}


def test_every_state_and_outcome_has_words() -> None:
    named = {
        *(f"delivery.{state.replace(' ', '_')}" for state in DeliveryState),
        *(f"metric.{metric}" for metric in Metric),
        *(f"attempt.mode.{mode}" for mode in SendMode),
        *(f"attempt.outcome.{outcome.replace(' ', '_')}" for outcome in AttemptOutcome),
    }

    assert named <= TEXTS.keys()


def test_newest_is_first(room: Mailroom) -> None:
    room.send(subject="First")
    room.console.store.clock.advance(60)
    room.wait(subject="Second")

    assert rows_of(room) == [
        "1 Mar 2026, 12:01 UTC Second 1 Waiting",
        "1 Mar 2026, 12:00 UTC First 1 Sent",
    ]


def test_workspace_without_messages_says_how_they_come(room: Mailroom) -> None:
    assert "No message yet. Messages come by POST /v1/send/email" in words_of(
        room.console.installation().get(room.path)
    )


def test_reason_is_said_in_words(room: Mailroom) -> None:
    room.defer()

    assert rows_of(room)[0].endswith("Waiting the server refused it for now 1 attempt failed")


def test_gate_is_said_in_words(room: Mailroom) -> None:
    delivery_id = room.defer()
    stored = room.console.store.deliveries.get(room.workspace.workspace_id, delivery_id).delivery
    gate = stored.gate
    assert gate is not None

    said = {
        "diverted": deliveries.reason_text(_with_gate(stored, gate, rule=13, diverted_to="qa@shop.example")),
        "disabled": deliveries.reason_text(_with_gate(stored, gate, rule=4)),
        "unknown": deliveries.reason_text(_with_gate(stored, gate, rule=99)),
        "passed": deliveries.reason_text(_with_gate(stored, gate, rule=14)),
    }

    assert said == {
        "diverted": "Test: diverted to qa@shop.example",
        "disabled": "the mode is Never, now or when the message was accepted",
        "unknown": "a line that this version does not know",
        "passed": "",
    }


def _with_gate(stored: Delivery, gate: GateRecord, **changed: Any) -> Delivery:
    return replace(stored, failure=None, gate=replace(gate, **changed))


def test_state_filters(room: Mailroom) -> None:
    room.send(subject="First")
    room.wait(subject="Second")

    assert [row.split("UTC ")[1] for row in rows_of(room, "?state=waiting")] == ["Second 1 Waiting"]
    assert "No messages match this filter." in words_of(room.console.installation().get(f"{room.path}?state=bounced"))


def test_template_filters_and_is_named(room: Mailroom) -> None:
    number = room.template("Order shipped")
    room.wait(subject="First", template=number, content_version=1)
    room.wait(subject="Second")

    assert [row.split("UTC ")[1] for row in rows_of(room, f"?template={number}")] == [
        "First 1 Order shipped #1 Waiting"
    ]


def test_person_filters(room: Mailroom) -> None:
    room.workspace.add("2")
    room.wait(subject="First")
    room.wait(subject="Second", reference=room.workspace.reference(id="2"))
    cio_id = room.console.store.deliveries.list(room.workspace.workspace_id, _all())[0].cio_id

    assert [row.split("UTC ")[1] for row in rows_of(room, f"?person={cio_id}")] == ["Second 2 Waiting"]


def _all() -> DeliveryQuery:
    return DeliveryQuery(limit=10)


def test_list_goes_on_and_keeps_its_filter(room: Mailroom) -> None:
    for number in range(SHOWN + 1):
        room.wait(subject=f"Message {number}")

    following = links_of(room, "?state=waiting")["Older deliveries →"]

    assert following.startswith(f"{room.path}?state=waiting&before=")
    rest = rows_of(room, following.removeprefix(room.path))
    assert [row.split("UTC ")[1] for row in rest] == ["Message 0 1 Waiting"]
    assert links_of(room, following.removeprefix(room.path))["Newest deliveries"] == f"{room.path}?state=waiting"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("state=lost", "state 'lost' is unknown: use one of drafted, waiting"),
        ("template=0", "template '0' must be the number of a template"),
        ("person=a-1", "person 'a-1' must be the cio_id of a person, in letters and digits"),
        ("before=%25", "before '%' must be the id of a delivery"),
    ],
)
def test_wrong_filter_is_named(room: Mailroom, query: str, said: str) -> None:
    answer = room.console.installation().get(f"{room.path}?{query}")

    assert answer.status_code == 400
    assert said in words_of(answer)


def test_delivery_shows_its_attempts_and_content(room: Mailroom) -> None:
    delivery_id = room.send(rendered=BODIES)

    said = words_of(room.console.installation().get(room.page(delivery_id)))

    assert "State Sent" in said
    assert "From Shop <hello@shop.example>" in said
    assert "default 1 recipient, to the recipients the server took it 250 2.0.0 queued" in said
    assert "As text Hello Ann Goodbye" in said


def test_content_that_is_not_kept_is_said_to_be_so(room: Mailroom) -> None:
    delivery_id = room.send(keep_content=False)

    said = words_of(room.console.installation().get(room.page(delivery_id)))

    assert "The content of this message is not kept." in said
    assert room.console.installation().get(f"{room.path}/body?id={delivery_id}").status_code == 404


def test_message_that_waits_was_not_handed_over(room: Mailroom) -> None:
    said = words_of(room.console.installation().get(room.page(room.wait())))

    assert "It was not handed over to a server." in said


def test_message_without_a_body_says_so(room: Mailroom) -> None:
    delivery_id = room.send(rendered={"subject": "Hello"})

    assert "The message has no body." in words_of(room.console.installation().get(room.page(delivery_id)))


def test_html_is_shown_in_a_frame_that_may_do_nothing(room: Mailroom) -> None:
    delivery_id = room.send(rendered=BODIES)
    browser = room.console.installation()

    page = browser.get(room.page(delivery_id))
    frame = parsed(page).find(f".//{HTML}iframe")

    assert frame is not None
    assert frame.attrib["sandbox"] == ""
    assert "frame-src 'self'" in page.headers["content-security-policy"]
    body = browser.get(frame.attrib["src"])
    assert body.text == BODIES["body"]
    assert body.headers["content-security-policy"] == (
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
    )
    assert (body.headers["x-content-type-options"], body.headers["cache-control"]) == ("nosniff", "no-store")
    assert body.headers["content-type"] == "text/html; charset=utf-8"


def test_other_pages_frame_nothing(room: Mailroom) -> None:
    assert "frame-src" not in room.console.installation().get(room.path).headers["content-security-policy"]


@pytest.mark.parametrize("page", ["message", "body"])
def test_delivery_of_another_workspace_is_not_found(room: Mailroom, page: str) -> None:
    delivery_id = room.send(rendered=BODIES)
    other = WorkspaceEnv.create(room.console.store, Mode.ID_ONLY)
    browser = room.console.installation()

    answers = [
        browser.get(f"/w/{other.workspace_id}/deliveries/{page}?id={wanted}") for wanted in (delivery_id, "0" * 24)
    ]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].text == answers[1].text


@pytest.mark.parametrize("page", ["message", "body"])
def test_delivery_has_an_id(room: Mailroom, page: str) -> None:
    assert room.console.installation().get(f"{room.path}/{page}").status_code == 400


@pytest.mark.parametrize("page", ["message", "body"])
def test_stranger_sees_no_delivery(nordlicht: ConsoleEnv, page: str) -> None:
    room = Mailroom.of(nordlicht)
    delivery_id = room.send(rendered=BODIES)

    assert nordlicht.member(VIEWER).get(f"{room.path}/{page}?id={delivery_id}").status_code == 404


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_values_of_messages_are_shown_as_text(room: Mailroom, value: str) -> None:
    delivery_id = room.send(subject=value, rendered={"from": value, "body_plain": value, "body": value})
    room.change(delivery_id, recipient=value)
    browser = room.console.installation()

    pages = [parsed(browser.get(path)) for path in (room.path, room.page(delivery_id))]

    texts = [["".join(element.itertext()) for element in page.iter(f"{HTML}bdi")] for page in pages]
    assert visible(value) in texts[0]
    assert texts[1].count(visible(value)) == 3
    shown = "".join("".join(element.itertext()) for element in pages[1].iter(f"{HTML}pre"))
    assert shown == visible_lines(value, limit=delivery.MAX_TEXT)
    assert browser.get(f"{room.path}/body?id={delivery_id}").text == value


def test_long_text_is_cut(room: Mailroom) -> None:
    delivery_id = room.send(rendered={"body_plain": "x\n" * delivery.MAX_TEXT})

    [shown] = parsed(room.console.installation().get(room.page(delivery_id))).iter(f"{HTML}pre")

    assert len("".join(shown.itertext())) <= delivery.MAX_TEXT
