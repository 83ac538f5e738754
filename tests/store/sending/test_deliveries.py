"""The contract of the port Deliveries: queries, actions, and what recipients do with messages."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.store.fixtures import WorkspaceEnv
from tests.store.sending_builders import Sender, accept, attempts, deferred, delivery, ended
from workspace_operator.application.ports import Activity, DeliveryQuery
from workspace_operator.errors import Conflict, NotFound
from workspace_operator.identity.model.person_events import ActivityType
from workspace_operator.sending.deliveries import DeliveryState, Metric
from workspace_operator.sending.rules import SendMode

LONG_AGO = timedelta(days=200)


def listed(env: WorkspaceEnv, **query: Any) -> list[str]:
    found = env.store.deliveries.list(env.workspace_id, DeliveryQuery(**{"limit": 100, **query}))
    return [record.delivery.delivery_id for record in found]


def activities(env: WorkspaceEnv) -> list[Activity]:
    found = env.store.person_records.activities(env.workspace_id, limit=100)
    return [each for each in found if each.type in {ActivityType.OPENED_EMAIL, ActivityType.CLICKED_EMAIL}]


def test_newest_deliveries_come_first(env: WorkspaceEnv) -> None:
    env.add("1")
    ids = [accept(env) for _ in range(5)]

    first = listed(env, limit=2)
    second = listed(env, limit=2, before=first[-1])

    assert [*first, *second] == ids[:0:-1]
    assert listed(env, before=ids[0]) == []


def test_filters_are_combined(env: WorkspaceEnv) -> None:
    cio_id, other = env.add("1"), env.add("2")
    start = env.store.clock()
    one = accept(env, template=7, content_version=1)
    env.store.clock.advance(3600)
    two = accept(env, template=7, content_version=1, reference=env.reference(id="2"))
    draft = accept(env, is_draft=True, reference=env.reference(id="2"))

    assert listed(env, cio_id=cio_id) == [one]
    assert listed(env, cio_id=other) == [draft, two]
    assert listed(env, template=7) == [two, one]
    assert listed(env, template=7, cio_id=other) == [two]
    assert listed(env, drafts=True) == listed(env, metric=Metric.DRAFTED) == [draft]
    assert listed(env, drafts=False) == [two, one]
    assert listed(env, states=frozenset({DeliveryState.DRAFTED, DeliveryState.SENT})) == [draft]
    assert listed(env, since=start + timedelta(seconds=1)) == [draft, two]
    assert listed(env, until=start + timedelta(seconds=1)) == [one]
    assert listed(env, since=start, until=start) == []


def test_delivery_shows_who_its_person_is_now(env: WorkspaceEnv) -> None:
    env.add("1", "ann@shop.example")
    delivery_id = accept(env)

    env.identify_person(id="1", body={"email": "new@shop.example"})

    assert env.store.deliveries.get(env.workspace_id, delivery_id).email == "new@shop.example"


@pytest.mark.parametrize("name", ["get", "message", "attempts", "archived"])
def test_unknown_delivery_is_not_found(env: WorkspaceEnv, name: str) -> None:
    other = WorkspaceEnv.create(env.store, env.mode)
    other.add("1")
    elsewhere = accept(other)

    for delivery_id in ("0" * 24, elsewhere):
        with pytest.raises(NotFound, match=delivery_id):
            getattr(env.store.deliveries, name)(env.workspace_id, delivery_id)


@pytest.mark.parametrize("name", ["cancel", "send_draft"])
def test_unknown_delivery_cannot_be_changed(env: WorkspaceEnv, name: str) -> None:
    with pytest.raises(NotFound, match="0000"):
        getattr(env.store.deliveries, name)(env.workspace_id, "0" * 24, now=env.store.clock())


def test_deliveries_of_an_unknown_workspace_are_not_found(env: WorkspaceEnv) -> None:
    unknown, deliveries = env.workspace_id + 999, env.store.deliveries

    for read in (
        lambda: deliveries.list(unknown, DeliveryQuery(limit=1)),
        lambda: deliveries.rules(unknown),
        lambda: deliveries.counts(unknown, now=env.store.clock()),
    ):
        with pytest.raises(NotFound):
            read()


@pytest.mark.parametrize("is_draft", [True, False])
def test_cancelled_message_is_never_due(env: WorkspaceEnv, is_draft: bool) -> None:
    env.add("1")
    delivery_id = accept(env, is_draft=is_draft)

    cancelled = env.store.deliveries.cancel(env.workspace_id, delivery_id, now=env.store.clock())

    assert cancelled == delivery(env, delivery_id)
    assert (cancelled.state, cancelled.due_at, cancelled.is_final) == (DeliveryState.CANCELLED, None, True)
    sender = Sender(env)
    assert not sender.take_room() or sender.claim() == []


def test_message_under_way_cannot_be_cancelled(env: WorkspaceEnv) -> None:
    env.add("1")
    delivery_id = accept(env)
    Sender(env).begin_all()

    with pytest.raises(Conflict, match="handing over"):
        env.store.deliveries.cancel(env.workspace_id, delivery_id, now=env.store.clock())


def test_draft_is_accepted_when_it_is_sent(env: WorkspaceEnv) -> None:
    env.add("1")
    delivery_id = accept(env, is_draft=True)
    env.update_settings(send_mode=SendMode.TEST, test_address="qa@shop.example")
    env.store.clock.advance(60)

    sent = env.store.deliveries.send_draft(env.workspace_id, delivery_id, now=env.store.clock())

    assert sent == delivery(env, delivery_id)
    assert (sent.state, sent.accepted_mode) == (DeliveryState.WAITING, SendMode.TEST)
    assert sent.due_at == env.store.clock()
    [queued] = _claimed(env)
    assert (queued.message.is_draft, queued.message.due_at) == (False, env.store.clock())
    with pytest.raises(Conflict, match="no draft"):
        env.store.deliveries.send_draft(env.workspace_id, delivery_id, now=env.store.clock())


def _claimed(env: WorkspaceEnv) -> list[Any]:
    sender = Sender(env)
    assert sender.take_room()
    return list(sender.claim())


def test_open_is_counted_and_logged(env: WorkspaceEnv) -> None:
    cio_id = env.add("1")
    delivery_id, first = accept(env), env.store.clock()

    for _ in range(2):
        env.store.deliveries.record_open(
            env.workspace_id, delivery_id, by_machine=False, is_test=False, now=env.store.clock()
        )
        env.store.clock.advance(60)

    stored = delivery(env, delivery_id)
    assert (stored.opens, stored.machine_opens, stored.metrics[Metric.OPENED]) == (2, 0, first)
    assert [(each.type, each.cio_id, each.data) for each in activities(env)] == [
        (ActivityType.OPENED_EMAIL, cio_id, {"delivery_id": delivery_id})
    ] * 2


def test_open_by_a_program_is_no_activity(env: WorkspaceEnv) -> None:
    env.add("1")
    delivery_id = accept(env)

    env.store.deliveries.record_open(
        env.workspace_id, delivery_id, by_machine=True, is_test=False, now=env.store.clock()
    )

    stored = delivery(env, delivery_id)
    assert (stored.opens, stored.machine_opens, Metric.OPENED in stored.metrics) == (0, 1, False)
    assert activities(env) == []


def test_click_is_counted_and_logged(env: WorkspaceEnv) -> None:
    cio_id = env.add("1")
    delivery_id, url = accept(env), "https://shop.example/a"

    env.store.deliveries.record_click(env.workspace_id, delivery_id, url=url, is_test=False, now=env.store.clock())

    stored = delivery(env, delivery_id)
    assert (stored.clicks, stored.metrics[Metric.CLICKED]) == (1, env.store.clock())
    assert [(each.type, each.cio_id, each.data) for each in activities(env)] == [
        (ActivityType.CLICKED_EMAIL, cio_id, {"delivery_id": delivery_id, "href": url})
    ]


def test_test_message_counts_for_nobody(env: WorkspaceEnv) -> None:
    env.add("1")
    delivery_id, deliveries, now = accept(env), env.store.deliveries, env.store.clock()

    deliveries.record_open(env.workspace_id, delivery_id, by_machine=False, is_test=True, now=now)
    deliveries.record_click(env.workspace_id, delivery_id, url="https://x.example", is_test=True, now=now)

    stored = delivery(env, delivery_id)
    assert (stored.opens, stored.clicks) == (1, 1)
    assert activities(env) == []


def test_open_is_not_counted_while_tracking_is_off(env: WorkspaceEnv) -> None:
    env.add("1")
    delivery_id = accept(env)
    env.update_settings(open_tracking=False)

    env.store.deliveries.record_open(
        env.workspace_id, delivery_id, by_machine=False, is_test=False, now=env.store.clock()
    )

    assert delivery(env, delivery_id).opens == 0


def test_person_of_a_delivery_unsubscribes(env: WorkspaceEnv) -> None:
    cio_id = env.add("1")
    delivery_id = accept(env)

    assert env.store.deliveries.unsubscribe(env.workspace_id, delivery_id, now=env.store.clock()) == cio_id
    assert delivery(env, delivery_id).metrics[Metric.UNSUBSCRIBED] == env.store.clock()


def test_unknown_delivery_counts_nothing(env: WorkspaceEnv) -> None:
    deliveries, now, unknown = env.store.deliveries, env.store.clock(), "0" * 24

    deliveries.record_open(env.workspace_id, unknown, by_machine=False, is_test=False, now=now)
    deliveries.record_open(env.workspace_id, unknown, by_machine=True, is_test=False, now=now)
    deliveries.record_click(env.workspace_id, unknown, url="https://x.example", is_test=False, now=now)

    assert deliveries.unsubscribe(env.workspace_id, unknown, now=now) is None
    assert activities(env) == []


def test_what_waits_is_counted_by_mode(env: WorkspaceEnv) -> None:
    env.add("1")
    now = env.store.clock()
    begun = accept(env)
    Sender(env).begin_all()
    accept(env, send_at=now + timedelta(minutes=9))
    accept(env, is_draft=True)
    env.update_settings(send_mode=SendMode.TEST, test_address="qa@shop.example")
    accept(env, send_at=now + timedelta(minutes=4))
    accept(env, send_at=now + timedelta(minutes=7))

    counts = env.store.deliveries.counts(env.workspace_id, now=now)
    later = env.store.deliveries.counts(env.workspace_id, now=now + timedelta(seconds=30))

    assert (counts.waiting, counts.in_flight, later.in_flight) == (3, 1, 0)
    assert counts.by_accepted_mode == {SendMode.NORMAL: 1, SendMode.TEST: 2}
    assert counts.next_due_at == now + timedelta(minutes=4)
    assert len(attempts(env, begun)) == 1


def test_nothing_waits_in_an_empty_workspace(env: WorkspaceEnv) -> None:
    counts = env.store.deliveries.counts(env.workspace_id, now=env.store.clock())

    assert (counts.waiting, counts.in_flight, counts.by_accepted_mode, counts.next_due_at) == (0, 0, {}, None)


def purge(env: WorkspaceEnv, *, limit: int = 100, content: timedelta = LONG_AGO) -> bool:
    now = env.store.clock()
    return env.store.deliveries.purge(
        content_before=now - content, deliveries_before=now - LONG_AGO, now=now, limit=limit
    )


def test_old_deliveries_are_deleted_in_batches(env: WorkspaceEnv) -> None:
    env.add("1")
    for _ in range(3):
        accept(env)
    env.store.clock.advance(LONG_AGO.total_seconds() + 1)
    new = accept(env)

    assert purge(env, limit=2)
    assert len(listed(env)) == 2
    assert not purge(env, limit=2)
    assert listed(env) == [new]


def test_old_deliveries_go_with_all_that_belongs_to_them(env: WorkspaceEnv) -> None:
    env.add("1")
    delivery_id = accept(env, attachments=[("a.txt", "text/plain", b"a")])
    sender = Sender(env)
    sender.begin_all()
    sender.end(ended(delivery_id, rendered={"a": 1}))
    env.store.clock.advance(LONG_AGO.total_seconds() + 1)

    purge(env)

    with pytest.raises(NotFound):
        delivery(env, delivery_id)


def test_old_content_of_ended_messages_is_forgotten(env: WorkspaceEnv) -> None:
    env.add("1")
    sent, waiting = accept(env), accept(env, send_at=env.store.clock() + timedelta(days=80))
    sender = Sender(env)
    sender.begin_all()
    sender.end(ended(sent, rendered={"a": 1}))
    env.store.clock.advance(40 * 24 * 3600)

    purge(env, content=timedelta(days=30))

    assert env.store.deliveries.archived(env.workspace_id, sent).forgotten
    assert delivery(env, sent).state is DeliveryState.SENT
    assert env.store.deliveries.message(env.workspace_id, waiting).content.subject == "Hello"


def test_content_is_kept_for_its_time(env: WorkspaceEnv) -> None:
    env.add("1")
    sent, later = accept(env), accept(env, send_at=env.store.clock() + timedelta(days=20))
    env.store.deliveries.cancel(env.workspace_id, later, now=env.store.clock())
    sender = Sender(env)
    sender.begin_all()
    sender.end(ended(sent, rendered={"a": 1}))
    env.store.clock.advance(29 * 24 * 3600)

    assert not purge(env, content=timedelta(days=30))
    env.store.clock.advance(10 * 24 * 3600)
    purge(env, content=timedelta(days=30))

    assert env.store.deliveries.archived(env.workspace_id, sent).forgotten
    assert env.store.deliveries.message(env.workspace_id, later).content.subject == "Hello"


def test_outcome_of_a_purged_delivery_changes_nothing(env: WorkspaceEnv) -> None:
    env.add("1")
    delivery_id = accept(env)
    sender = Sender(env)
    sender.begin_all()
    env.store.clock.advance(LONG_AGO.total_seconds() + 1)
    purge(env)

    sender.end(replace(deferred(env, delivery_id), invalid_addresses=frozenset({"ann@shop.example"})))

    assert listed(env) == []
    assert env.store.address_blocks.find(env.workspace_id, "ann@shop.example") == []
