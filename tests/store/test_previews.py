"""Looking ahead at an identifier change: what is told is what the change then does, and nothing is written."""

from typing import Any

import pytest

from tests.store.adapters import Store, hearing
from tests.store.scenes import Scene
from tests.store.test_checks import FORMS, counted
from workspace_operator.errors import NotFound
from workspace_operator.identity.rules import Mode
from workspace_operator.migrations.records import OnConflict, Violation, ViolationCounts
from workspace_operator.migrations.stages import Stage
from workspace_operator.reconcile.observed import PeopleCounts
from workspace_operator.reconcile.previews import Preview, Sample
from workspace_operator.store.previewing import NAMED_SHARERS


def preview(scene: Scene, to: Mode = Mode.EMAIL_OR_ID, *, samples: int = 3) -> Preview:
    return scene.store.previews.preview(scene.workspace_id, from_mode=scene.mode, to_mode=to, samples=samples)


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_foreseen(scene: Scene, form: str) -> None:
    people, expected = FORMS[form]
    scene.suppress(email="blocked@example.com")
    scene.suppress(email="nobody@example.com")
    scene.add_many(people)

    seen = preview(scene)

    assert seen.violations == counted(expected)
    assert seen.people.total == len(people)


@pytest.mark.parametrize("on_conflict", OnConflict)
@pytest.mark.parametrize("form", FORMS)
def test_what_is_foreseen_comes_true(scene: Scene, form: str, on_conflict: OnConflict) -> None:
    people, _ = FORMS[form]
    scene.suppress(email="blocked@example.com")
    scene.add_many(people)
    seen = preview(scene)

    change = scene.change_to(Mode.EMAIL_OR_ID, on_conflict)

    assert change.violations == seen.in_the_way(on_conflict)
    assert (change.stage is Stage.COMPLETED) is seen.is_clear(on_conflict)
    assert change.people_total == seen.people.total
    if change.stage is Stage.COMPLETED:
        assert change.people_without_identifier == seen.people_without_usable_identifier
        merged = (seen.people_merged, seen.ids_given_up) if on_conflict is OnConflict.MERGE else (0, 0)
        assert (change.people_merged, change.ids_given_up) == merged
        assert scene.store.people.count(scene.workspace_id).total == len(people) - merged[0]


def test_groups_tell_what_merging_takes(scene: Scene) -> None:
    scene.change_to(Mode.EMAIL_OR_ID)
    scene.say(email="ann@example.com")
    scene.say(email="bob@example.com")
    scene.change_to(Mode.ID_ONLY)
    scene.add_many(
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

    seen = preview(scene)

    assert seen.groups == 3
    assert seen.people_merged == 1 + 2 + 2
    assert seen.ids_given_up == 0 + 1 + 2
    assert seen.violations.duplicate_email == 8


def test_merging_does_what_was_foreseen_of_people_without_ids(scene: Scene) -> None:
    scene.change_to(Mode.EMAIL_OR_ID)
    scene.say(email="ann@example.com")
    scene.say(email="bob@example.com")
    scene.change_to(Mode.ID_ONLY)
    scene.add_many({"1": "ann@example.com", "2": "bob@example.com", "3": "bob@example.com", "4": "bob@example.com"})
    seen = preview(scene)

    change = scene.change_to(Mode.EMAIL_OR_ID, OnConflict.MERGE)

    assert (change.people_merged, change.ids_given_up) == (seen.people_merged, seen.ids_given_up) == (4, 2)
    counts = scene.store.people.count(scene.workspace_id)
    assert (counts.total, counts.without_id) == (2, 0)


def test_nobody_counts_twice_among_those_concerned(scene: Scene) -> None:
    scene.suppress(email="blocked@example.com")
    scene.add_many(
        {
            "a@example.org": "blocked@example.com",
            "b@example.org": "blocked@example.com",
            "c@example.org": "nowhere",
            "d@example.org": "fine@example.com",
            "e@example.org": None,
        }
    )

    seen = preview(scene)

    assert seen.violations == ViolationCounts(
        duplicate_email=2, invalid_email=1, suppressed_email=2, id_is_another_email=5, people_concerned=5
    )
    assert seen.people_concerned_beside_sharing == 5


def test_people_without_id_lose_their_identifier(scene: Scene) -> None:
    scene.change_to(Mode.EMAIL_OR_ID)
    scene.say(email="ann@example.com")
    scene.add("1", "bob@example.com")

    seen = preview(scene, Mode.ID_ONLY)

    assert seen.people == PeopleCounts(total=2, with_email=2, without_id=1)
    assert seen.people_without_usable_identifier == 1
    assert seen.is_clear(OnConflict.BLOCK)
    assert scene.change_to(Mode.ID_ONLY).people_without_identifier == 1


def test_people_with_neither_are_counted(scene: Scene) -> None:
    scene.change_to(Mode.EMAIL_OR_ID)
    nobody = scene.say(email="ann@example.com").person
    scene.change_to(Mode.ID_ONLY)
    assert nobody is not None
    scene.say(cio_id=nobody.cio_id, body={"email": None})

    seen = preview(scene)

    assert seen.people_without_usable_identifier == 1
    assert seen.is_clear(OnConflict.BLOCK)


def test_people_of_email_only_are_not_checked(store: Store) -> None:
    scene = Scene.create(store, Mode.EMAIL_ONLY)
    scene.say(email="ann@example.com")

    seen = preview(scene)

    assert seen == Preview(people=PeopleCounts(total=1, with_email=1))


def test_samples_say_who_and_with_whom(scene: Scene) -> None:
    scene.suppress(email="blocked@example.com")
    young = scene.add("young", "Zoe@example.com", created_at=1_000_000_200)
    old = scene.add("old", "zoe@example.com", created_at=1_000_000_100)
    blocked = scene.add("blocked", "Blocked@example.com")
    invalid = scene.add("invalid", "nowhere")
    another = scene.add("zoe@example.com", "zoe@example.net")

    samples = preview(scene).samples

    def alone(cio_id: str, id_: str, email: str) -> list[Sample]:
        return [Sample(cio_id=cio_id, id=id_, email=email, sharing=1)]

    assert {name: list(found) for name, found in samples.items()} == {
        Violation.DUPLICATE_EMAIL: [
            Sample(cio_id=old, id="old", email="zoe@example.com", sharing=2, shares_with=(young,))
        ],
        Violation.INVALID_EMAIL: alone(invalid, "invalid", "nowhere"),
        Violation.SUPPRESSED_EMAIL: alone(blocked, "blocked", "Blocked@example.com"),
        Violation.ID_IS_ANOTHER_EMAIL: alone(another, "zoe@example.com", "zoe@example.net"),
    }


def test_samples_are_few_and_come_in_order(scene: Scene) -> None:
    for letter in "cabd":
        scene.suppress(email=f"{letter}@example.org")
        scene.add_many({f"{letter}{twin}": f"{letter}@example.com" for twin in range(3)})
        scene.add(f"suppressed {letter}", f"{letter}@example.org")
    invalid = [scene.add(f"invalid {number}", "nowhere") for number in range(4)]

    samples = preview(scene, samples=2).samples

    assert [each.email for each in samples[Violation.DUPLICATE_EMAIL]] == ["a@example.com", "b@example.com"]
    assert [each.email for each in samples[Violation.SUPPRESSED_EMAIL]] == ["a@example.org", "b@example.org"]
    assert [each.cio_id for each in samples[Violation.INVALID_EMAIL]] == invalid[:2]
    assert preview(scene, samples=0).samples == {}


def test_thousands_who_share_are_not_all_named(scene: Scene) -> None:
    scene.add_many({str(number): "info@example.com" for number in range(2000)})

    [sample] = preview(scene).samples[Violation.DUPLICATE_EMAIL]

    assert sample.sharing == 2000
    assert len(sample.shares_with) == NAMED_SHARERS
    assert sample.cio_id not in sample.shares_with


def test_address_of_many_samples_is_looked_up_once(sql_scene: Scene) -> None:
    database = sql_scene.store.database
    assert database is not None
    sql_scene.add_many({f"{number}@example.com": "info@example.com" for number in range(NAMED_SHARERS)})

    with hearing(database) as sent:
        samples = preview(sql_scene, samples=NAMED_SHARERS).samples

    assert len(samples[Violation.ID_IS_ANOTHER_EMAIL]) == NAMED_SHARERS
    assert sum("info@example.com" in _values(parameters) for _, parameters in sent) == 2


def _values(parameters: Any) -> list[object]:
    return list(parameters.values() if isinstance(parameters, dict) else parameters)


def test_other_workspaces_are_not_looked_at(scene: Scene) -> None:
    other = Scene.create(scene.store, Mode.ID_ONLY)
    other.add_many({"1": "a@example.com", "2": "a@example.com", "3": "no", "x@y.org": None})
    other.suppress(email="b@example.com")
    scene.add_many({"1": "a@example.com", "2": "b@example.com"})

    assert preview(scene) == Preview(people=PeopleCounts(total=2, with_email=2))


def test_unknown_workspace_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound):
        store.previews.preview(10**12, from_mode=Mode.ID_ONLY, to_mode=Mode.EMAIL_OR_ID, samples=1)


def test_directory_has_every_workspace_and_its_newest_change(scene: Scene) -> None:
    other = Scene.create(scene.store, Mode.EMAIL_OR_ID)
    scene.change_to(Mode.EMAIL_OR_ID)
    scene.request(Mode.ID_ONLY)

    directory = scene.store.previews.directory()

    assert directory.workspaces == {each.workspace_id: each.workspace for each in (scene, other)}
    assert directory.migrations == {scene.workspace_id: scene.change}
    assert scene.change.number == 2
