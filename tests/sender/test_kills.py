"""A sender that is killed at any moment: every message is sent once or twice, twice only if an attempt says unknown."""

import os
import random
import subprocess
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from tests.commands import running
from tests.e2e.waiting import wait_until
from tests.sender.post_office import PostOffice, open_post_office
from workspace_operator.sending.deliveries import AttemptOutcome, DeliveryState
from workspace_operator.sending.rules import SendMode
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.schema.sending_tables import attempt, delivery, mailroom

PROOF = bool(os.environ.get("WORKSPACE_OPERATOR_PROOF"))
KILLS, MESSAGES = (100, 200) if PROOF else (2, 20)
TRANSPORTS = """
- name: default
  host: 127.0.0.1
  port: {port}
  security: None
  senderDomains: ["*"]
  namespaces: ["*"]
  perSecond: 10000
  perWorkspacePerSecond: 10000
"""


def test_killed_sender_loses_nothing_and_repeats_only_the_unknown(database_url: str, tmp_path: Path) -> None:
    rng = random.Random(11)
    with open_post_office(database_url) as office:
        files = settings_of(office, tmp_path)
        for kill in range(KILLS):
            office.set_mode(SendMode.NORMAL)
            office.sink.before_250 = rng.choice((0.0, 0.005, 0.02))
            ids = office.accept(MESSAGES)
            with running("run", "sender", "--database", database_url, *files) as process:
                wait_for_first(office, process)
                time.sleep(rng.random() * 0.3)

            office.sink.before_250 = 0.0
            send_the_rest(office, database_url)

            check(office, ids, kill)
            office.sink.transactions.clear()


def test_killed_sender_leaves_nothing_that_is_sent_after_never(database_url: str, tmp_path: Path) -> None:
    with open_post_office(database_url) as office:
        files = settings_of(office, tmp_path)
        for _ in range(KILLS):
            office.set_mode(SendMode.NORMAL)
            office.sink.before_250 = 0.02
            ids = office.accept(MESSAGES)
            with running("run", "sender", "--database", database_url, *files) as process:
                wait_for_first(office, process)
                office.set_mode(SendMode.NEVER)
            wait_until(
                lambda: not office.sink.open, within=30, what=lambda: "the sink has connections of a dead process"
            )
            sent = office.sink.taken

            send_the_rest(office, database_url)

            assert office.sink.taken == sent
            states = {office.store.deliveries.get(1, delivery_id).delivery.state for delivery_id in ids}
            assert states <= {DeliveryState.SENT, DeliveryState.UNDELIVERABLE, DeliveryState.FAILED}
            office.sink.transactions.clear()


def settings_of(office: PostOffice, folder: Path) -> tuple[str, ...]:
    """The options of a sender in a process of its own, with the same root key."""
    transports, key = folder / "transports.yaml", folder / "root.key"
    transports.write_text(TRANSPORTS.format(port=office.sink.port))
    key.write_text(office.root_key.secret.hex())
    return ("--transports", str(transports), "--root-key-file", str(key))


def wait_for_first(office: PostOffice, process: "subprocess.Popen[str]") -> None:
    taken = office.sink.taken
    wait_until(
        lambda: office.sink.taken > taken or process.poll() is not None,
        within=30,
        every=0.002,
        what=lambda: "the sender sent nothing",
    )
    assert office.sink.taken > taken, f"the sender ended with {process.returncode}"


def send_the_rest(office: PostOffice, url: str) -> None:
    """Let the times pass that a sender waits for a dead one and for the repeat of an unknown outcome; then send."""
    database = Database(url)
    while True:
        database.writing(pass_time)
        while office.sender("heir").work_once():
            pass
        with database.reading() as connection:
            waiting = connection.execute(sa.select(sa.func.count()).where(delivery.c.due_at.is_not(None))).scalar_one()
        if not waiting:
            break
    database.close()


def pass_time(connection: sa.Connection) -> None:
    """As if all leases and deadlines were over and everything that waits were due: the killed process is dead."""
    connection.execute(sa.update(mailroom).values(lease_expires_at=None, lease_owner="", next_due_at=long_ago()))
    connection.execute(sa.update(attempt).where(attempt.c.ended_at.is_(None)).values(deadline=long_ago()))
    connection.execute(sa.update(delivery).where(delivery.c.due_at.is_not(None)).values(due_at=long_ago()))


def long_ago() -> datetime:
    """Long enough for every wait, and not too late for a message."""
    return datetime.now(UTC) - timedelta(hours=1)


def check(office: PostOffice, ids: list[str], kill: int) -> None:
    """Copies of each message, against its attempts."""
    copies = Counter(taken.message_id for taken in office.sink.messages)
    assert len(copies) == len(ids), f"kill {kill}: {len(ids) - len(copies)} messages were lost"
    assert max(copies.values()) <= 2
    doubled = 0
    for delivery_id in ids:
        outcomes = [attempt.outcome for attempt in office.store.deliveries.attempts(1, delivery_id)]
        assert None not in outcomes
        doubled += AttemptOutcome.UNKNOWN in outcomes
    assert sum(count - 1 for count in copies.values()) <= doubled
