"""Messages sent are counted by workspace and month, once, with the end of their attempts (accounts §5)."""

from datetime import UTC, datetime

import pytest

from tests.store.backends import Store
from tests.store.fixtures import WorkspaceEnv
from tests.store.sending_builders import Sender, accept, deferred, ended
from workspace_operator.errors import StaleRevision
from workspace_operator.identity.values.rules import Mode
from workspace_operator.sending.deliveries import AttemptOutcome, DeliveryState
from workspace_operator.workspaces.usage import month_of


def sent(env: WorkspaceEnv) -> int:
    """The messages that the workspace sent this month."""
    month = month_of(env.store.clock())
    return env.store.message_counters.messages_sent([env.workspace_id], month)[env.workspace_id]


def send(env: WorkspaceEnv) -> str:
    """Send one message; its id."""
    delivery_id, sender = accept(env), Sender(env)
    sender.begin_all()
    sender.end(ended(delivery_id))
    sender.release()
    return delivery_id


def test_sent_messages_are_counted(env: WorkspaceEnv) -> None:
    env.add("1")
    assert sent(env) == 0
    first, second, sender = accept(env), accept(env), Sender(env)
    sender.begin_all()

    sender.end(ended(first), ended(second))

    assert sent(env) == 2
    sender.release()
    send(env)
    assert sent(env) == 3


def test_only_sent_messages_are_counted(env: WorkspaceEnv) -> None:
    env.add("1")
    first, second, third, sender = accept(env), accept(env), accept(env), Sender(env)
    sender.begin_all()

    sender.end(
        deferred(env, first),
        ended(second, outcome=AttemptOutcome.BOUNCED, state=DeliveryState.BOUNCED, code=550),
        ended(third, outcome=AttemptOutcome.UNKNOWN, state=DeliveryState.WAITING, due_at=env.store.clock()),
    )

    assert sent(env) == 0


def test_attempt_that_has_ended_is_not_counted_again(env: WorkspaceEnv) -> None:
    env.add("1")
    delivery_id, sender = accept(env), Sender(env)
    sender.begin_all()
    sender.end(ended(delivery_id))

    sender.end(ended(delivery_id))

    assert sent(env) == 1


def test_message_of_a_deleted_person_is_counted(env: WorkspaceEnv) -> None:
    env.add("1")
    delivery_id, sender = accept(env), Sender(env)
    sender.begin_all()
    env.delete(id="1")

    sender.end(ended(delivery_id))

    assert sent(env) == 1


def test_sender_without_the_lease_counts_too(env: WorkspaceEnv) -> None:
    env.add("1")
    delivery_id, late, other = accept(env), Sender(env), Sender(env, worker="sender-2")
    late.begin_all()
    assert late.lease is not None
    env.store.clock.advance(21)
    assert other.take_room()
    with pytest.raises(StaleRevision):
        late.end(ended(delivery_id))
    assert sent(env) == 0

    env.store.sending_queue.end_attempts(late.lease, [ended(delivery_id)], now=env.store.clock())

    assert sent(env) == 1


def test_month_is_that_of_the_end_of_the_attempt(env: WorkspaceEnv) -> None:
    env.add("1")
    env.store.clock.now = datetime(2026, 11, 30, 23, 59, 50, tzinfo=UTC)
    delivery_id, sender = accept(env), Sender(env)
    sender.begin_all()
    env.store.clock.now = datetime(2026, 12, 1, tzinfo=UTC)

    sender.end(ended(delivery_id))

    counters = env.store.message_counters
    assert counters.messages_sent([env.workspace_id], month_of(datetime(2026, 11, 30, tzinfo=UTC))) == {
        env.workspace_id: 0
    }
    assert sent(env) == 1


def test_workspaces_are_counted_apart(store: Store) -> None:
    crm, club = WorkspaceEnv.create(store, Mode.EMAIL_OR_ID), WorkspaceEnv.create(store, Mode.EMAIL_OR_ID)
    for each in (crm, club):
        each.add("1")
    send(crm)

    month = month_of(store.clock())
    assert store.message_counters.messages_sent([crm.workspace_id, club.workspace_id, 999], month) == {
        crm.workspace_id: 1,
        club.workspace_id: 0,
        999: 0,
    }
