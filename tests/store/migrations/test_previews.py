"""Previews of a migration: they equal its later effect, and write nothing."""

from typing import Any

import pytest

from tests.store.backends import Store, recorded_statements
from tests.store.fixtures import WorkspaceEnv
from tests.store.migrations.test_checks import FORMS, counted
from workspace_operator.errors import NotFound
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import OnConflict, Violation, ViolationCounts
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.reconcile.plan.previews import Preview, ViolationSample
from workspace_operator.store.repositories.previews import MAX_NAMED_DUPLICATES
from workspace_operator.workspaces.model import PeopleCounts


def preview(env: WorkspaceEnv, to: Mode = Mode.EMAIL_OR_ID, *, samples: int = 3) -> Preview:
    return env.store.previews.preview(env.workspace_id, from_mode=env.mode, to_mode=to, samples=samples)


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_foreseen(env: WorkspaceEnv, form: str) -> None:
    people, expected = FORMS[form]
    env.suppress(email="blocked@example.com")
    env.suppress(email="nobody@example.com")
    env.add_many(people)

    seen = preview(env)

    assert seen.violations == counted(expected)
    assert seen.people.total == len(people)


@pytest.mark.parametrize("on_conflict", OnConflict)
@pytest.mark.parametrize("form", FORMS)
def test_what_is_foreseen_comes_true(env: WorkspaceEnv, form: str, on_conflict: OnConflict) -> None:
    people, _ = FORMS[form]
    env.suppress(email="blocked@example.com")
    env.add_many(people)
    seen = preview(env)

    migration = env.migrate_to(Mode.EMAIL_OR_ID, on_conflict)

    assert migration.violations == seen.blocking_violations(on_conflict)
    assert (migration.stage is Stage.COMPLETED) is seen.passes(on_conflict)
    assert migration.people_total == seen.people.total
    if migration.stage is Stage.COMPLETED:
        assert migration.people_without_identifier == seen.people_without_usable_identifier
        merged = (seen.people_to_merge, seen.ids_given_up) if on_conflict is OnConflict.MERGE else (0, 0)
        assert (migration.people_to_merge, migration.ids_given_up) == merged
        assert env.store.people.count(env.workspace_id).total == len(people) - merged[0]


def test_groups_count_the_merges(env: WorkspaceEnv) -> None:
    env.migrate_to(Mode.EMAIL_OR_ID)
    env.identify_person(email="ann@example.com")
    env.identify_person(email="bob@example.com")
    env.migrate_to(Mode.ID_ONLY)
    env.add_many(
        {
            "1": "ann@example.com",
            "2": "bob@example.com",
            "3": "bob@example.com",
            "4": "cid@example.com",
            "5": "cid@example.com",
            "6": "cid@example.com",
            "7": "dan@example.com",
        }
    )

    seen = preview(env)

    assert seen.groups == 3
    assert seen.people_to_merge == 1 + 2 + 2
    assert seen.ids_given_up == 0 + 1 + 2
    assert seen.violations.duplicate_email == 8


def test_merging_does_what_was_foreseen_of_people_without_ids(env: WorkspaceEnv) -> None:
    env.migrate_to(Mode.EMAIL_OR_ID)
    env.identify_person(email="ann@example.com")
    env.identify_person(email="bob@example.com")
    env.migrate_to(Mode.ID_ONLY)
    env.add_many({"1": "ann@example.com", "2": "bob@example.com", "3": "bob@example.com", "4": "bob@example.com"})
    seen = preview(env)

    migration = env.migrate_to(Mode.EMAIL_OR_ID, OnConflict.MERGE)

    assert (migration.people_to_merge, migration.ids_given_up) == (seen.people_to_merge, seen.ids_given_up) == (4, 2)
    counts = env.store.people.count(env.workspace_id)
    assert (counts.total, counts.without_id) == (2, 0)


def test_each_person_concerned_counts_once(env: WorkspaceEnv) -> None:
    env.suppress(email="blocked@example.com")
    env.add_many(
        {
            "a@example.org": "blocked@example.com",
            "b@example.org": "blocked@example.com",
            "c@example.org": "nowhere",
            "d@example.org": "fine@example.com",
            "e@example.org": None,
        }
    )

    seen = preview(env)

    assert seen.violations == ViolationCounts(
        duplicate_email=2, invalid_email=1, suppressed_email=2, id_is_another_email=5, people_concerned=5
    )
    assert seen.people_concerned_beside_sharing == 5


def test_people_without_id_lose_their_identifier(env: WorkspaceEnv) -> None:
    env.migrate_to(Mode.EMAIL_OR_ID)
    env.identify_person(email="ann@example.com")
    env.add("1", "bob@example.com")

    seen = preview(env, Mode.ID_ONLY)

    assert seen.people == PeopleCounts(total=2, with_email=2, without_id=1)
    assert seen.people_without_usable_identifier == 1
    assert seen.passes(OnConflict.BLOCK)
    assert env.migrate_to(Mode.ID_ONLY).people_without_identifier == 1


def test_people_with_neither_are_counted(env: WorkspaceEnv) -> None:
    env.migrate_to(Mode.EMAIL_OR_ID)
    nobody = env.identify_person(email="ann@example.com").person
    env.migrate_to(Mode.ID_ONLY)
    assert nobody is not None
    env.identify_person(cio_id=nobody.cio_id, body={"email": None})

    seen = preview(env)

    assert seen.people_without_usable_identifier == 1
    assert seen.passes(OnConflict.BLOCK)


def test_people_of_email_only_are_not_checked(store: Store) -> None:
    env = WorkspaceEnv.create(store, Mode.EMAIL_ONLY)
    env.identify_person(email="ann@example.com")

    seen = preview(env)

    assert seen == Preview(people=PeopleCounts(total=1, with_email=1))


def test_samples_name_people_and_duplicates(env: WorkspaceEnv) -> None:
    env.suppress(email="blocked@example.com")
    young = env.add("young", "Zoe@example.com", created_at=1_000_000_200)
    old = env.add("old", "zoe@example.com", created_at=1_000_000_100)
    blocked = env.add("blocked", "Blocked@example.com")
    invalid = env.add("invalid", "nowhere")
    another = env.add("zoe@example.com", "zoe@example.net")

    samples = preview(env).samples

    def alone(cio_id: str, id_: str, email: str) -> list[ViolationSample]:
        return [ViolationSample(cio_id=cio_id, id=id_, email=email, sharing=1)]

    assert {name: list(found) for name, found in samples.items()} == {
        Violation.DUPLICATE_EMAIL: [
            ViolationSample(cio_id=old, id="old", email="zoe@example.com", sharing=2, shares_with=(young,))
        ],
        Violation.INVALID_EMAIL: alone(invalid, "invalid", "nowhere"),
        Violation.SUPPRESSED_EMAIL: alone(blocked, "blocked", "Blocked@example.com"),
        Violation.ID_IS_ANOTHER_EMAIL: alone(another, "zoe@example.com", "zoe@example.net"),
    }


def test_samples_are_few_and_come_in_order(env: WorkspaceEnv) -> None:
    for letter in "cabd":
        env.suppress(email=f"{letter}@example.org")
        env.add_many({f"{letter}{twin}": f"{letter}@example.com" for twin in range(3)})
        env.add(f"suppressed {letter}", f"{letter}@example.org")
    invalid = [env.add(f"invalid {number}", "nowhere") for number in range(4)]

    samples = preview(env, samples=2).samples

    assert [each.email for each in samples[Violation.DUPLICATE_EMAIL]] == ["a@example.com", "b@example.com"]
    assert [each.email for each in samples[Violation.SUPPRESSED_EMAIL]] == ["a@example.org", "b@example.org"]
    assert [each.cio_id for each in samples[Violation.INVALID_EMAIL]] == invalid[:2]
    assert preview(env, samples=0).samples == {}


def test_thousands_of_duplicates_are_not_all_named(env: WorkspaceEnv) -> None:
    env.add_many({str(number): "info@example.com" for number in range(2000)})

    [sample] = preview(env).samples[Violation.DUPLICATE_EMAIL]

    assert sample.sharing == 2000
    assert len(sample.shares_with) == MAX_NAMED_DUPLICATES
    assert sample.cio_id not in sample.shares_with


def test_address_of_many_samples_is_looked_up_once(sql_env: WorkspaceEnv) -> None:
    database = sql_env.store.sql_database
    sql_env.add_many({f"{number}@example.com": "info@example.com" for number in range(MAX_NAMED_DUPLICATES)})

    with recorded_statements(database) as sent:
        samples = preview(sql_env, samples=MAX_NAMED_DUPLICATES).samples

    assert len(samples[Violation.ID_IS_ANOTHER_EMAIL]) == MAX_NAMED_DUPLICATES
    assert sum("info@example.com" in _values(parameters) for _, parameters in sent) == 2


def _values(parameters: Any) -> list[object]:
    return list(parameters.values() if isinstance(parameters, dict) else parameters)


def test_other_workspaces_are_not_read(env: WorkspaceEnv) -> None:
    other = WorkspaceEnv.create(env.store, Mode.ID_ONLY)
    other.add_many({"1": "a@example.com", "2": "a@example.com", "3": "no", "x@y.org": None})
    other.suppress(email="b@example.com")
    env.add_many({"1": "a@example.com", "2": "b@example.com"})

    assert preview(env) == Preview(people=PeopleCounts(total=2, with_email=2))


def test_unknown_workspace_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound):
        store.previews.preview(10**12, from_mode=Mode.ID_ONLY, to_mode=Mode.EMAIL_OR_ID, samples=1)


def test_directory_has_every_workspace_and_its_newest_migration(env: WorkspaceEnv) -> None:
    other = WorkspaceEnv.create(env.store, Mode.EMAIL_OR_ID)
    env.migrate_to(Mode.EMAIL_OR_ID)
    env.request(Mode.ID_ONLY)

    snapshot = env.store.previews.snapshot(now=env.store.clock())

    assert snapshot.workspaces == {each.workspace_id: each.workspace for each in (env, other)}
    assert snapshot.migrations == {env.workspace_id: env.migration}
    assert env.migration.number == 2
