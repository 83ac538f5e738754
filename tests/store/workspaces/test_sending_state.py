"""What a reconcile observes of messages and senders (sending §3.4, §4.3)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from tests.store.backends import Store
from tests.store.fixtures import WorkspaceEnv, create, destroy, observe, observed, owner
from tests.store.workspaces.sending_rows import (
    OFFERS,
    add_attempt,
    add_message,
    add_sender,
    add_template,
    set_fingerprint,
)
from workspace_operator.errors import NotFound, StaleRevision
from workspace_operator.reconcile.model.actions import UpdateSettings
from workspace_operator.reconcile.model.sending import LiveSenders, ObservedSending
from workspace_operator.reconcile.plan.sending import SendingPreview
from workspace_operator.sending.rules import SendMode
from workspace_operator.store.schema.tables import workspace as workspace_table
from workspace_operator.workspaces.model import Workspace

NEVER: dict[str, Any] = {"send_mode": SendMode.NEVER}


@contextmanager
def keyed(store: Store) -> Iterator[None]:
    """The first sender of the store had the root key f1; databases keep their identity between tests."""
    set_fingerprint(store, "f1")
    try:
        yield
    finally:
        set_fingerprint(store, None)


def sending_of(env: WorkspaceEnv) -> ObservedSending:
    found = observe(env.store, env.owner).sending
    assert found is not None
    return found


def put_in_force(env: WorkspaceEnv, **settings: Any) -> Workspace:
    before = env.workspace
    wanted = replace(before.settings, **settings)
    action = UpdateSettings(workspace_id=env.workspace_id, row_version=before.row_version, settings=wanted)
    env.store.workspaces.apply(action, now=env.store.clock())
    return env.workspace


@pytest.mark.parametrize(
    ("settings", "grows"),
    [
        (NEVER, True),
        ({"send_mode": SendMode.TEST, "test_address": "qa@example.com"}, True),
        ({"open_tracking": False}, True),
        ({"transport": "bulk"}, True),
        ({"sender": "Shop <hello@shop.example>"}, False),
        ({"display_name": "Another", "color": "FF0000"}, False),
    ],
)
def test_version_grows_with_the_rules_of_hand_overs(
    env: WorkspaceEnv, settings: dict[str, Any], *, grows: bool
) -> None:
    before = env.workspace.send_version

    after = put_in_force(env, **settings)

    assert after.send_version == before + grows
    assert replace(after.settings, **settings) == after.settings


def test_nothing_is_observed_of_no_workspace(store: Store) -> None:
    assert observe(store, owner("nobody")).sending is None


def test_hand_overs_in_flight_are_counted(env: WorkspaceEnv) -> None:
    add_attempt(env.store, env.workspace)
    add_attempt(env.store, env.workspace, ended=True)
    add_attempt(env.store, env.workspace, seconds=0)

    assert sending_of(env) == ObservedSending(in_flight=1)


def test_hand_overs_under_earlier_rules_drain(env: WorkspaceEnv) -> None:
    before = env.workspace
    for seconds in (10, 20, 30):
        add_attempt(env.store, before, seconds=seconds)
    add_attempt(env.store, before, seconds=40, ended=True)
    add_attempt(env.store, put_in_force(env, **NEVER), seconds=50)

    found = sending_of(env)

    ends = env.store.clock() + timedelta(seconds=30)
    assert (found.in_flight, found.draining, found.drained_by) == (4, 3, ends)


def test_drain_ends_with_its_last_deadline(env: WorkspaceEnv) -> None:
    add_attempt(env.store, env.workspace, seconds=30)
    put_in_force(env, **NEVER)

    env.store.clock.advance(29.999)
    assert sending_of(env).draining == 1
    env.store.clock.advance(0.001)
    assert sending_of(env) == ObservedSending()


def test_other_workspaces_do_not_count(store: Store) -> None:
    mine, theirs = (create(store, owner(name), display_name=name) for name in ("shop", "crm"))
    add_attempt(store, theirs, send_version=0)
    add_message(store, theirs, due_at=store.clock())

    assert observe(store, mine.owner).sending == ObservedSending()
    assert store.workspaces.count_waiting(mine.workspace_id) == 0


def test_messages_that_wait_are_counted_when_asked(env: WorkspaceEnv) -> None:
    for due_at in (env.store.clock(), env.store.clock() + timedelta(days=90), None):
        add_message(env.store, env.workspace, due_at=due_at)

    found = sending_of(env)

    assert (found.has_waiting, found.waiting) == (True, None)
    assert env.store.workspaces.count_waiting(env.workspace_id) == 2


def test_live_senders_with_the_key_offer_transports(store: Store) -> None:
    workspace = create(store, owner())
    add_sender(store, "w1")
    add_sender(store, "w2", age=59.9, offers=())
    add_sender(store, "w3", age=60)
    add_sender(store, "w4", fingerprint="f2")

    with keyed(store):
        found = observe(store, workspace.owner).sending

    assert found is not None
    assert (found.senders.with_key, found.senders.with_other_key) == (2, 1)
    assert frozenset(found.senders.offers) == frozenset(OFFERS)
    assert found.is_offered("bulk", "team")
    assert not found.is_offered("bulk", "other")
    assert found.is_offered(None, "other")


def test_database_without_key_takes_any_sender(store: Store) -> None:
    workspace = create(store, owner())
    add_sender(store, "w1", offers=())

    assert observe(store, workspace.owner).sending == ObservedSending(senders=LiveSenders(with_key=1))


def test_workspace_that_hands_over_is_not_destroyed(env: WorkspaceEnv) -> None:
    add_attempt(env.store, env.workspace)

    with pytest.raises(StaleRevision, match="still hands over"):
        destroy(env.store, env.owner)

    env.store.clock.advance(30)
    destroy(env.store, env.owner)
    assert observe(env.store, env.owner).workspace is None


def test_unknown_mode_is_read_as_never(sql_env: WorkspaceEnv) -> None:
    write_mode(sql_env, "Sometimes")

    workspace = observed(sql_env.store, sql_env.owner)

    assert (workspace.settings.send_mode, workspace.knows_send_mode) == (SendMode.NEVER, False)


def test_unknown_mode_is_replaced_by_any_other(sql_env: WorkspaceEnv) -> None:
    write_mode(sql_env, "Sometimes")

    after = put_in_force(sql_env, **NEVER)

    assert (after.knows_send_mode, after.send_version) == (True, 2)


def write_mode(env: WorkspaceEnv, mode: str) -> None:
    is_ours = workspace_table.c.workspace_id == env.workspace_id
    statement = sa.update(workspace_table).where(is_ours).values(send_mode=mode)
    env.store.sql_database.writing(lambda connection: connection.execute(statement).rowcount)


def test_preview_counts_what_a_change_concerns(env: WorkspaceEnv) -> None:
    now, workspace = env.store.clock(), env.workspace
    for hours, mode in ((2, SendMode.NORMAL), (1, SendMode.TEST), (3, SendMode.TEST)):
        add_message(env.store, workspace, due_at=now + timedelta(hours=hours), accepted_mode=mode)
    add_attempt(env.store, workspace)
    add_template(env.store, workspace, "receipt", open_tracking=True)
    add_template(env.store, workspace, "password", open_tracking=False)

    assert env.store.previews.preview_sending(env.workspace_id, now=now) == SendingPreview(
        waiting=3,
        accepted_in_normal=1,
        next_due_at=now + timedelta(hours=1),
        in_flight=1,
        tracking_templates=1,
    )


def test_preview_of_no_workspace_is_refused(store: Store) -> None:
    with pytest.raises(NotFound):
        store.previews.preview_sending(10**12, now=store.clock())


def test_snapshot_has_the_live_senders(store: Store) -> None:
    add_sender(store, "w1", offers=OFFERS[:1])
    add_sender(store, "w2", age=61)

    with keyed(store):
        snapshot = store.previews.snapshot(now=store.clock())

    assert snapshot.senders == LiveSenders(with_key=1, offers=OFFERS[:1])
