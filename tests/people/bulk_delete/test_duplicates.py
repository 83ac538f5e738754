"""Who goes of those who share an address."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.people.bulk_delete.fixtures import BackupList, counts, deletion, ids_of, selected
from tests.people.fixtures import ImportEnv
from workspace_operator.application.people.bulk_delete import duplicates
from workspace_operator.identity.values.rules import Mode


@pytest.fixture
def env() -> ImportEnv:
    """Two shared addresses, and an address and some text that are not shared as such."""
    made = ImportEnv.of(Mode.ID_ONLY)
    made.import_text(
        "id,email,created_at\n1,b@x.com,1000000300\n2,a@x.com,1000000200\n3,B@x.com,1000000100\n4,A@x.com,\n5,c@x.com,\n6,none,\n7,none,\n"
    )
    return made


def going(env: ImportEnv, *, keep_newest: bool) -> list[tuple[str | None, str | None]]:
    """The ids of who goes, each with the id of who is kept."""
    ids = {each.cio_id: each.id for each in env.people.all(env.number)}
    found = duplicates(env.people, env.number, keep_newest=keep_newest)
    return [(ids[each.cio_id], ids[each.kept]) for each in found]


def test_oldest_are_kept(env: ImportEnv) -> None:
    assert going(env, keep_newest=False) == [("4", "2"), ("1", "3")]


def test_newest_are_kept(env: ImportEnv) -> None:
    assert going(env, keep_newest=True) == [("2", "4"), ("3", "1")]


def test_nobody_shares_an_identifier() -> None:
    env = ImportEnv.of(Mode.EMAIL_OR_ID)
    env.import_text("id,email\n1,a@x.com\n2,b@x.com\n")

    assert going(env, keep_newest=False) == []


@given(
    st.lists(st.tuples(st.sampled_from(["a@x.com", "A@X.com", "b@x.com", "none", ""]), st.integers(1, 3)), max_size=12),
    st.booleans(),
)
def test_one_of_each_address_remains(people: list[tuple[str, int]], keep_newest: bool) -> None:
    env = ImportEnv.of(Mode.ID_ONLY)
    rows = (f"{number},{email},{age}\n" for number, (email, age) in enumerate(people))
    env.import_text("id,email,created_at\n" + "".join(rows))
    before = list(env.people.all(env.number))
    survey, found = selected(env, duplicates(env.people, env.number, keep_newest=keep_newest))

    done = deletion(env, BackupList(), attributes=survey.attributes).run(iter(found))

    sharing = Counter(each.email_key for each in before if each.email_key is not None)
    kept = {
        key: (max if keep_newest else min)((each for each in before if each.email_key == key), key=lambda p: p.age_key)
        for key in sharing
    }
    without = [each for each in before if each.email_key is None]
    assert {each.id for each in without} | {each.id for each in kept.values()} == set(ids_of(env))
    assert counts(done) == (len(before) - len(ids_of(env)), 0, 0)
    assert survey.kept == sum(1 for count in sharing.values() if count > 1)
