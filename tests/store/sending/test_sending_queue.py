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
from workspace_operator.application.ports import AddressBlock, BlockKind, TemplateContent, TemplateDraft
from workspace_operator.application.ports.sending import SendingTransaction
from workspace_operator.errors import NotFound, StaleRevision
from workspace_operator.sending.deliveries import AttemptOutcome, DeliveryState, Metric
from workspace_operator.sending.messages import MessageContent
from workspace_operator.sending.overrides import Overrides, StoredRequest
from workspace_operator.sending.rules import SendMode
from workspace_operator.sending.transports import TransportOffer


def test_room_without_messages_is_not_leased(env: WorkspaceEnv) -> None:
    assert not Sender(env).take_room()


def test_room_is_due_when_its_first_message_is(env: WorkspaceEnv) -> None:
    env.add("1")
    accept(env, send_at=env.store.clock() + timedelta(minutes=10))
    accept(env, send_at=env.store.clock() + timedelta(minutes=5))
    accept(env, send_at=env.store.clock() + timedelta(minutes=7))
    sender = Sender(env)
    assert not sender.take_room()

    env.store.clock.advance(300)

    assert sender.take_room()
    assert sender.lease is not None
    assert (sender.lease.workspace_id, sender.lease.namespace) == (env.workspace_id, env.owner.namespace)


def test_room_has_one_sender_until_the_lease_ends(env: WorkspaceEnv) -> None:
    env.add("1")
    accept(env)
    first, second = Sender(env, "s1"), Sender(env, "s2")
    assert first.take_room()
    assert not second.take_room()

    env.store.clock.advance(ROOM_LEASE.total_seconds())

    assert second.take_room()
    with pytest.raises(StaleRevision):
        first.claim()
    with pytest.raises(StaleRevision):
        first.release()


def test_transaction_renews_the_lease(env: WorkspaceEnv) -> None:
    env.add("1")
    accept(env)
    sender = Sender(env, "s1")
    sender.take_room()
    env.store.clock.advance(15)

    sender.claim()
    env.store.clock.advance(15)

    assert not Sender(env, "s2").take_room()


def test_rooms_take_turns(env: WorkspaceEnv) -> None:
    other = WorkspaceEnv.create(env.store, env.mode)
    env.add("1")
    other.add("1")
    accept(env)
    env.store.clock.advance(1)
    accept(other)
    leased = []

    for _ in range(3):
        env.store.clock.advance(1)
        sender = Sender(env)
        sender.take_room()
        leased.append(sender.lease.workspace_id if sender.lease else None)
        sender.release()

    assert leased == [env.workspace_id, other.workspace_id, env.workspace_id]


def test_released_room_is_due_with_its_next_message(env: WorkspaceEnv) -> None:
    env.add("1")
    sender, now = Sender(env), env.store.clock()
    first = accept(env)
    accept(env, send_at=now + timedelta(minutes=5))
    assert sender.begin_all() == [first]
    sender.end(ended(first))

    assert sender.release() == now + timedelta(minutes=5)
    assert not sender.take_room()


def test_released_room_without_messages_is_idle(env: WorkspaceEnv) -> None:
    env.add("1")
    sender = Sender(env)
    first = accept(env)
    sender.begin_all()
    sender.end(ended(first))

    assert sender.release() is None
    env.store.clock.advance(10**6)
    assert not sender.take_room()
    accept(env)
    assert sender.take_room()


def test_room_is_given_back_until_a_time(env: WorkspaceEnv) -> None:
    env.add("1")
    accept(env)
    sender = Sender(env)
    sender.take_room()
    later = env.store.clock() + timedelta(seconds=3)

    assert sender.release(not_before=later) == later
    assert not sender.take_room()


def test_deleted_workspace_has_no_room(env: WorkspaceEnv) -> None:
    env.add("1")
    accept(env)
    sender = Sender(env)
    sender.take_room()

    destroy(env.store, env.owner)

    with pytest.raises(StaleRevision):
        sender.claim()
    with pytest.raises(StaleRevision):
        sender.release()
    assert not sender.take_room()


def test_claim_takes_what_is_due_first(env: WorkspaceEnv) -> None:
    env.add("1")
    now = env.store.clock()
    late, early = accept(env, send_at=now + timedelta(seconds=2)), accept(env, send_at=now + timedelta(seconds=1))
    accept(env, send_at=now + timedelta(seconds=60))
    last = accept(env, send_at=now + timedelta(seconds=3))
    env.store.clock.advance(5)
    sender = Sender(env)
    sender.take_room()

    first, rest = sender.claim(2), sender.claim()

    assert [each.message.delivery_id for each in first] == [early, late]
    assert [each.message.delivery_id for each in rest] == [last]


def test_claim_reads_person_and_message(env: WorkspaceEnv) -> None:
    cio_id = env.add("1", "ann@shop.example", plan="free", visits=3)
    accept(env, attachments=[("a.txt", "text/plain", b"a")], keep_content=False)
    sender = Sender(env)
    sender.take_room()

    [queued] = sender.claim()

    assert (queued.cio_id, queued.next_attempt, queued.tries, queued.unknowns) == (cio_id, 1, 0, 0)
    assert (queued.first_tried_at, queued.keep_content) == (None, False)
    assert queued.customer == {"plan": "free", "visits": 3, "id": "1", "email": "ann@shop.example", "cio_id": cio_id}
    assert queued.message == env.store.deliveries.message(env.workspace_id, queued.message.delivery_id)


@pytest.mark.parametrize(("language", "body"), [("de", "Hallo"), ("fr", "Hello"), ("", "Hello")])
def test_claim_reads_the_template_as_it_was_accepted(env: WorkspaceEnv, language: str, body: str) -> None:
    env.add("1")
    [(template, _)] = env.store.templates.apply(env.workspace_id, [_template("Hello", "Hallo")], now=env.store.clock())
    request = StoredRequest(overrides=Overrides(preheader="Look"), message_data={}).document()
    accept(env, template=template.number, content_version=1, language=language, request=request)
    env.store.templates.apply(env.workspace_id, [_template("Bye", "Ade")], now=env.store.clock())
    sender = Sender(env)
    sender.take_room()

    [queued] = sender.claim()

    assert queued.message.content == MessageContent(subject="Hi", body=body, preheader="Look", headers=(("X-A", "1"),))


def _template(*bodies: str) -> TemplateDraft:
    contents = {
        language: TemplateContent(content=MessageContent(subject="Hi", body=body, headers=(("X-A", "1"),)))
        for language, body in zip(("", "de"), bodies, strict=True)
    }
    return TemplateDraft(trigger_name="hello", name="Hello", contents=contents)


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
