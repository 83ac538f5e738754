"""Deliveries go, or move, with their people."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.store.bulk_data import cut_over_migration
from tests.store.fixtures import WorkspaceEnv, destroy
from tests.store.merge_builders import merge, undo
from tests.store.sending_builders import Sender, accept, accept_all, attempts, delivery, ended, message, states
from workspace_operator.application.ports import Accepted, DeliveryQuery
from workspace_operator.errors import NotFound
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import OnConflict
from workspace_operator.sending.deliveries import HANDOVER_SECONDS, DeliveryState
from workspace_operator.store.schema.sending_tables import attachment, attempt, delivery_content, mailroom
from workspace_operator.store.schema.sending_tables import delivery as delivery_table

MONTH = timedelta(days=30)


def rows(env: WorkspaceEnv) -> int:
    """The number of rows that belong to deliveries."""
    with env.store.sql_database.reading() as connection:
        return sum(
            connection.execute(
                sa.select(sa.func.count()).select_from(table).where(table.c.workspace_id == env.workspace_id)
            ).scalar_one()
            for table in (delivery_table, delivery_content, attachment, attempt)
        )


def in_flight(env: WorkspaceEnv) -> int:
    return env.store.deliveries.counts(env.workspace_id, now=env.store.clock()).in_flight


@pytest.mark.parametrize("how", ["delete", "suppress"])
def test_deliveries_go_with_their_person(env: WorkspaceEnv, how: str) -> None:
    env.add("1")
    other = env.add("2")
    accept(env, attachments=[("a.txt", "text/plain", b"a")])
    sender = Sender(env)
    sender.begin_all()
    accept(env)
    kept = accept(env, reference=env.reference(cio_id=other))

    getattr(env, how)(id="1")

    assert states(env) == [DeliveryState.WAITING]
    assert delivery(env, kept).cio_id == other


@pytest.mark.parametrize("how", ["delete", "suppress"])
def test_no_row_of_a_deleted_person_is_left(sql_env: WorkspaceEnv, how: str) -> None:
    sql_env.add("1")
    delivery_id = accept(sql_env, attachments=[("a.txt", "text/plain", b"a")])
    sender = Sender(sql_env)
    sender.begin_all()
    assert rows(sql_env) == 4

    getattr(sql_env, how)(id="1")
    assert rows(sql_env) == 1  # the attempt, until it ends

    sender.end(ended(delivery_id))
    assert rows(sql_env) == 0


def test_no_ended_attempt_of_a_deleted_person_is_left(sql_env: WorkspaceEnv) -> None:
    sql_env.add("1")
    delivery_id = accept(sql_env)
    sender = Sender(sql_env)
    sender.begin_all()
    sender.end(ended(delivery_id))

    sql_env.delete(id="1")

    assert rows(sql_env) == 0


def test_message_under_way_to_a_deleted_person_is_in_flight_until_its_deadline(env: WorkspaceEnv) -> None:
    # Otherwise a change to Never would count as in force while the message can still leave (sending §3.4).
    env.add("1")
    accept(env)
    Sender(env).begin_all()

    env.delete(id="1")

    assert in_flight(env) == 1
    env.store.clock.advance(HANDOVER_SECONDS + 1)
    assert in_flight(env) == 0


def test_message_to_a_deleted_person_is_in_flight_until_it_ends(env: WorkspaceEnv) -> None:
    env.add("1")
    delivery_id = accept(env)
    sender = Sender(env)
    sender.begin_all()
    env.delete(id="1")

    sender.end(ended(delivery_id))

    assert in_flight(env) == 0


def test_attempt_of_a_dead_sender_to_a_deleted_person_is_deleted_in_time(sql_env: WorkspaceEnv) -> None:
    sql_env.add("1")
    accept(sql_env)
    Sender(sql_env).begin_all()
    sql_env.delete(id="1")

    def purge() -> None:
        now = sql_env.store.clock()
        sql_env.store.deliveries.purge(content_before=now - MONTH, deliveries_before=now - MONTH, now=now, limit=9)

    purge()
    assert rows(sql_env) == 1
    sql_env.store.clock.advance(HANDOVER_SECONDS + 1)
    purge()
    assert rows(sql_env) == 0


def test_outcome_for_an_erased_person_is_not_recorded(env: WorkspaceEnv) -> None:
    env.add("1")
    delivery_id = accept(env)
    sender = Sender(env)
    sender.begin_all()
    env.suppress(id="1")

    sender.end(ended(delivery_id, rendered={"a": 1}, invalid_addresses=frozenset({"ann@shop.example"})))

    assert states(env) == []
    with pytest.raises(NotFound):
        attempts(env, delivery_id)
    assert env.store.address_blocks.find(env.workspace_id, "ann@shop.example") == []


def test_deliveries_move_with_a_merge(env: WorkspaceEnv) -> None:
    one, other = env.add("1"), env.add("2")
    moved, own = accept(env, reference=env.reference(id="2")), accept(env)

    merge(env, one, other)

    assert delivery(env, moved).cio_id == delivery(env, own).cio_id == one
    listed = env.store.deliveries.list(env.workspace_id, DeliveryQuery(limit=9, cio_id=one))
    assert {record.delivery.delivery_id for record in listed} == {moved, own}
    sender = Sender(env)
    sender.take_room()
    assert {queued.cio_id for queued in sender.claim()} == {one}


def test_undo_brings_deliveries_back(env: WorkspaceEnv) -> None:
    one, other, third = env.add("1"), env.add("2"), env.add("3")
    ids = [accept(env, reference=env.reference(cio_id=each)) for each in (one, other, third)]
    earlier = merge(env, other, third)
    later = merge(env, one, other)
    assert {delivery(env, each).cio_id for each in ids} == {one}
    since = accept(env)

    undo(env, later)
    assert [delivery(env, each).cio_id for each in (*ids, since)] == [one, other, other, one]

    undo(env, earlier)
    assert [delivery(env, each).cio_id for each in ids] == [one, other, third]


def test_deletion_takes_merged_deliveries_along(env: WorkspaceEnv) -> None:
    one, other = env.add("1"), env.add("2")
    accept(env, reference=env.reference(cio_id=other))
    merge(env, one, other)

    env.delete(id="1")

    assert states(env) == []


def test_pending_merge_is_done_before_a_message_is_accepted(env: WorkspaceEnv) -> None:
    oldest = env.add("1", "ann@shop.example")
    env.add("2", "ann@shop.example")
    cut_over_migration(env)

    stored = delivery(env, accept(env, reference=env.reference(email="ann@shop.example")))

    assert stored.cio_id == oldest


def test_pending_merge_is_done_before_a_message_is_claimed(env: WorkspaceEnv) -> None:
    oldest = env.add("1", "ann@shop.example", plan="free")
    env.add("2", "ann@shop.example")
    accept(env, reference=env.reference(id="2"))
    cut_over_migration(env)
    sender = Sender(env)
    sender.take_room()

    [queued] = sender.claim()

    assert (queued.cio_id, queued.customer["plan"]) == (oldest, "free")


def test_pending_merge_is_done_before_a_person_is_read_for_the_gate(env: WorkspaceEnv) -> None:
    # Otherwise a message would go to a person whose survivor unsubscribed.
    oldest = env.add("1", "ann@shop.example", unsubscribed="true")
    newer = env.add("2", "ann@shop.example")
    accept(env, reference=env.reference(id="2"))
    sender = Sender(env)
    sender.take_room()
    [queued] = sender.claim()
    cut_over_migration(env)

    assert queued.cio_id == newer
    assert sender.run(lambda each: each.recipients([newer])) == {}
    assert sender.begin(queued) == frozenset()
    assert sender.run(lambda each: each.recipients([oldest]))[oldest].is_unsubscribed


def test_purged_message_under_way_is_in_flight_until_its_deadline(env: WorkspaceEnv) -> None:
    env.add("1")
    draft = accept(env, is_draft=True)
    env.store.clock.advance(2 * MONTH.total_seconds())
    env.store.deliveries.send_draft(env.workspace_id, draft, now=env.store.clock())
    Sender(env).begin_all()

    now = env.store.clock()
    env.store.deliveries.purge(content_before=now - MONTH, deliveries_before=now - MONTH, now=now, limit=9)

    assert states(env) == []
    assert in_flight(env) == 1


def test_migration_that_merges_moves_deliveries(env: WorkspaceEnv) -> None:
    oldest = env.add("1", "ann@shop.example")
    ids = [accept(env, reference=env.reference(cio_id=env.add(id_, "ann@shop.example"))) for id_ in "2345"]

    env.migrate_to(Mode.EMAIL_OR_ID, OnConflict.MERGE)

    assert {delivery(env, each).cio_id for each in ids} == {oldest}


def test_deleted_workspace_leaves_no_row(sql_env: WorkspaceEnv) -> None:
    sql_env.add("1")
    accept(sql_env, attachments=[("a.txt", "text/plain", b"a")])
    Sender(sql_env).begin_all()
    sql_env.store.clock.advance(30)

    destroy(sql_env.store, sql_env.owner)

    assert rows(sql_env) == 0
    with sql_env.store.sql_database.reading() as connection:
        assert connection.execute(sa.select(mailroom)).all() == []


ROUNDS = 20


def test_acceptance_and_suppression_leave_no_delivery(sql_env: WorkspaceEnv) -> None:
    for round_ in range(ROUNDS):
        id_ = f"p{round_}"
        sql_env.add(id_)

        with ThreadPoolExecutor(2) as pool:
            suppressed = pool.submit(sql_env.suppress, id=id_)
            [result] = accept_all(sql_env, message(sql_env, reference=sql_env.reference(id=id_)))

        assert suppressed.result()
        assert isinstance(result, Accepted)
        assert all(state is DeliveryState.DROPPED for state in states(sql_env))
