import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from tests.cli.conftest import Run, W, write
from tests.cli.sending.outbox import Outbox
from workspace_operator.application.sending.explanations import GATE_LINES
from workspace_operator.cli.commands.sending.delivery_output import ATTEMPT_COLUMNS
from workspace_operator.sending.deliveries import AttemptOutcome, DeliveryState

NEVER = "  sendBehavior: {mode: Never}"
TEST = "  sendBehavior: {mode: Test, testAddress: qa@example.com}"


def explained(run: Run, delivery_id: str) -> list[str]:
    done = run("messages", "explain", delivery_id, *W)
    assert (done.code, done.err) == (0, "")
    return done.out.splitlines()


def test_sent_message_names_line_rules_and_attempt(run: Run, outbox: Outbox) -> None:
    delivery_id = outbox.accept()
    outbox.begin(delivery_id)
    outbox.end(delivery_id)

    lines = explained(run, delivery_id)

    assert lines[:4] == [
        f"{delivery_id} to ada@example.com: sent",
        "decided by line 14 of the gate: the mode is Normal: to its recipients",
        "under version 1 of the rules: mode Normal, accepted in mode Normal",
        "rules in force now: version 1, mode Normal, transport default, open tracking on",
    ]
    assert lines[5].split() == list(ATTEMPT_COLUMNS)
    assert lines[6].split()[3:] == ["1", "Normal", "default", "1", "sent", "250", "taken"]


def test_held_message_gives_the_reason(run: Run, outbox: Outbox) -> None:
    delivery_id = outbox.accept()
    outbox.hold(delivery_id, DeliveryState.UNDELIVERABLE, "delivery is disabled in this workspace", rule=4)

    lines = explained(run, delivery_id)

    assert lines[:3] == [
        f"{delivery_id} to ada@example.com: undeliverable",
        "reason: delivery is disabled in this workspace",
        "decided by line 4 of the gate: the mode is Never, now or when the message was accepted",
    ]


def test_waiting_message_says_what_would_happen_now(run: Run, outbox: Outbox) -> None:
    delivery_id = outbox.accept()
    without_sender = explained(run, delivery_id)
    outbox.register_sender()
    with_sender = explained(run, delivery_id)
    write("crm.yaml", more=TEST)
    run("apply", "-f", "crm.yaml")
    in_test = explained(run, delivery_id)
    write("crm.yaml", more=NEVER)
    run("apply", "-f", "crm.yaml")
    in_never = explained(run, delivery_id)

    assert re.match(
        r"now: it would wait until \S+: no transport 'default' is offered to this namespace \(line 10: ",
        without_sender[1],
    )
    assert with_sender[1] == (
        "now: it would be handed over to ada@example.com (line 14: the mode is Normal: to its recipients)"
    )
    assert in_test[1].startswith("now: it would be handed over to qa@example.com (line 13: ")
    assert in_never[1].startswith("now: it would be undeliverable: delivery is disabled in this workspace (line 4: ")


def test_silent_sender_does_not_count(run: Run, outbox: Outbox) -> None:
    delivery_id = outbox.accept()
    outbox.register_sender(at=outbox.now - timedelta(minutes=2))

    assert "(line 10: " in explained(run, delivery_id)[1]


def test_sender_with_another_key_does_not_count(run: Run, outbox: Outbox) -> None:
    delivery_id = outbox.accept()
    outbox.register_sender(fingerprint="first")
    outbox.register_sender(fingerprint="other")

    assert "(line 10: " in explained(run, delivery_id)[1]


def test_draft_waits_for_somebody(run: Run, outbox: Outbox) -> None:
    assert explained(run, outbox.accept(is_draft=True))[1] == (
        "now: it would wait until somebody continues it: it is a draft (line 5: it is a draft)"
    )


def test_message_to_a_blocked_address_would_be_dropped(run: Run, outbox: Outbox) -> None:
    delivery_id = outbox.accept(to="eve@example.com")
    run("people", "suppress", "--email", "eve@example.com", *W)

    assert explained(run, delivery_id)[1].startswith("now: it would be dropped: ")


def test_message_to_an_unsubscribed_person_would_be_held(run: Run, outbox: Outbox) -> None:
    delivery_id = outbox.accept(send_to_unsubscribed=False)
    Path("unsubscribed.csv").write_text("email,unsubscribed\nada@example.com,true\n")
    run("people", "import", "unsubscribed.csv", *W, "--update")

    assert explained(run, delivery_id)[1].startswith("now: it would be undeliverable: the person unsubscribed")


def test_message_under_way_has_an_attempt_without_outcome(run: Run, outbox: Outbox) -> None:
    delivery_id = outbox.accept()
    outbox.begin(delivery_id)

    lines = explained(run, delivery_id)

    assert lines[0].endswith(": handing over")
    assert lines[-1].split()[-3:] == ["-", "-", "-"]


def test_cancelled_message_says_so(run: Run, outbox: Outbox) -> None:
    delivery_id = outbox.accept()
    run("messages", "cancel", delivery_id, *W)

    assert explained(run, delivery_id)[0] == f"{delivery_id} to ada@example.com: cancelled"


def test_test_message_names_its_address(run: Run, outbox: Outbox) -> None:
    delivery_id = outbox.accept()
    outbox.begin(delivery_id, diverted_to="qa@example.com")

    assert "sent to the test address qa@example.com instead" in explained(run, delivery_id)


def test_failed_attempt_shows_the_reply(run: Run, outbox: Outbox) -> None:
    delivery_id = outbox.accept()
    outbox.begin(delivery_id)
    outbox.end(delivery_id, DeliveryState.BOUNCED, outcome=AttemptOutcome.BOUNCED, code=550, reply="5.1.1 no such user")

    assert explained(run, delivery_id)[-1].endswith("bounced  550   5.1.1 no such user")


@pytest.mark.parametrize("state", ["waiting", "sent"])
def test_explanation_is_a_json_document(run: Run, outbox: Outbox, state: str) -> None:
    delivery_id = outbox.accept()
    if state == "sent":
        outbox.begin(delivery_id)
        outbox.end(delivery_id)
    outbox.register_sender()

    shown = json.loads(run("messages", "explain", delivery_id, *W, "-o", "json").out)

    assert (shown["delivery_id"], shown["state"]) == (delivery_id, state)
    assert shown["rules"] == {
        "send_version": 1,
        "mode": "Normal",
        "test_address": None,
        "transport": "default",
        "open_tracking": True,
        "from": None,
    }
    if state == "sent":
        assert (shown["line"], shown["now"]) == (GATE_LINES[14], None)
    else:
        assert shown["line"] is None
        assert shown["now"] == {
            "rule": 14,
            "line": GATE_LINES[14],
            "decision": "pass",
            "mode": "Normal",
            "envelope": ["ada@example.com"],
            "diverted_to": None,
        }


def test_every_line_of_the_gate_is_explained() -> None:
    assert sorted(GATE_LINES) == [0, 1, *range(3, 15)]


def test_line_of_a_newer_version_is_no_crash(run: Run, outbox: Outbox) -> None:
    delivery_id = outbox.accept()
    outbox.hold(delivery_id, DeliveryState.UNDELIVERABLE, "of tomorrow", rule=99)

    assert "decided by line 99 of the gate: a line that this version does not know" in explained(run, delivery_id)
