"""Duplicates by address, streamed by the port People."""

from itertools import groupby

import pytest

from tests.store.fixtures import WorkspaceEnv
from workspace_operator.errors import NotFound
from workspace_operator.identity.values.rules import Mode


def shared(env: WorkspaceEnv, *, newest_first: bool = False) -> list[tuple[str, list[str]]]:
    """The ids of each group, by its key."""
    ids = {each.cio_id: str(each.id) for each in env.store.people.all(env.workspace_id)}
    rows = env.store.people.duplicates(env.workspace_id, newest_first=newest_first)
    return [(key, [ids[cio_id] for _, cio_id in group]) for key, group in groupby(rows, key=lambda row: row[0])]


def test_groups_come_by_key_and_age(env: WorkspaceEnv) -> None:
    env.add("1", "b@x.com")
    env.add("2", "a@x.com", created_at=1_700_000_000)
    env.add("3", "B@x.com", created_at=1_600_000_000)
    env.add("4", "alone@x.com")
    env.add("5", "A@x.com")
    env.store.clock.advance(60)
    env.add("6", "b@x.com")

    assert shared(env) == [("a@x.com", ["2", "5"]), ("b@x.com", ["3", "1", "6"])]
    assert shared(env, newest_first=True) == [("a@x.com", ["5", "2"]), ("b@x.com", ["6", "1", "3"])]


def test_people_of_one_age_come_as_they_were_made(env: WorkspaceEnv) -> None:
    for id_ in "123":
        env.add(id_, "a@x.com", created_at=1_000_000_005)

    assert shared(env) == [("a@x.com", ["1", "2", "3"])]
    assert shared(env, newest_first=True) == [("a@x.com", ["3", "2", "1"])]


def test_what_is_no_address_is_not_shared(env: WorkspaceEnv) -> None:
    env.add_many({"1": "none", "2": "none", "3": None, "4": None})

    assert shared(env) == []


@pytest.mark.parametrize("mode", [Mode.EMAIL_OR_ID, Mode.EMAIL_ONLY])
def test_no_two_people_share_an_identifier(env: WorkspaceEnv, mode: Mode) -> None:
    other = WorkspaceEnv.create(env.store, mode)
    other.identify_person(email="a@x.com")
    env.add("1", "a@x.com")

    assert shared(other) == []
    assert shared(env) == []


def test_unknown_workspace_is_reported(env: WorkspaceEnv) -> None:
    with pytest.raises(NotFound):
        list(env.store.people.duplicates(999, newest_first=False))
