"""The contract of the port SendingQueue: rooms, claims, attempts and what follows from them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.store.fixtures import WorkspaceEnv, destroy
from tests.store.merge_builders import merge
from tests.store.sending_builders import (
    ROOM_LEASE,
    Sender,
    accept,
    attempts,
    deferred,
    delivery,
    ended,
    gate_record,
    message,
    new_attempt,
    states,
)
from workspace_operator.application.ports import AddressBlock, BlockKind, RefusedMessages, SendingTransaction
from workspace_operator.errors import NotFound, StaleRevision
from workspace_operator.sending.deliveries import AttemptOutcome, DeliveryState, Metric
from workspace_operator.sending.rules import SendMode
from workspace_operator.sending.transports import TransportOffer
from workspace_operator.store.repositories.sending import queue as queue_module


def test_held_message_is_over(env: WorkspaceEnv) -> None:
    env.add("1")
    delivery_id = accept(env, keep_content=False)
    sender, now = Sender(env), env.store.clock()
    sender.take_room()
    sender.claim()
    gate = gate_record(SendMode.NEVER, rule=4)

    sender.run(lambda each: each.hold(delivery_id, DeliveryState.UNDELIVERABLE, "it is disabled", gate, now=now))

    stored = delivery(env, delivery_id)
    assert (stored.state, stored.due_at, stored.failure) == (DeliveryState.UNDELIVERABLE, None, "it is disabled")
    assert (stored.gate, stored.metrics[Metric.UNDELIVERABLE]) == (gate, now)
    with pytest.raises(NotFound):
        env.store.deliveries.message(env.workspace_id, delivery_id)


def test_held_message_keeps_an_earlier_decision(env: WorkspaceEnv) -> None:
    env.add("1")
    delivery_id = accept(env)
    sender = Sender(env)
    sender.begin_all()
    sender.end(deferred(env, delivery_id))
    now = env.store.clock()

    sender.run(lambda each: each.hold(delivery_id, DeliveryState.FAILED, "a template error", None, now=now))

    assert delivery(env, delivery_id).gate == gate_record()


def test_postponed_message_is_due_later(env: WorkspaceEnv) -> None:
    env.add("1")
    first, second = accept(env), accept(env)
    sender, now = Sender(env), env.store.clock()
    sender.take_room()

    def work(transaction: SendingTransaction) -> None:
        transaction.postpone(first, now + timedelta(seconds=60), now=now)
        transaction.postpone(second, None, now=now)

    sender.run(work)

    assert sender.claim() == []
    assert sender.release() == now + timedelta(seconds=60)
    assert delivery(env, second).state is DeliveryState.WAITING


def test_what_was_written_before_a_claim_counts_in_it(env: WorkspaceEnv) -> None:
    env.add("1")
    first, second = accept(env), accept(env)
    sender, now = Sender(env), env.store.clock()
    sender.take_room()

    def work(transaction: SendingTransaction) -> list[str]:
        transaction.hold(first, DeliveryState.FAILED, "no", None, now=now)
        return [each.message.delivery_id for each in transaction.claim(9, exclude=frozenset(), now=now)]

    assert sender.run(work) == [second]


def test_failed_transaction_leaves_everything(env: WorkspaceEnv) -> None:
    env.add("1")
    delivery_id = accept(env)
    sender = Sender(env)
    sender.take_room()
    [queued] = sender.claim()

    def work(transaction: SendingTransaction) -> None:
        transaction.begin_attempts([new_attempt(env, queued)], now=env.store.clock())
        raise KeyError

    with pytest.raises(KeyError):
        sender.run(work)

    assert delivery(env, delivery_id).state is DeliveryState.WAITING
    assert attempts(env, delivery_id) == []


@pytest.mark.parametrize(("rendered", "recorded"), [("Your receipt 17", "Your receipt 17"), (None, "Hello")])
def test_handover_records_the_rendered_subject(env: WorkspaceEnv, rendered: str | None, recorded: str) -> None:
    env.add("1")
    delivery_id, untouched = accept(env), accept(env)
    sender = Sender(env)
    sender.take_room()
    queued, _ = sender.claim()

    sender.run(lambda it: it.begin_attempts([new_attempt(env, queued, subject=rendered)], now=env.store.clock()))

    assert delivery(env, delivery_id).subject == recorded
    assert delivery(env, untouched).subject == "Hello"


@pytest.mark.parametrize("change", ["cancel", "suppress", "merge away", "begin elsewhere", "end elsewhere"])
def test_changed_delivery_does_not_begin(env: WorkspaceEnv, change: str) -> None:
    primary, _ = env.add("2"), env.add("1")
    delivery_id, untouched = accept(env), accept(env, reference=env.reference(id="2"))
    sender, thief = Sender(env), Sender(env, "thief")
    sender.take_room()
    queued = sender.claim()
    match change:
        case "cancel":
            env.store.deliveries.cancel(env.workspace_id, delivery_id, now=env.store.clock())
        case "suppress":
            env.suppress(id="1")
        case "merge away":
            merge_into(env, primary, "1")
        case _:
            [own] = [each for each in queued if each.message.delivery_id == delivery_id]
            env.store.clock.advance(ROOM_LEASE.total_seconds())
            thief.take_room()
            thief.begin(own)
            if change == "end elsewhere":
                thief.end(deferred(env, delivery_id, seconds=0))
            thief.release()
            sender.take_room()

    assert sender.begin(*queued) == {untouched}


def merge_into(env: WorkspaceEnv, primary: str, secondary_id: str) -> None:
    secondary = env.find(id=secondary_id)
    assert secondary is not None
    merge(env, primary, secondary.cio_id)


def test_people_are_read_for_the_gate(env: WorkspaceEnv) -> None:
    subscribed, unsubscribed = env.add("1"), env.add("2", unsubscribed=True)
    accept(env)
    sender = Sender(env)
    sender.take_room()

    found = sender.run(lambda each: each.recipients([subscribed, unsubscribed, "0" * 24]))

    assert {cio_id: each.is_unsubscribed for cio_id, each in found.items()} == {subscribed: False, unsubscribed: True}
    assert not any(each.is_suppressed for each in found.values())


def test_addresses_are_blocked_by_suppression_and_by_block(env: WorkspaceEnv) -> None:
    env.add("1")
    accept(env)
    env.suppress(email="sup@shop.example")
    block = AddressBlock(kind=BlockKind.SPAM, email_key="spam@shop.example", since=env.store.clock(), reason="")
    env.store.address_blocks.add(env.workspace_id, [block])
    keys = ["sup@shop.example", "spam@shop.example", "free@shop.example"]
    sender = Sender(env)
    sender.take_room()

    assert sender.run(lambda each: each.blocked(keys)) == set(keys[:2])
    assert env.store.address_blocks.blocked(env.workspace_id, keys) == set(keys[:2])
    assert sender.run(lambda each: each.blocked([])) == frozenset()


def test_batch_is_written_at_once(env: WorkspaceEnv) -> None:
    env.add("1")
    ids = [accept(env) for _ in range(6)]
    sender = Sender(env)
    assert sender.begin_all() == sorted(ids)

    sender.end(*(ended(each, rendered={"n": each}) for each in ids[:5]), deferred(env, ids[5]))

    assert states(env) == [DeliveryState.WAITING, *[DeliveryState.SENT] * 5]
    assert env.store.deliveries.archived(env.workspace_id, ids[2]).fields == {"n": ids[2]}


OFFER = TransportOffer(name="default", sender_domains=frozenset({"shop.example"}), namespaces=frozenset({"*"}))


def test_first_sender_leaves_its_key(env: WorkspaceEnv) -> None:
    queue, now = env.store.sending_queue, env.store.clock()
    env.add("1")
    accept(env)
    sender = Sender(env)
    sender.take_room()
    queue.adopt_database("key 1", discard_waiting=False, now=now)

    same, other = queue.register_sender("s1", [OFFER], "key 1", now=now), queue.register_sender("s2", [], "k2", now=now)

    assert (same, other) == (True, False)
    assert sender.run(lambda each: each.root_key_fingerprint) == "key 1"
    assert [(each.worker, each.offers, each.has_database_key) for each in queue.senders()] == [
        ("s1", (OFFER,), True),
        ("s2", (), False),
    ]
    env.store.clock.advance(5)
    assert queue.register_sender("s1", [], "key 1", now=env.store.clock())
    assert [(each.offers, each.beat_at) for each in queue.senders() if each.worker == "s1"] == [((), env.store.clock())]


def test_refusals_are_those_of_the_newest_heartbeat(env: WorkspaceEnv) -> None:
    queue, now = env.store.sending_queue, env.store.clock()
    refused = RefusedMessages(transport="default", hour=now.replace(minute=0, microsecond=0), code=550, count=3)

    seen = []
    for refusals in ([], [refused], [refused, replace(refused, code=554)], []):
        queue.register_sender("s1", [OFFER], "key 1", refusals=refusals, now=now)
        seen.append([list(each.refusals) for each in queue.senders()])

    assert seen == [[[]], [[refused]], [[refused, replace(refused, code=554)]], [[]]]


def test_key_of_the_first_sender_is_that_of_the_database(sql_env: WorkspaceEnv) -> None:
    queue, now = sql_env.store.sending_queue, sql_env.store.clock()

    registered = [queue.register_sender(worker, [], f"key of {worker}", now=now) for worker in ("s1", "s2", "s1")]

    assert registered == [True, False, True]


def test_adopted_database_discards_what_waits(env: WorkspaceEnv) -> None:
    env.add("1")
    begun = accept(env)
    sender = Sender(env)
    sender.begin_all()
    waiting, draft = accept(env, send_at=env.store.clock() + timedelta(days=1)), accept(env, is_draft=True)

    cancelled = env.store.sending_queue.adopt_database("key 3", discard_waiting=True, now=env.store.clock())

    assert cancelled == 1
    found = {each: delivery(env, each) for each in (begun, waiting, draft)}
    assert [each.state for each in found.values()] == [
        DeliveryState.FAILED,
        DeliveryState.CANCELLED,
        DeliveryState.DRAFTED,
    ]
    assert all(each.due_at is None for each in found.values())
    assert env.store.sending_queue.register_sender("s", [], "key 3", now=env.store.clock())


def test_discarded_message_stays_so_when_its_hand_over_ends(env: WorkspaceEnv) -> None:
    env.add("1")
    begun = accept(env, keep_content=False)
    sender = Sender(env)
    sender.begin_all()
    env.store.sending_queue.adopt_database("key 3", discard_waiting=True, now=env.store.clock())

    sender.end(deferred(env, begun))

    assert (delivery(env, begun).state, delivery(env, begun).due_at) == (DeliveryState.FAILED, None)
    assert [attempt.outcome for attempt in attempts(env, begun)] == [AttemptOutcome.DEFERRED]


def test_outcome_needs_no_lease(env: WorkspaceEnv) -> None:
    env.add("1")
    begun = accept(env)
    sender = Sender(env)
    sender.begin_all()
    lease = sender.lease
    assert lease is not None
    sender.release()

    env.store.sending_queue.end_attempts(lease, [ended(begun)], now=env.store.clock())

    assert delivery(env, begun).state is DeliveryState.SENT
    destroy(env.store, env.owner)
    with pytest.raises(StaleRevision):
        env.store.sending_queue.end_attempts(lease, [ended(begun)], now=env.store.clock())


def test_sender_that_is_gone_is_forgotten(env: WorkspaceEnv) -> None:
    queue = env.store.sending_queue
    queue.register_sender("s1", [], "key", now=env.store.clock())
    env.store.clock.advance(25 * 3600)

    queue.register_sender("s2", [], "key", now=env.store.clock())

    assert [each.worker for each in queue.senders()] == ["s2"]


def test_oldest_message_of_all_workspaces_is_known(env: WorkspaceEnv) -> None:
    other, queue = WorkspaceEnv.create(env.store, env.mode), env.store.sending_queue
    assert queue.oldest_due_at() is None
    env.add("1")
    other.add("1")
    accept(env, send_at=env.store.clock() + timedelta(seconds=9))
    first = env.store.clock() + timedelta(seconds=5)
    accept(other, send_at=first)

    assert queue.oldest_due_at() == first


def test_message_of_nobody_is_not_sent(env: WorkspaceEnv) -> None:
    assert message(env).reference == env.reference(id="1")
    env.add("1")
    env.suppress(id="1")
    accept(env)

    assert not Sender(env).take_room()


def test_interrupted_adoption_has_the_new_key_and_is_repeated(
    sql_env: WorkspaceEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue, now = sql_env.store.sending_queue, sql_env.store.clock()
    sql_env.add("1")
    accept(sql_env)
    queue.adopt_database("old", discard_waiting=False, now=now)
    with monkeypatch.context() as patched:
        patched.setattr(queue_module, "discard_waiting_messages", interrupt)
        with pytest.raises(KeyboardInterrupt):
            queue.adopt_database("new", discard_waiting=True, now=now)

    assert not queue.register_sender("s1", [], "old", now=now)
    assert queue.adopt_database("new", discard_waiting=True, now=now) == 1


def interrupt(*_: object, **__: object) -> int:
    raise KeyboardInterrupt
