"""Attempts begin, end, or are found without an end."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.store.fixtures import WorkspaceEnv
from tests.store.sending_builders import (
    Sender,
    accept,
    attempts,
    deferred,
    delivery,
    ended,
    gate_record,
)
from workspace_operator.application.ports import BlockKind
from workspace_operator.errors import NotFound
from workspace_operator.sending.deliveries import AttemptOutcome, DeliveryState, Metric
from workspace_operator.sending.rules import SendMode


def test_attempt_is_in_flight_until_it_ends(env: WorkspaceEnv) -> None:
    env.add("1")
    delivery_id, now = accept(env), env.store.clock()
    sender = Sender(env)

    assert sender.begin_all() == [delivery_id]

    stored = delivery(env, delivery_id)
    assert (stored.state, stored.gate) == (DeliveryState.HANDING_OVER, gate_record())
    [attempt] = attempts(env, delivery_id)
    assert (attempt.number, attempt.begun_at, attempt.deadline) == (1, now, now + timedelta(seconds=30))
    assert (attempt.send_version, attempt.mode, attempt.transport) == (
        env.workspace.send_version,
        SendMode.NORMAL,
        "default",
    )
    assert (attempt.worker, attempt.recipients, attempt.ended_at, attempt.outcome) == ("sender-1", 1, None, None)
    assert env.store.deliveries.counts(env.workspace_id, now=now).in_flight == 1
    assert sender.claim() == []


def test_attempt_records_the_version_of_the_rules(env: WorkspaceEnv) -> None:
    env.add("1")
    delivery_id, before = accept(env), env.workspace.send_version
    env.update_settings(send_mode=SendMode.TEST, test_address="qa@shop.example")
    sender = Sender(env)

    sender.begin_all()

    rules = sender.run(lambda transaction: transaction.rules)
    assert (rules.mode, rules.test_address) == (SendMode.TEST, "qa@shop.example")
    assert attempts(env, delivery_id)[0].send_version == rules.send_version > before


def test_sent_message_is_over(env: WorkspaceEnv) -> None:
    env.add("1")
    delivery_id = accept(env, attachments=[("a.txt", "text/plain", b"a")])
    sender = Sender(env)
    sender.begin_all()
    env.store.clock.advance(1)

    sender.end(ended(delivery_id, rendered={"subject": "Hello", "body": "ü" * 5000}))

    stored = delivery(env, delivery_id)
    assert (stored.state, stored.due_at, stored.tries, stored.failure) == (DeliveryState.SENT, None, 0, None)
    assert stored.metrics[Metric.SENT] == env.store.clock()
    [attempt] = attempts(env, delivery_id)
    assert (attempt.ended_at, attempt.outcome) == (env.store.clock(), AttemptOutcome.SENT)
    assert (attempt.code, attempt.reply) == (250, "2.0.0 queued")
    archived = env.store.deliveries.archived(env.workspace_id, delivery_id)
    assert (archived.forgotten, archived.fields) == (False, {"subject": "Hello", "body": "ü" * 5000})
    assert env.store.deliveries.counts(env.workspace_id, now=env.store.clock()).in_flight == 0


def test_content_that_is_not_kept_is_forgotten_at_the_end(env: WorkspaceEnv) -> None:
    env.add("1")
    delivery_id = accept(env, keep_content=False)
    sender = Sender(env)
    sender.begin_all()

    sender.end(ended(delivery_id))

    assert env.store.deliveries.archived(env.workspace_id, delivery_id).forgotten
    with pytest.raises(NotFound):
        env.store.deliveries.message(env.workspace_id, delivery_id)


def test_deferred_message_is_tried_again(env: WorkspaceEnv) -> None:
    env.add("1")
    delivery_id, begun = accept(env), env.store.clock()
    sender = Sender(env)
    sender.begin_all()
    env.store.clock.advance(1)
    sender.end(deferred(env, delivery_id))
    stored = delivery(env, delivery_id)
    assert (stored.state, stored.tries, stored.failure) == (DeliveryState.WAITING, 1, "the server refused it for now")
    assert stored.metrics[Metric.ATTEMPTED] == env.store.clock()
    assert sender.claim() == []

    env.store.clock.advance(60)
    [queued] = sender.claim()

    assert (queued.next_attempt, queued.tries, queued.first_tried_at) == (2, 1, begun)
    assert sender.begin(queued) == {delivery_id}
    sender.end(ended(delivery_id, 2))
    assert [each.outcome for each in attempts(env, delivery_id)] == [AttemptOutcome.DEFERRED, AttemptOutcome.SENT]
    assert delivery(env, delivery_id).metrics.keys() == {Metric.CREATED, Metric.ATTEMPTED, Metric.SENT}


def test_metric_keeps_its_first_time(env: WorkspaceEnv) -> None:
    env.add("1")
    delivery_id = accept(env)
    sender = Sender(env)
    for number in (1, 2):
        sender.begin_all()
        env.store.clock.advance(1)
        sender.end(deferred(env, delivery_id, number, seconds=0))

    stored = delivery(env, delivery_id)

    assert stored.metrics[Metric.ATTEMPTED] == env.store.clock() - timedelta(seconds=1)
    assert stored.tries == 2


def test_unknown_recipient_becomes_a_block(env: WorkspaceEnv) -> None:
    env.add("1")
    delivery_id = accept(env)
    sender = Sender(env)
    sender.begin_all()

    bounced = ended(delivery_id, outcome=AttemptOutcome.BOUNCED, state=DeliveryState.BOUNCED, code=550)
    sender.end(replace(bounced, invalid_addresses=frozenset({"ann@shop.example"})))

    [block] = env.store.address_blocks.find(env.workspace_id, "ann@shop.example")
    assert (block.kind, block.since) == (BlockKind.INVALID, env.store.clock())
    assert sender.run(lambda each: each.blocked(["ann@shop.example", "b@shop.example"])) == {"ann@shop.example"}


def test_attempt_of_a_dead_sender_is_unknown(env: WorkspaceEnv) -> None:
    env.add("1")
    delivery_id = accept(env)
    Sender(env, "dead").begin_all()
    env.store.clock.advance(40)
    sender = Sender(env, "alive")
    assert sender.take_room()

    assert sender.claim() == []

    [attempt] = attempts(env, delivery_id)
    assert (attempt.outcome, attempt.ended_at) == (AttemptOutcome.UNKNOWN, env.store.clock())
    stored = delivery(env, delivery_id)
    assert (stored.state, stored.tries) == (DeliveryState.WAITING, 0)
    assert stored.due_at == env.store.clock() + timedelta(minutes=5)


def test_second_unknown_outcome_is_not_repeated(env: WorkspaceEnv) -> None:
    env.add("1")
    delivery_id = accept(env)
    sender = Sender(env)
    for _ in range(2):
        sender.begin_all()
        sender.in_hand.clear()
        env.store.clock.advance(40)
        sender.claim()
        env.store.clock.advance(300)

    stored = delivery(env, delivery_id)

    assert (stored.state, stored.due_at) == (DeliveryState.FAILED, None)
    assert "may have been taken" in (stored.failure or "")
    assert [each.outcome for each in attempts(env, delivery_id)] == [AttemptOutcome.UNKNOWN] * 2


def test_late_outcome_of_an_ended_attempt_changes_nothing(env: WorkspaceEnv) -> None:
    env.add("1")
    delivery_id = accept(env)
    sender = Sender(env)
    sender.begin_all()
    sender.in_hand.clear()
    env.store.clock.advance(40)
    sender.claim()
    before = delivery(env, delivery_id)

    sender.end(ended(delivery_id))

    assert delivery(env, delivery_id) == before


def test_attempt_in_hand_is_left_to_its_sender(env: WorkspaceEnv) -> None:
    env.add("1")
    delivery_id = accept(env)
    sender = Sender(env)
    sender.begin_all()
    env.store.clock.advance(40)

    sender.claim()
    sender.end(ended(delivery_id))

    assert delivery(env, delivery_id).state is DeliveryState.SENT
