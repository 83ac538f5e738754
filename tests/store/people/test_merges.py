"""The contract of the port MergeJournal: merges are kept as long as the owner of their data."""

import pytest

from tests.store.backends import Store
from tests.store.fixtures import WorkspaceEnv
from tests.store.invariants import assert_sound
from tests.store.merge_builders import append_events, device, devices, event, merge, person, undo
from workspace_operator.application.ports import Merge
from workspace_operator.errors import NotFound
from workspace_operator.identity.model.person_events import DeviceUpserted, MembershipSet
from workspace_operator.identity.values.rules import Mode

A, B = "a@example.com", "b@example.com"


def journal(env: WorkspaceEnv, cio_id: str | None = None) -> list[str]:
    return [each.merge_id for each in env.store.merges.merges(env.workspace_id, cio_id=cio_id, limit=100)]


def test_journal_keeps_what_a_merge_did(both: WorkspaceEnv) -> None:
    one, other = both.add("1", A, plan="p"), both.add("2", B, note="q", created_at=1_000_000_005)
    before = person(both, one), person(both, other)
    append_events(
        both, DeviceUpserted(cio_id=other, device=device("t")), MembershipSet(cio_id=other, segment=7, member=True)
    )

    kept = merge(both, one, other)

    assert kept == Merge(
        merge_id=kept.merge_id,
        workspace_id=both.workspace_id,
        at=both.store.clock(),
        automatic=False,
        primary=before[0],
        secondary=before[1],
        survivor=person(both, one),
        holder=one,
        devices=(device("t"),),
        segments=(7,),
        undone_at=None,
    )
    assert both.store.merges.get(both.workspace_id, kept.merge_id) == kept


def test_automatic_merge_is_journalled(both: WorkspaceEnv) -> None:
    older = both.add("1")
    both.store.clock.advance(1)
    both.identify_person(email=A)

    both.identify_person(id="1", body={"email": A, "plan": "new"})

    [kept] = both.store.merges.merges(both.workspace_id, limit=10)
    assert (kept.automatic, kept.holder, kept.survivor.attributes) == (True, older, {})


def test_newest_merges_come_first(both: WorkspaceEnv) -> None:
    people = [both.add(str(number)) for number in range(5)]
    kept = [merge(both, people[0], each).merge_id for each in people[1:4]]
    kept.append(merge(both, people[4], people[0]).merge_id)

    newest = list(reversed(kept))
    assert journal(both) == newest
    assert journal(both, people[0]) == newest
    assert journal(both, people[2]) == [kept[1]]
    assert journal(both, people[4]) == [kept[3]]
    page = both.store.merges.merges(both.workspace_id, cio_id=people[0], before=newest[0], limit=2)
    assert [each.merge_id for each in page] == newest[1:3]


def test_workspaces_share_no_journal(store: Store) -> None:
    first, second = WorkspaceEnv.create(store, Mode.EMAIL_OR_ID), WorkspaceEnv.create(store, Mode.EMAIL_OR_ID)
    kept = merge(first, first.add("1"), first.add("2"))

    assert journal(second) == []
    with pytest.raises(NotFound):
        store.merges.undo(second.workspace_id, kept.merge_id, now=1)


@pytest.mark.parametrize("for_suppression", [True, False])
def test_survivor_takes_the_journal_along(both: WorkspaceEnv, for_suppression: bool) -> None:
    one, other, third, fourth = (both.add(str(number)) for number in range(4))
    merge(both, other, third)
    merge(both, one, other)
    kept = merge(both, fourth, both.add("5"))

    (both.suppress if for_suppression else both.delete)(cio_id=one)

    assert journal(both) == [kept.merge_id]


def test_either_side_of_an_undone_merge_takes_it_along(both: WorkspaceEnv) -> None:
    people = [both.add(str(number)) for number in range(4)]
    for one, other in (people[:2], people[2:]):
        undo(both, merge(both, one, other))

    both.delete(cio_id=people[0])
    both.delete(cio_id=people[3])

    assert journal(both) == []


def test_absorbed_side_of_an_undone_merge_takes_it_along(both: WorkspaceEnv) -> None:
    one, other, third = both.add("1"), both.add("2"), both.add("3")
    undo(both, merge(both, one, other))
    merge(both, third, one)

    both.delete(cio_id=third)

    assert journal(both) == []


def test_unknown_person_has_no_records(sql_env: WorkspaceEnv) -> None:
    people = [sql_env.add(str(number), f"{number}@example.com") for number in range(6)]
    for each in people:
        append_events(
            sql_env,
            event(each, "e"),
            DeviceUpserted(cio_id=each, device=device("t")),
            MembershipSet(cio_id=each, segment=1, member=True),
        )
    first = merge(sql_env, people[0], people[1])
    merge(sql_env, people[2], people[3])
    merge(sql_env, people[2], people[4])
    merge(sql_env, people[5], people[2])
    undo(sql_env, first)

    sql_env.delete(cio_id=people[5])
    sql_env.suppress(cio_id=people[0])

    database = sql_env.store.sql_database
    assert_sound(database)
    assert devices(sql_env, people[1]) == (device("t"),)


def test_merged_person_is_in_no_export(env: WorkspaceEnv) -> None:
    one, other = env.add("1", A), env.add("2", A)
    env.migrate_to(Mode.EMAIL_OR_ID)
    assert [each.cio_id for each in env.violations()] == [one, other]

    kept = merge(env, one, other)

    assert [each.cio_id for each in env.violations()] == [one]
    undo(env, kept)
    env.delete(cio_id=one)
    assert env.violations() == []
