import csv
import io
import json
from datetime import timedelta
from pathlib import Path

import pytest

from tests.cli.conftest import Run, W, write
from tests.cli.sending.outbox import KEY, Outbox
from workspace_operator.sending.deliveries import DeliveryState
from workspace_operator.sending.keys import Purpose, RootKey
from workspace_operator.sending.tokens import Token, sign


def listed(run: Run, *options: str) -> list[str]:
    """The ids of the messages that a list has."""
    done = run("messages", "list", *W, *options, "-o", "json")
    assert done.code == 0, done.err
    return [message["delivery_id"] for message in json.loads(done.out)]


def wire_id(delivery_id: str, workspace_id: int = 1) -> str:
    token = Token(workspace_id=workspace_id, delivery_id=delivery_id)
    return sign(token, Purpose.DELIVERY, RootKey.from_text(KEY, source="test"))


def test_messages_are_listed_newest_first(run: Run, outbox: Outbox) -> None:
    first, second = outbox.accept(), outbox.accept("bob@example.com")
    outbox.begin(first)
    outbox.end(first)

    head, *rows = run("messages", "list", *W).out.splitlines()

    assert head.split() == ["ID", "ACCEPTED", "STATE", "TO", "TEMPLATE", "SUBJECT", "REASON"]
    cells = [row.split() for row in rows]
    assert [(row[0], *row[2:]) for row in cells] == [
        (second, "waiting", "bob@example.com", "-", "Hello", "-"),
        (first, "sent", "ada@example.com", "-", "Hello", "-"),
    ]


def test_messages_are_filtered(run: Run, outbox: Outbox) -> None:
    sent, draft = outbox.accept(), outbox.accept(is_draft=True)
    others = outbox.accept("bob@example.com")
    outbox.begin(sent)

    assert listed(run) == [others, draft, sent]
    assert listed(run, "--state", "drafted") == [draft]
    assert listed(run, "--state", "handing-over", "--state", "drafted") == [draft, sent]
    assert listed(run, "--person", "ada@example.com") == listed(run, "--person", "1") == [draft, sent]
    assert listed(run, "--before", draft) == listed(run, "--before", wire_id(draft)) == [sent]
    assert listed(run, "--since", "1h") == listed(run, "--since", "2020-01-31") == [others, draft, sent]
    assert listed(run, "--since", (outbox.now + timedelta(hours=1)).isoformat()) == []


def test_list_says_that_there_may_be_more(run: Run, outbox: Outbox) -> None:
    outbox.accept()
    second = outbox.accept()

    done = run("messages", "list", *W, "--limit", "1")

    assert done.out.count("\n") == 2
    assert done.err == f"there may be earlier messages: add --before {second}\n"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--state", "lost"), "'lost' is not one of drafted, waiting, handing-over"),
        (("--since", "soon"), "'soon' must be an age such as 30m, 24h or 7d, or a time"),
    ],
)
@pytest.mark.usefixtures("outbox")
def test_bad_filters_are_usage_errors(run: Run, options: tuple[str, str], words: str) -> None:
    done = run("messages", "list", *W, *options)

    assert done.code == 64
    assert words in " ".join(done.err.split())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--person", "eve@example.com"), "no person in default/crm has the identifier 'eve@example.com'"),
        (("--template", "none"), "there is no template 'none': workspacectl templates list shows numbers and names"),
        (("--before", "x"), "ID 'x' is no id of a message: give the 24 digits of messages list, or a delivery_id"),
    ],
)
@pytest.mark.usefixtures("outbox")
def test_filters_that_name_nothing_are_errors(run: Run, options: tuple[str, str], words: str) -> None:
    assert words in run("messages", "list", *W, *options).failure


def test_csv_runs_no_formula(run: Run, outbox: Outbox) -> None:
    delivery_id = outbox.accept(subject='=HYPERLINK("http://x.example")')

    done = run("messages", "list", *W, "-o", "csv")

    (row,) = csv.DictReader(io.StringIO(done.out))
    assert row["subject"] == '\'=HYPERLINK("http://x.example")'
    assert (row["delivery_id"], row["state"], row["email"], row["id"]) == (
        delivery_id,
        "waiting",
        "ada@example.com",
        "1",
    )
    assert (row["failure"], row["tries"], row["rule"]) == ("", "0", "")


def test_message_is_shown_with_its_attempts(run: Run, outbox: Outbox) -> None:
    delivery_id = outbox.accept()
    outbox.begin(delivery_id)
    outbox.end(delivery_id)

    shown = json.loads(run("messages", "show", delivery_id, *W).out)

    assert (shown["wire_id"], shown["delivery_id"], shown["state"]) == (None, delivery_id, "sent")
    assert shown["person"]["email"] == "ada@example.com"
    assert shown["gate"]["rule"] == 14
    (attempt,) = shown["attempts"]
    assert (attempt["outcome"], attempt["code"], attempt["reply"]) == ("sent", 250, "taken")


def test_content_is_shown_on_request(run: Run, outbox: Outbox) -> None:
    sent, waiting = outbox.accept(), outbox.accept()
    outbox.begin(sent)
    outbox.end(sent, rendered={"subject": "Hello Ada", "body": "<p>Hello Ada"})

    of_sent = json.loads(run("messages", "show", sent, *W, "--content").out)
    without = json.loads(run("messages", "show", sent, *W).out)
    of_waiting = json.loads(run("messages", "show", waiting, *W, "--content").out)

    assert (of_sent["content"]["subject"], of_sent["content"]["body"]) == ("Hello Ada", "<p>Hello Ada")
    assert "content" not in without
    assert of_waiting["content"] is None


def test_wire_id_is_shown_with_the_root_key(run: Run, outbox: Outbox) -> None:
    delivery_id = outbox.accept()
    Path("key").write_text(KEY)

    named = json.loads(run("messages", "show", delivery_id, *W, "--root-key-file", "key").out)
    Path("store.db.root-key").write_text(KEY)
    beside = json.loads(run("messages", "show", delivery_id, *W).out)

    assert named["wire_id"] == beside["wire_id"] == wire_id(delivery_id)


def test_every_command_takes_both_ids(run: Run, outbox: Outbox) -> None:
    delivery_id = outbox.accept()

    by_upper_case = run("messages", "show", delivery_id.upper(), *W)
    by_wire_id = run("messages", "show", wire_id(delivery_id), *W)

    assert by_upper_case.out == by_wire_id.out
    assert by_wire_id.code == 0


def test_message_of_another_workspace_is_not_found(run: Run, outbox: Outbox) -> None:
    delivery_id = outbox.accept()
    write("other.yaml", "other", "Other")
    run("apply", "-f", "other.yaml")

    foreign = run("messages", "show", wire_id(delivery_id), "-w", "default/other")
    unknown = run("messages", "show", delivery_id, "-w", "default/other")

    assert "belongs to workspace number 1, not to default/other" in foreign.failure
    assert delivery_id in unknown.failure


def test_waiting_messages_are_cancelled(run: Run, outbox: Outbox) -> None:
    ids = [outbox.accept(), outbox.accept(is_draft=True)]

    done = run("messages", "cancel", *ids, *W)

    assert done.out.splitlines() == [f"{delivery_id} cancelled" for delivery_id in ids]
    assert listed(run, "--state", "cancelled") == ids[::-1]


def test_sent_message_is_not_cancelled(run: Run, outbox: Outbox) -> None:
    delivery_id = outbox.accept()
    outbox.begin(delivery_id)

    assert "handing over" in run("messages", "cancel", delivery_id, *W).failure


def test_draft_is_sent(run: Run, outbox: Outbox) -> None:
    delivery_id = outbox.accept(is_draft=True)

    done = run("messages", "send-draft", delivery_id, *W)
    again = run("messages", "send-draft", delivery_id, *W)

    assert done.out == f"{delivery_id} accepted, under the send behavior Normal\n"
    assert listed(run, "--state", "waiting") == [delivery_id]
    assert again.failure


def test_held_message_says_why(run: Run, outbox: Outbox) -> None:
    delivery_id = outbox.accept()
    outbox.hold(delivery_id, DeliveryState.DROPPED, "the address is suppressed or blocked", rule=8)

    (row,) = run("messages", "list", *W, "--state", "dropped").out.splitlines()[1:]

    assert row.endswith("the address is suppressed or blocked")
