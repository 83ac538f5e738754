"""The contract of the port Segments: names, numbers and counts of manual segments."""

from datetime import timedelta
from functools import partial

import pytest

from tests.store.backends import START, Store
from tests.store.fixtures import WorkspaceEnv, apply_change_log, backfill, cut_over, destroy, start_backfill
from tests.threads import run_together
from workspace_operator.application.ports import Segment
from workspace_operator.errors import NameTaken, NotFound
from workspace_operator.identity.model.commands import SetMembership
from workspace_operator.identity.model.person_events import MembershipSet
from workspace_operator.identity.values.rules import Mode
from workspace_operator.identity.values.segments import MAX_SEGMENT
from workspace_operator.migrations.model import OnConflict


def made(env: WorkspaceEnv, name: str) -> int:
    return env.store.segments.create(env.workspace_id, name, now=env.store.clock())


def join(env: WorkspaceEnv, segment: int, *cio_ids: str) -> None:
    steps = [MembershipSet(cio_id=each, segment=segment, member=True) for each in cio_ids]
    env.store.append_events(env.workspace_id, steps)


def test_created_segment_is_listed(env: WorkspaceEnv) -> None:
    first = made(env, "to delete")
    env.store.clock.advance(60)
    second = made(env, "to keep")

    found = env.store.segments.all(env.workspace_id)

    assert found == [
        Segment(number=first, name="to delete", created_at=START, people=0),
        Segment(number=second, name="to keep", created_at=START + timedelta(seconds=60), people=0),
    ]
    assert (first, second) == (1, 2)


def test_number_is_above_all_that_are_used(env: WorkspaceEnv) -> None:
    join(env, 7, "x")

    assert made(env, "a") == 8
    assert made(env, "b") == 9


def test_gap_is_filled_when_numbers_end(env: WorkspaceEnv) -> None:
    join(env, MAX_SEGMENT, "x")
    join(env, 1, "x")

    assert made(env, "a") == 2
    assert made(env, "b") == 3


def test_segment_created_by_commands_has_no_name(env: WorkspaceEnv) -> None:
    number = made(env, "a")
    join(env, number, "x", "y")
    join(env, 40, "x")

    assert env.store.segments.all(env.workspace_id) == [
        Segment(number=number, name="a", created_at=START, people=2),
        Segment(number=40, name=None, created_at=None, people=1),
    ]
    assert env.store.segments.get(env.workspace_id, number).people == 2
    assert env.store.segments.get(env.workspace_id, 40).name is None


def test_pages_have_named_and_numbered_segments(env: WorkspaceEnv) -> None:
    join(env, 3, "x", "y", "z")
    made(env, "a")
    join(env, 9, "x")
    segments = env.store.segments

    first = segments.page(env.workspace_id, after=0, limit=2, count_limit=2)
    second = segments.page(env.workspace_id, after=4, limit=2, count_limit=2)

    assert [(each.number, each.name, each.people) for each in first] == [(3, None, 2), (4, "a", 0)]
    assert [(each.number, each.name, each.people) for each in second] == [(9, None, 1)]


def test_members_are_read_in_parts(env: WorkspaceEnv) -> None:
    join(env, 3, "z", "x", "y")
    members = env.store.person_records.members

    assert list(members(env.workspace_id, 3, limit=2)) == ["x", "y"]
    assert list(members(env.workspace_id, 3, after="y", limit=2)) == ["z"]


def test_two_segments_never_have_one_name(env: WorkspaceEnv) -> None:
    made(env, "a")

    with pytest.raises(NameTaken, match="segment 1 already has the name 'a'"):
        made(env, "a")

    assert made(env, "A") == 2


def test_segment_is_found_by_its_name(env: WorkspaceEnv) -> None:
    made(env, "a")
    made(env, "b")

    assert env.store.segments.find_by_name(env.workspace_id, "b") == 2
    with pytest.raises(NotFound, match="there is no segment 'c': `workspacectl segments list` lists them"):
        env.store.segments.find_by_name(env.workspace_id, "c")


def test_removed_name_may_be_given_again(env: WorkspaceEnv) -> None:
    number = made(env, "a")

    env.store.segments.remove(env.workspace_id, number)
    env.store.segments.remove(env.workspace_id, number)

    assert env.store.segments.all(env.workspace_id) == []
    assert made(env, "a") == number


def test_unknown_segment_is_not_found(env: WorkspaceEnv) -> None:
    with pytest.raises(NotFound, match="there is no segment 5: it has no name and no members"):
        env.store.segments.get(env.workspace_id, 5)


def test_unknown_workspace_takes_no_segment(store: Store) -> None:
    with pytest.raises(NotFound):
        store.segments.create(999, "a", now=START)

    assert store.segments.all(999) == []


def test_segments_of_workspaces_are_apart(store: Store) -> None:
    first, second = WorkspaceEnv.create(store, Mode.ID_ONLY), WorkspaceEnv.create(store, Mode.ID_ONLY)
    made(first, "a")
    join(first, 1, "x")

    assert made(second, "a") == 1
    assert store.segments.get(second.workspace_id, 1).people == 0


def test_destroyed_workspace_leaves_no_segment(env: WorkspaceEnv) -> None:
    made(env, "a")

    destroy(env.store, env.owner)

    assert env.store.segments.all(env.workspace_id) == []


def test_segments_made_at_once_differ(sql_env: WorkspaceEnv) -> None:
    numbers = run_together(*(partial(made, sql_env, name) for name in "abcd"))

    assert sorted(numbers) == [1, 2, 3, 4]


def test_merged_people_count_once(env: WorkspaceEnv) -> None:
    people = {"1": "a@x.com", "2": "a@x.com", "3": "c@x.com"}
    env.add_many(people)
    for id_ in people:
        env.perform(SetMembership(reference=env.reference(id=id_), segment=1, member=True))
    env.perform(SetMembership(reference=env.reference(id="2"), segment=2, member=True))
    env.request(on_conflict=OnConflict.MERGE)
    lease = start_backfill(env)
    backfill(env, lease)
    apply_change_log(env, lease)

    cut_over(env, lease)

    counts = [(each.number, each.people) for each in env.store.segments.all(env.workspace_id)]
    assert counts == [(1, 2), (2, 1)]
    assert env.store.segments.get(env.workspace_id, 1).people == 2
    page = env.store.segments.page(env.workspace_id, after=0, limit=5, count_limit=5)
    assert [(each.number, each.people) for each in page] == counts
    members = list(env.store.person_records.members(env.workspace_id, 1))
    assert list(env.store.person_records.members(env.workspace_id, 1, after=members[0], limit=5)) == members[1:]


def test_names_are_reported_by_number(env: WorkspaceEnv) -> None:
    segments, number = env.store.segments, env.workspace_id
    first, second, third = (segments.create(number, name, now=START) for name in ("one", "two", "three"))

    assert segments.names(number, [third, 99, first]) == {first: "one", third: "three"}
    assert segments.names(number, ()) == {}
    assert second not in segments.names(number, [third])
