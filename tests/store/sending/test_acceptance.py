"""The contract of the port Deliveries: acceptance."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.store.fixtures import WorkspaceEnv
from tests.store.sending_builders import accept, accept_all, delivery, message, states
from workspace_operator.application.ports import Accepted, DeliveryQuery, KeyReused, PersonMissing
from workspace_operator.errors import InvalidInput, NotFound
from workspace_operator.sending.deliveries import DeliveryState, Metric
from workspace_operator.sending.rules import SendMode
from workspace_operator.store.repositories.sending.deliveries import SQLDeliveries
from workspace_operator.store.unit_of_work.id_generator import CioIDGenerator


def test_message_waits_for_its_person(env: WorkspaceEnv) -> None:
    cio_id = env.add("1", "ann@shop.example")

    [result] = accept_all(env, message(env))

    assert isinstance(result, Accepted)
    assert (result.queued_at, result.mode, result.replayed) == (env.store.clock(), SendMode.NORMAL, False)
    record = env.store.deliveries.get(env.workspace_id, result.delivery_id)
    assert (record.id, record.email) == ("1", "ann@shop.example")
    stored = record.delivery
    assert (stored.state, stored.cio_id, stored.accepted_mode) == (DeliveryState.WAITING, cio_id, SendMode.NORMAL)
    assert (stored.accepted_at, stored.due_at) == (env.store.clock(), env.store.clock())
    assert (stored.recipient, stored.subject, stored.failure) == ("Ann <ann@shop.example>", "Hello", None)
    assert stored.metrics == {Metric.CREATED: env.store.clock()}


def test_each_message_has_its_own_result(env: WorkspaceEnv) -> None:
    env.add("1")

    first, missing, second = accept_all(env, message(env), message(env, reference=env.reference(id="2")), message(env))

    assert isinstance(first, Accepted)
    assert missing == PersonMissing(env.reference(id="2"))
    assert isinstance(second, Accepted)
    assert len({first.delivery_id, second.delivery_id}) == len(states(env)) == 2


def test_person_is_found_by_cio_id(env: WorkspaceEnv) -> None:
    cio_id = env.add("1")

    stored = delivery(env, accept(env, reference=env.reference(cio_id=cio_id)))
    [unknown] = accept_all(env, message(env, reference=env.reference(cio_id="0" * 24)))

    assert stored.cio_id == cio_id
    assert isinstance(unknown, PersonMissing)


def test_reference_follows_the_mode_in_force(both: WorkspaceEnv) -> None:
    cio_id = both.add("1", "ann@shop.example")

    stored = delivery(both, accept(both, reference=both.reference(email="Ann@shop.example")))

    assert stored.cio_id == cio_id


def test_email_names_nobody_where_it_is_no_identifier(env: WorkspaceEnv) -> None:
    env.add("1", "ann@shop.example")

    refused, accepted = accept_all(env, message(env, reference=env.reference(email="ann@shop.example")), message(env))

    assert isinstance(refused, InvalidInput)
    assert isinstance(accepted, Accepted)


def test_suppressed_person_has_a_dropped_delivery(env: WorkspaceEnv) -> None:
    env.add("1", "ann@shop.example")
    env.suppress(id="1")

    stored = delivery(env, accept(env, attachments=[("a.txt", "text/plain", b"a")]))

    assert (stored.state, stored.cio_id, stored.due_at) == (DeliveryState.DROPPED, None, None)
    assert stored.failure == "the person is suppressed"
    assert stored.metrics.keys() == {Metric.CREATED, Metric.DROPPED}
    with pytest.raises(NotFound):
        env.store.deliveries.message(env.workspace_id, stored.delivery_id)


def test_message_keeps_the_mode_in_force(env: WorkspaceEnv) -> None:
    env.add("1")
    before = accept(env)
    env.update_settings(send_mode=SendMode.TEST, test_address="qa@shop.example")

    [result] = accept_all(env, message(env))

    assert isinstance(result, Accepted)
    assert result.mode is SendMode.TEST
    assert delivery(env, result.delivery_id).accepted_mode is SendMode.TEST
    assert delivery(env, before).accepted_mode is SendMode.NORMAL


def test_draft_is_never_due(env: WorkspaceEnv) -> None:
    env.add("1")

    stored = delivery(env, accept(env, is_draft=True))

    assert (stored.state, stored.due_at) == (DeliveryState.DRAFTED, None)
    assert stored.metrics.keys() == {Metric.CREATED, Metric.DRAFTED}
    assert env.store.sending_queue.lease_room("s", timedelta(seconds=20), now=env.store.clock()) is None


@pytest.mark.parametrize(("hours", "due_in"), [(2, 2), (-2, 0)])
def test_message_is_due_when_it_is_to_be_sent(env: WorkspaceEnv, hours: int, due_in: int) -> None:
    env.add("1")
    now = env.store.clock()

    stored = delivery(env, accept(env, send_at=now + timedelta(hours=hours)))

    assert stored.due_at == now + timedelta(hours=due_in)
    assert env.store.deliveries.message(env.workspace_id, stored.delivery_id).due_at == stored.due_at


def test_same_key_gets_the_first_answer(env: WorkspaceEnv) -> None:
    env.add("1")
    request = message(env, idempotency_key="order 7")
    [first] = accept_all(env, request)
    env.store.clock.advance(3600)

    again, other = accept_all(env, request, replace(request, request_digest="another request"))

    assert isinstance(first, Accepted)
    assert again == replace(first, replayed=True)
    assert other == KeyReused("order 7")
    assert len(states(env)) == 1


def test_same_key_in_one_transaction_is_one_message(env: WorkspaceEnv) -> None:
    env.add("1")
    request = message(env, idempotency_key="order 7")

    first, second = accept_all(env, request, request)

    assert isinstance(first, Accepted)
    assert second == replace(first, replayed=True)


def test_key_is_free_again_after_a_day(env: WorkspaceEnv) -> None:
    env.add("1")
    first = accept(env, idempotency_key="order 7")
    env.store.clock.advance(24 * 3600)

    second, third = accept(env, idempotency_key="order 7"), message(env, idempotency_key="order 7")

    assert second != first
    assert accept_all(env, third) == [KeyReused("order 7")]


def test_key_of_one_workspace_says_nothing_in_another(env: WorkspaceEnv) -> None:
    other = WorkspaceEnv.create(env.store, env.mode)
    env.add("1")
    other.add("1")

    ids = {accept(env, idempotency_key="k"), accept(other, idempotency_key="k")}

    assert len(ids) == 2


@pytest.mark.parametrize(("repeats", "seconds", "is_same"), [(True, 119, True), (True, 120, False), (False, 1, False)])
def test_marked_repeat_is_the_same_message(env: WorkspaceEnv, repeats: bool, seconds: float, is_same: bool) -> None:
    env.add("1")
    first = accept(env, request_digest="d")
    env.store.clock.advance(seconds)

    [second] = accept_all(env, message(env, request_digest="d", repeats=repeats))

    assert isinstance(second, Accepted)
    assert (second.delivery_id == first, second.replayed) == (is_same, is_same)


def test_fake_bcc_makes_copies_for_its_addresses(env: WorkspaceEnv) -> None:
    env.add("1")

    main = accept(env, bcc="bob@shop.example, Eve <eve@shop.example>", fake_bcc=True, idempotency_key="k")

    records = env.store.deliveries.list(env.workspace_id, DeliveryQuery(limit=10))
    found = {record.delivery.recipient: record.delivery for record in records}
    assert found.keys() == {"Ann <ann@shop.example>", "bob@shop.example", "Eve <eve@shop.example>"}
    assert {each.state for each in found.values()} == {DeliveryState.WAITING}
    assert found["bob@shop.example"].subject == "Hello (bcc: bob@shop.example)"
    copy = env.store.deliveries.message(env.workspace_id, found["Eve <eve@shop.example>"].delivery_id)
    assert (copy.is_copy, copy.content.subject) == (True, "Hello (bcc: eve@shop.example)")
    assert [each.key for each in copy.to] == ["eve@shop.example"]
    original = env.store.deliveries.message(env.workspace_id, main)
    assert (original.is_copy, original.bcc, original.content.subject) == (False, (), "Hello")


def test_copies_of_a_draft_are_drafts(env: WorkspaceEnv) -> None:
    env.add("1")

    accept(env, bcc="bob@shop.example", fake_bcc=True, is_draft=True)

    assert states(env) == [DeliveryState.DRAFTED, DeliveryState.DRAFTED]


def test_message_has_all_that_was_sent(env: WorkspaceEnv) -> None:
    env.add("1")
    files = [("b.txt", "text/plain", b"\x00b"), ("a.pdf", "application/pdf", b"a" * 3000)]

    delivery_id = accept(env, cc="bob@shop.example", bcc="eve@shop.example", attachments=files, tracked=False)

    found = env.store.deliveries.message(env.workspace_id, delivery_id)
    assert [each.key for each in (*found.to, *found.cc, *found.bcc)] == [
        "ann@shop.example",
        "bob@shop.example",
        "eve@shop.example",
    ]
    assert (found.tracked, found.open_tracking, found.is_draft, found.is_copy) == (False, True, False, False)
    assert (found.content.subject, found.content.body, found.data) == ("Hello", "<p>Hello</p>", {"total": 7})
    assert [(each.name, each.media_type, each.content) for each in found.attachments] == files


def test_unknown_workspace_accepts_nothing(env: WorkspaceEnv) -> None:
    with pytest.raises(NotFound):
        env.store.deliveries.accept(env.workspace_id + 999, [message(env)], now=env.store.clock())


def test_rules_are_those_in_force(env: WorkspaceEnv) -> None:
    env.update_settings(send_mode=SendMode.TEST, test_address="qa@shop.example", open_tracking=False)

    rules = env.store.deliveries.rules(env.workspace_id)

    assert (rules.mode, rules.test_address, rules.open_tracking) == (SendMode.TEST, "qa@shop.example", False)
    assert rules.send_version == env.workspace.send_version


def test_repeat_waits_for_its_original(sql_env: WorkspaceEnv) -> None:
    sql_env.add("1")
    is_under_way = threading.Event()

    class SlowIDs(CioIDGenerator):
        def __call__(self) -> str:
            is_under_way.set()
            time.sleep(0.3)
            return "0" * 24

    slow = SQLDeliveries(sql_env.store.sql_database, new_id=SlowIDs())
    original = message(sql_env, request_digest="d")
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(slow.accept, sql_env.workspace_id, [original], now=sql_env.store.clock())
        assert is_under_way.wait(10)
        repeats = [pool.submit(accept_all, sql_env, replace(original, repeats=True)) for _ in range(2)]
        results = [each.result(20)[0] for each in (first, *repeats)]

    accepted = [each for each in results if isinstance(each, Accepted)]
    assert {each.delivery_id for each in accepted} == {"0" * 24}
    assert [each.replayed for each in accepted] == [False, True, True]
