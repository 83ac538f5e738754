"""Messages and senders of a store, written as a sender and the API write them."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import count

import sqlalchemy as sa

from tests.fakes.workspaces.sending import FakeAttempt, FakeSender, FakeWaiting
from tests.fakes.workspaces.workspaces import FakeWorkspaces
from tests.store.backends import Store
from workspace_operator.sending.rules import SendMode
from workspace_operator.sending.transports import TransportOffer
from workspace_operator.store.queries.sending_state import offer_document
from workspace_operator.store.schema.sending_tables import attempt, delivery, sender, template
from workspace_operator.store.schema.tables import store_identity
from workspace_operator.workspaces.model import Workspace

_numbers = count(1)

OFFERS = (
    TransportOffer(name="bulk", sender_domains=frozenset({"shop.example"}), namespaces=frozenset({"team"})),
    TransportOffer(name="default", sender_domains=frozenset("*"), namespaces=frozenset("*")),
)


def add_attempt(
    store: Store, workspace: Workspace, *, seconds: float = 30, ended: bool = False, send_version: int | None = None
) -> None:
    """A hand-over with a deadline in some seconds, under the rules in force."""
    now = store.clock()
    version = workspace.send_version if send_version is None else send_version
    deadline, ended_at = now + timedelta(seconds=seconds), now if ended else None
    if isinstance(store.workspaces, FakeWorkspaces):
        store.workspaces.memory.sending.attempts.append(
            FakeAttempt(workspace_id=workspace.workspace_id, send_version=version, deadline=deadline, ended_at=ended_at)
        )
        return
    row = {
        "workspace_id": workspace.workspace_id,
        "delivery_id": f"{next(_numbers):024x}",
        "number": 1,
        "begun_at": now,
        "deadline": deadline,
        "send_version": version,
        "mode": "Normal",
        "transport": "default",
        "worker": "w1",
        "recipients": 1,
        "ended_at": ended_at,
    }
    store.sql_database.writing(lambda connection: connection.execute(sa.insert(attempt), row))


def add_message(
    store: Store, workspace: Workspace, *, due_at: datetime | None, accepted_mode: SendMode = SendMode.NORMAL
) -> None:
    """A message that waits until a time, or that was sent."""
    if isinstance(store.workspaces, FakeWorkspaces):
        waiting = store.workspaces.memory.sending.waiting
        if due_at is not None:
            number = workspace.workspace_id
            waiting.append(FakeWaiting(workspace_id=number, due_at=due_at, accepted_mode=accepted_mode))
        return
    row = {
        "workspace_id": workspace.workspace_id,
        "delivery_id": f"{next(_numbers):024x}",
        "channel": "email",
        "state": "sent" if due_at is None else "waiting",
        "accepted_mode": accepted_mode,
        "accepted_at": store.clock(),
        "send_at": store.clock(),
        "due_at": due_at,
        "tries": 0,
        "recipient": "ann@example.com",
        "cc": "",
        "bcc": "",
        "is_copy": False,
        "subject": "Hello",
        "tracked": True,
        "open_tracking": True,
        "link_tracking": True,
        "send_to_unsubscribed": True,
        "keep_content": True,
        "metrics": {},
    }
    store.sql_database.writing(lambda connection: connection.execute(sa.insert(delivery), row))


def add_sender(
    store: Store, worker: str, *, fingerprint: str = "f1", age: float = 0, offers: Iterable[TransportOffer] = OFFERS
) -> None:
    """A sender whose newest heartbeat is some seconds old."""
    beat_at, given = store.clock() - timedelta(seconds=age), tuple(offers)
    if isinstance(store.workspaces, FakeWorkspaces):
        senders = store.workspaces.memory.sending.senders
        senders[worker] = FakeSender(beat_at=beat_at, fingerprint=fingerprint, offers=given)
        return
    row = {
        "worker": worker,
        "transports": list(map(offer_document, given)),
        "key_fingerprint": fingerprint,
        "beat_at": beat_at,
    }
    store.sql_database.writing(lambda connection: connection.execute(sa.insert(sender), row))


def add_template(store: Store, workspace: Workspace, name: str, *, open_tracking: bool) -> None:
    if isinstance(store.workspaces, FakeWorkspaces):
        store.workspaces.memory.sending.tracking_templates[workspace.workspace_id] += open_tracking
        return
    row = {
        "workspace_id": workspace.workspace_id,
        "number": next(_numbers),
        "trigger_key": name,
        "trigger_name": name,
        "name": name,
        "description": "",
        "content_version": 1,
        "send_to_unsubscribed": True,
        "open_tracking": open_tracking,
        "link_tracking": True,
        "hide_body": False,
        "queue_drafts": False,
        "created_at": store.clock(),
        "updated_at": store.clock(),
    }
    store.sql_database.writing(lambda connection: connection.execute(sa.insert(template), row))


def set_fingerprint(store: Store, fingerprint: str | None) -> None:
    """The root key that the first sender left in the database."""
    if isinstance(store.workspaces, FakeWorkspaces):
        store.workspaces.memory.sending.root_key_fingerprint = fingerprint
        return
    statement = sa.update(store_identity).values(root_key_fingerprint=fingerprint)
    store.sql_database.writing(lambda connection: connection.execute(statement).rowcount)
