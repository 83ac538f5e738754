"""The root key of an installation, and what its senders and queues are."""

import json
import stat
from datetime import timedelta
from pathlib import Path

from tests.cli.conftest import Run, W
from tests.cli.sending.outbox import KEY, Outbox
from workspace_operator.sending.keys import RootKey


def fingerprint(file: str) -> str:
    return RootKey.from_text(Path(file).read_text(), source=file).fingerprint()


def test_key_is_made_for_its_owner_only(run: Run) -> None:
    done = run("sending", "make-key", "root-key")

    text = Path("root-key").read_text()
    assert done.out == "root key written to root-key; only you can read it\n"
    assert stat.S_IMODE(Path("root-key").stat().st_mode) == 0o600
    assert (len(text), text[-1]) == (65, "\n")
    assert len(bytes.fromhex(text)) == 32
    assert text.strip() not in done.out + done.err


def test_existing_key_is_not_replaced(run: Run) -> None:
    Path("root-key").write_text(KEY)

    done = run("sending", "make-key", "root-key")

    assert done.failure == "error: root-key exists: choose another name, or keep that key"
    assert Path("root-key").read_text() == KEY


def test_key_in_a_missing_folder_is_one_line(run: Run) -> None:
    assert (
        "the root key none/key cannot be made: No such file or directory"
        in run("sending", "make-key", "none/key").failure
    )


def test_adopted_database_cancels_what_waits(run: Run, outbox: Outbox) -> None:
    waiting, draft = outbox.accept(), outbox.accept(is_draft=True)
    outbox.register_sender(fingerprint="of production")
    run("sending", "make-key", "key")

    done = run("sending", "adopt-database", "--discard-waiting", "--root-key-file", "key")
    states = {
        message["delivery_id"]: message["state"]
        for message in json.loads(run("messages", "list", *W, "-o", "json").out)
    }

    assert done.out.endswith(f"now belongs to the root key {fingerprint('key')}\n1 waiting message cancelled\n")
    assert states == {waiting: "cancelled", draft: "drafted"}


def test_adopted_database_can_keep_what_waits(run: Run, outbox: Outbox) -> None:
    outbox.accept()
    run("sending", "make-key", "key")

    done = run("sending", "adopt-database", "--keep-waiting", "--root-key-file", "key")
    outbox.register_sender(fingerprint=fingerprint("key"))
    senders = json.loads(run("sending", "status", "-o", "json").out)["senders"]

    assert done.out.splitlines()[1] == "messages that wait will be sent"
    assert [sender["has_database_key"] for sender in senders] == [True]


def test_adoption_wants_a_decision_about_what_waits(run: Run, outbox: Outbox) -> None:
    outbox.accept()

    done = run("sending", "adopt-database")

    assert done.code == 64
    assert "--discard-waiting for a copy of a database, or --keep-waiting" in done.err


def test_adoption_needs_a_key(run: Run, outbox: Outbox) -> None:
    outbox.accept()

    done = run("sending", "adopt-database", "--keep-waiting")

    assert done.failure == (
        "error: there is no root key: name its file with --root-key-file; workspacectl sending make-key makes one"
    )
    assert not Path("store.db.root-key").exists()


def test_adoption_takes_the_key_beside_the_database(run: Run, outbox: Outbox) -> None:
    outbox.register_sender(fingerprint="of production")
    Path("store.db.root-key").write_text(KEY)

    done = run("sending", "adopt-database", "--discard-waiting")

    assert fingerprint("store.db.root-key") in done.out
    assert done.out.endswith("0 waiting messages cancelled\n")


def test_status_shows_senders_and_queues(run: Run, outbox: Outbox) -> None:
    outbox.register_sender("a")
    outbox.register_sender("b", "other key")
    outbox.register_sender("c", at=outbox.now - timedelta(minutes=2))
    outbox.accept()

    done = run("sending", "status")

    senders, queues = done.out.split("\n\n")
    assert [line.split("  ")[0] for line in senders.splitlines()] == ["SENDER", "a", "b", "c"]
    assert ["running" in line for line in senders.splitlines()[1:]] == [True, True, False]
    assert "as the database" in senders.splitlines()[1]
    assert "other" in senders.splitlines()[2]
    assert [line.split()[:5] for line in queues.splitlines()[1:]] == [["default/crm", "Normal", "default", "1", "0"]]
    assert done.err == ""


def test_status_warns_of_messages_without_a_sender(run: Run, outbox: Outbox) -> None:
    outbox.accept()

    assert run("sending", "status").err == "messages wait, and no sender runs that has the root key of the database\n"


def test_status_is_a_json_document(run: Run, outbox: Outbox) -> None:
    outbox.register_sender("a")
    outbox.accept()

    shown = json.loads(run("sending", "status", "-o", "json").out)

    (sender,), (queue,) = shown["senders"], shown["workspaces"]
    assert sender.pop("heartbeat_at")
    assert sender == {
        "worker": "a",
        "state": "running",
        "has_database_key": True,
        "transports": [{"name": "default", "sender_domains": ["*"], "namespaces": ["*"]}],
    }
    assert queue.pop("next_due_at")
    assert queue == {"workspace": "default/crm", "mode": "Normal", "transport": "default", "waiting": 1, "in_flight": 0}
