"""Mailrooms take turns, and a claim reads what is due."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.store.fixtures import WorkspaceEnv, destroy
from tests.store.sending_builders import (
    ROOM_LEASE,
    Sender,
    accept,
    ended,
)
from workspace_operator.application.ports import TemplateContent, TemplateDraft
from workspace_operator.errors import StaleRevision
from workspace_operator.reconcile.model.actions import ChangeOwner
from workspace_operator.sending.messages import MessageContent
from workspace_operator.sending.requests.overrides import Overrides, StoredRequest


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


def test_rules_that_changed_under_way_end_the_wait(env: WorkspaceEnv) -> None:
    env.add("1")
    accept(env)
    sender, now = Sender(env), env.store.clock()
    sender.take_room()
    env.update_settings(transport="other")

    assert sender.release(not_before=now + timedelta(seconds=60)) == now
    assert sender.take_room()


def test_changed_rules_wake_a_room_that_waits(sql_env: WorkspaceEnv) -> None:
    sql_env.add("1")
    accept(sql_env)
    sender = Sender(sql_env)
    sender.take_room()
    sender.release(not_before=sql_env.store.clock() + timedelta(seconds=60))

    sql_env.update_settings(transport="other")

    assert sender.take_room()


def test_new_owner_wakes_a_room_and_has_its_own_transports(sql_env: WorkspaceEnv) -> None:
    sql_env.add("1")
    accept(sql_env)
    sender = Sender(sql_env)
    sender.take_room()
    sender.release(not_before=sql_env.store.clock() + timedelta(seconds=60))

    give_to_namespace(sql_env, "other")

    assert sender.take_room()
    give_to_namespace(sql_env, "third")
    assert sender.run(lambda transaction: transaction.namespace) == "third"


def test_new_owner_in_another_namespace_has_new_rules(env: WorkspaceEnv) -> None:
    versions = [env.workspace.send_version]
    for namespace in (env.owner.namespace, "other", "other", "third"):
        give_to_namespace(env, namespace)
        versions.append(env.workspace.send_version)

    assert versions == [1, 1, 2, 2, 3]


def give_to_namespace(env: WorkspaceEnv, namespace: str) -> None:
    workspace = env.workspace
    new_owner = replace(workspace.owner, namespace=namespace)
    action = ChangeOwner(workspace_id=env.workspace_id, row_version=workspace.row_version, owner=new_owner)
    env.store.workspaces.apply(action, now=env.store.clock())
