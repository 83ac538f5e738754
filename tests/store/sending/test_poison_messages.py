"""A delivery that cannot be read holds up no other, and a claim is limited in memory."""

from collections.abc import Mapping
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.store.fixtures import WorkspaceEnv
from tests.store.sending_builders import HANDOVER, Sender, accept, attempts, delivery
from workspace_operator.sending.deliveries import DeliveryState
from workspace_operator.store.schema.sending_tables import attempt, delivery_content
from workspace_operator.store.schema.sending_tables import delivery as delivery_table

MIB = 1024 * 1024


def damage(env: WorkspaceEnv, delivery_id: str, values: Mapping[str, object]) -> None:
    """Write columns of a delivery."""
    update = sa.update(delivery_table).where(delivery_table.c.delivery_id == delivery_id).values(values)
    env.store.sql_database.writing(lambda connection: connection.execute(update).rowcount)


def forget(env: WorkspaceEnv, table: sa.Table, delivery_id: str) -> None:
    """Delete the rows of a delivery in another table."""
    delete = sa.delete(table).where(table.c.delivery_id == delivery_id)
    env.store.sql_database.writing(lambda connection: connection.execute(delete).rowcount)


def claimed_ids(sender: Sender) -> list[str]:
    return [queued.message.delivery_id for queued in sender.claim()]


@pytest.mark.parametrize(
    "values",
    [{"channel": "pigeon"}, {"recipient": "no address"}, {"recipient": "", "is_copy": True}, {"cc": "<<"}],
)
def test_unreadable_message_fails_alone(sql_env: WorkspaceEnv, values: Mapping[str, object]) -> None:
    sql_env.add("1")
    broken, sound = accept(sql_env), accept(sql_env)
    damage(sql_env, broken, values)
    sender = Sender(sql_env)
    sender.take_room()

    assert claimed_ids(sender) == [sound]
    damage(sql_env, broken, {"channel": "email"})
    stored = delivery(sql_env, broken)
    assert (stored.state, stored.due_at) == (DeliveryState.FAILED, None)
    assert stored.failure is not None
    assert stored.failure.startswith("its stored message cannot be read: ")


def test_message_without_content_fails_alone(sql_env: WorkspaceEnv) -> None:
    sql_env.add("1")
    forgotten, sound = accept(sql_env), accept(sql_env)
    forget(sql_env, delivery_content, forgotten)
    sender = Sender(sql_env)
    sender.take_room()

    assert claimed_ids(sender) == [sound]
    stored = delivery(sql_env, forgotten)
    assert (stored.state, stored.failure) == (DeliveryState.FAILED, "its content was forgotten")
    assert stored.due_at is None


def test_hand_over_without_an_attempt_fails_alone(sql_env: WorkspaceEnv) -> None:
    sql_env.add("1")
    begun = accept(sql_env)
    sender = Sender(sql_env)
    sender.begin_all()
    sender.in_hand.clear()
    forget(sql_env, attempt, begun)
    sql_env.store.clock.advance((HANDOVER + timedelta(seconds=6)).total_seconds())
    sound = accept(sql_env)

    assert claimed_ids(sender) == [sound]
    assert delivery(sql_env, begun).state is DeliveryState.FAILED
    assert attempts(sql_env, begun) == []


def test_claim_is_limited_by_its_attachments(sql_env: WorkspaceEnv) -> None:
    sql_env.add("1")
    small = [accept(sql_env, attachments=[("a", "text/plain", b"x" * (2 * MIB))]) for _ in range(6)]
    sender = Sender(sql_env)
    sender.take_room()

    assert claimed_ids(sender) == small[:4]
    assert claimed_ids(sender) == small[4:]
    assert claimed_ids(sender) == []


def test_message_with_many_attachments_is_claimed_alone(sql_env: WorkspaceEnv) -> None:
    sql_env.add("1")
    files = [(str(number), "text/plain", b"x" * (3 * MIB)) for number in range(3)]
    large, small = accept(sql_env, attachments=files), accept(sql_env)
    sender = Sender(sql_env)
    sender.take_room()

    assert claimed_ids(sender) == [large]
    assert claimed_ids(sender) == [small]
