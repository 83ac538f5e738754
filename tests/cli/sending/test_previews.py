import email
import json
from email import policy
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run, W, write
from tests.cli.sending.outbox import Outbox

TEST = "  sendBehavior: {mode: Test, testAddress: qa@example.com}"
NEVER = "  sendBehavior: {mode: Never}"
REQUEST = {
    "to": "Ada <ada@example.com>",
    "cc": "boss@example.com",
    "bcc": "audit@example.com",
    "from": "Shop <shop@example.com>",
    "reply_to": "help@example.com",
    "identifiers": {"email": "ada@example.com"},
    "subject": "Hello {{ customer.id }}",
    "body": "<p>Hello {{ customer.email }}, {{ message_data.word }}</p>",
    "message_data": {"word": "hi"},
}


def request_file(**changes: Any) -> Path:
    file = Path("request.json")
    file.write_text(json.dumps(REQUEST | changes))
    return file


def previewed(run: Run, **changes: Any) -> dict[str, str]:
    """The labelled lines of a preview."""
    done = run("messages", "preview", request_file(**changes), *W)
    assert (done.code, done.err) == (0, "")
    head, _, _ = done.out.partition("\n\n")
    return {label: text.strip() for label, _, text in (line.partition(":") for line in head.splitlines())}


def in_mode(run: Run, more: str) -> None:
    write("crm.yaml", more=more)
    assert run("apply", "-f", "crm.yaml").code == 0


def test_preview_shows_envelope_and_rendered_message(run: Run, outbox: Outbox) -> None:
    outbox.register_sender()

    done = run("messages", "preview", request_file(), *W)

    head, _, body = done.out.partition("\n\n")
    recipients = "ada@example.com, boss@example.com, audit@example.com"
    assert head.splitlines() == [
        "Rules:           version 1, mode Normal, transport default, open tracking on",
        f"Gate:            it would be handed over to {recipients} (line 14: the mode is Normal: to its recipients)",
        f"Envelope:        {recipients}",
        "From:            Shop <shop@example.com>",
        "To:              Ada <ada@example.com>",
        "Cc:              boss@example.com",
        "Reply-To:        help@example.com",
        "Subject:         Hello 1",
    ]
    assert body == "Hello ada@example.com, hi\n"


def test_test_mode_shows_one_recipient_and_the_originals(run: Run, outbox: Outbox) -> None:
    outbox.register_sender()
    in_mode(run, TEST)

    shown = previewed(run)

    assert (shown["Envelope"], shown["To"]) == ("qa@example.com", "qa@example.com")
    assert (shown["X-Original-To"], shown["X-Original-Cc"]) == ("Ada <ada@example.com>", "boss@example.com")
    assert (shown["X-Original-Bcc"], shown["X-Original-Reply-To"]) == ("audit@example.com", "help@example.com")
    assert shown["X-Send-Behavior"] == "Test"
    assert not {"Cc", "Reply-To"} & shown.keys()


def test_never_has_no_envelope(run: Run, outbox: Outbox) -> None:
    outbox.register_sender()
    in_mode(run, NEVER)

    shown = previewed(run)

    assert shown["Gate"].startswith("it would be undeliverable: delivery is disabled in this workspace (line 4")
    assert "Envelope" not in shown
    assert (shown["To"], shown["Reply-To"], shown["Subject"]) == (
        "Ada <ada@example.com>",
        "help@example.com",
        "Hello 1",
    )


@pytest.mark.usefixtures("outbox")
def test_missing_sender_process_still_shows_the_envelope(run: Run) -> None:
    shown = previewed(run)

    assert "no transport 'default' is offered to this namespace (line 10" in shown["Gate"]
    assert shown["With transport"].startswith("it would be handed over to ada@example.com, ")
    assert shown["Envelope"] == "ada@example.com, boss@example.com, audit@example.com"


def test_preview_writes_nothing(run: Run, outbox: Outbox) -> None:
    outbox.register_sender()

    shown = previewed(run, identifiers={"email": "new@example.com"}, to="new@example.com")

    assert shown["Person"] == "the request would create the person"
    assert run("people", "export", *W).out.count("\n") == 3
    assert run("messages", "list", *W).out.count("\n") == 1


def test_suppressed_person_would_be_dropped(run: Run, outbox: Outbox) -> None:
    outbox.register_sender()
    run("people", "suppress", "--id", "9", *W)

    shown = previewed(run, identifiers={"id": "9"})

    assert shown["Gate"].startswith("it would be dropped: the person is suppressed")
    assert "Person" not in shown


def test_template_gives_what_the_request_leaves_out(run: Run, outbox: Outbox) -> None:
    outbox.register_sender()
    folder = Path("welcome")
    folder.mkdir()
    (folder / "template.yaml").write_text(
        "subject: Welcome\nfrom: Team <team@example.com>\nheaders: {X-Kind: welcome}\n"
        "languages: {de: {subject: Willkommen}}\n"
    )
    (folder / "body.txt").write_text("Hello")
    (folder / "body.de.txt").write_text("Hallo")
    run("templates", "apply", "-f", "welcome", *W)
    Path("request.yaml").write_text(
        "transactional_message_id: welcome\nlanguage: de\nto: ada@example.com\nidentifiers: {id: '1'}\n"
    )

    done = run("messages", "preview", "request.yaml", *W)

    assert "From:            Team <team@example.com>\n" in done.out
    assert "X-Kind:          welcome\n" in done.out
    assert "Subject:         Willkommen\n" in done.out
    assert done.out.endswith("\n\nHallo\n")


def test_preview_is_a_json_document(run: Run, outbox: Outbox) -> None:
    outbox.register_sender()
    file = request_file(attachments={"a.txt": "aGVsbG8="})

    shown = json.loads(run("messages", "preview", file, *W, "-o", "json").out)

    assert shown["gate"]["envelope"] == ["ada@example.com", "boss@example.com", "audit@example.com"]
    assert (shown["gate_with_transport"], shown["creates_person"]) == (None, False)
    assert shown["headers"]["Subject"] == "Hello 1"
    assert "Hello ada@example.com, hi" in shown["body"]
    assert [(file["name"], file["bytes"]) for file in shown["attachments"]] == [("a.txt", 5)]


def test_preview_can_be_opened_by_a_mail_program(run: Run, outbox: Outbox) -> None:
    outbox.register_sender()

    done = run("messages", "preview", request_file(), *W, "-o", "eml")

    message = email.message_from_string(done.out, policy=policy.default)
    body = message.get_body(("plain",))
    assert (message["To"], message["Subject"]) == ("Ada <ada@example.com>", "Hello 1")
    assert body is not None
    assert body.get_content().rstrip() == "Hello ada@example.com, hi"
    assert message.defects == []


def test_message_that_is_held_has_no_file(run: Run, outbox: Outbox) -> None:
    outbox.register_sender()
    in_mode(run, NEVER)

    done = run("messages", "preview", request_file(), *W, "-o", "eml")

    assert done.failure.startswith("error: there is no message to write: it would be undeliverable")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"to": "nobody"}, "to 'nobody' is not a list of valid email addresses"),
        ({"identifiers": {}}, "identifiers has 0 of"),
        ({"identifiers": {"cio_id": "0199f1c2a3b4001a1b2c3d4e"}}, "no person has the cio_id"),
        ({"transactional_message_id": "none"}, "there is no template 'none'"),
        ({"from": None}, "from is missing"),
        ({"subject": "{{ 1 | none }}"}, "request.json: the message cannot be rendered: "),
    ],
)
@pytest.mark.usefixtures("outbox")
def test_request_that_would_be_refused_is_an_error(run: Run, changes: dict[str, Any], words: str) -> None:
    assert words in run("messages", "preview", request_file(**changes), *W).failure


@pytest.mark.parametrize(
    ("text", "words"),
    [("- a", "must be one object, the body of POST /v1/send/email"), ("{", "x.json: document 1, line 2: ")],
)
@pytest.mark.usefixtures("outbox")
def test_file_that_is_no_request_is_an_error(run: Run, text: str, words: str) -> None:
    Path("x.json").write_text(text)

    assert words in run("messages", "preview", "x.json", *W).failure
