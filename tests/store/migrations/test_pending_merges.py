"""Between a cut-over and the merges of rows: pending merges are invisible."""

from collections.abc import Callable

import pytest

from tests.store.bulk_data import ANN, BEN, cut_over_migration, finish, ids_by_cio_id
from tests.store.fixtures import WorkspaceEnv
from tests.store.merge_builders import append_events, device, devices, event, events, merge, person, segments
from workspace_operator.application.ports import Lease
from workspace_operator.identity.model.commands import AddDevice, SetMembership, TrackEvent
from workspace_operator.identity.model.person_events import ActivityType
from workspace_operator.identity.model.results import Effect
from workspace_operator.identity.values.rules import EMAIL, ID, Mode
from workspace_operator.identity.values.tracked_events import tracked_event_of
from workspace_operator.migrations.model import OnConflict


def test_activities_are_the_survivors_at_once(env: WorkspaceEnv, people: dict[str, str]) -> None:
    append_events(env, event(people["2"], "bought"), event(people["5"], "sold"))
    lease = cut_over_migration(env)

    found = env.store.person_records.activities(env.workspace_id, type=ActivityType.EVENT, limit=10)

    assert [(each.cio_id, each.id, each.email) for each in found] == [(people["4"], "4", BEN), (people["1"], "1", ANN)]
    finish(env, lease)


def test_everybody_is_counted_as_they_are(lease: Lease, env: WorkspaceEnv, people: dict[str, str]) -> None:
    counts = env.store.people.count(env.workspace_id)

    assert (counts.total, counts.with_email, counts.without_id) == (3, 3, 0)
    assert ids_by_cio_id(env) == {people[each]: each for each in ("1", "4", "6")}
    finish(env, lease)


NAMES: dict[str, Callable[[dict[str, str]], dict[str, str]]] = {
    "own id": lambda _: {"id": "1"},
    "address": lambda _: {"email": "Ann@Example.com"},
    "cio_id": lambda people: {"cio_id": people["1"]},
}
LOST: dict[str, Callable[[dict[str, str]], dict[str, str]]] = {
    "id": lambda _: {"id": "3"},
    "cio_id": lambda people: {"cio_id": people["2"]},
}


@pytest.mark.parametrize("name", NAMES)
def test_survivor_is_found(lease: Lease, env: WorkspaceEnv, people: dict[str, str], name: str) -> None:
    found = env.find(**NAMES[name](people))

    assert found is not None
    assert (found.cio_id, found.id, found.attributes) == (people["1"], "1", {"number": "1"})
    finish(env, lease)
    assert person(env, people["1"]) == found


@pytest.mark.parametrize("name", LOST)
def test_others_are_gone(lease: Lease, env: WorkspaceEnv, people: dict[str, str], name: str) -> None:
    assert env.find(**LOST[name](people)) is None
    finish(env, lease)


def test_owners_of_an_address_are_one(lease: Lease, env: WorkspaceEnv, people: dict[str, str]) -> None:
    having = env.store.people.find_by_email(env.workspace_id, ANN, limit=10)

    assert [each.cio_id for each in having] == [people["1"]]
    finish(env, lease)


@pytest.mark.parametrize("kind", ["id", "email"])
def test_survivor_is_found_by_the_beginning(lease: Lease, env: WorkspaceEnv, people: dict[str, str], kind: str) -> None:
    if kind == "id":
        found = env.store.people.find_by_id_prefix(env.workspace_id, "1", limit=10)
    else:
        found = env.store.people.find_by_email_prefix(env.workspace_id, ANN[:4], limit=10)

    assert [each.cio_id for each in found] == [people["1"]]
    finish(env, lease)


def test_command_reaches_the_survivor(lease: Lease, env: WorkspaceEnv, people: dict[str, str]) -> None:
    outcome = env.identify_person(email=ANN, body={"plan": "pro"})

    assert outcome.person == env.find(cio_id=people["1"])
    assert outcome.person is not None
    assert outcome.person.attributes == {"number": "1", "plan": "pro"}
    finish(env, lease)
    assert person(env, people["1"]) == outcome.person


def test_id_given_up_creates_a_person(lease: Lease, env: WorkspaceEnv) -> None:
    outcome = env.identify_person(id="2", body={"email": "new@example.com"})

    assert outcome.effect is Effect.CREATED
    finish(env, lease)
    assert len(ids_by_cio_id(env)) == 4


def test_only_ids_given_up_are_free(lease: Lease, env: WorkspaceEnv, people: dict[str, str]) -> None:
    outcome = env.identify_person(cio_id=people["6"], body={"id": "5"})

    assert outcome.refusals == ()
    assert env.identify_person(cio_id=people["6"], body={"id": "4"}).refusals[0].kind is ID
    finish(env, lease)
    assert ids_by_cio_id(env)[people["6"]] == "5"


def test_command_on_two_groups(lease: Lease, env: WorkspaceEnv, people: dict[str, str]) -> None:
    outcome = env.identify_person(id="1", body={"email": BEN})

    assert [each.kind for each in outcome.refusals] == [EMAIL]
    finish(env, lease)
    assert ids_by_cio_id(env) == {people[each]: each for each in ("1", "4", "6")}


def test_rows_of_an_import(lease: Lease, env: WorkspaceEnv, people: dict[str, str]) -> None:
    outcomes = env.identify(*(env.call(id=id_, body={"plan": "pro"}) for id_ in ("1", "4", "6", "5")))

    assert [each.effect for each in outcomes] == [*[Effect.UPDATED] * 3, Effect.CREATED]
    finish(env, lease)
    assert len(ids_by_cio_id(env)) == 4
    assert person(env, people["4"]).attributes == {"number": "4", "plan": "pro"}


def test_what_is_hung_on_a_group(lease: Lease, env: WorkspaceEnv, people: dict[str, str]) -> None:
    of_ann = env.reference(email=ANN)

    env.perform(
        TrackEvent(reference=of_ann, event=tracked_event_of({"name": "bought"})),
        AddDevice(reference=of_ann, device=device("t-1")),
        SetMembership(reference=of_ann, segment=7, member=True),
    )

    finish(env, lease)
    assert events(env, people["1"]) == ["bought"]
    assert devices(env, people["1"]) == (device("t-1"),)
    assert segments(env, people["1"]) == (7,)


@pytest.mark.parametrize("for_suppression", [True, False])
def test_survivor_goes_as_a_whole(env: WorkspaceEnv, people: dict[str, str], for_suppression: bool) -> None:
    append_events(env, event(people["3"], "bought"))
    lease = cut_over_migration(env)

    assert (env.suppress if for_suppression else env.delete)(email=ANN)

    finish(env, lease)
    assert ids_by_cio_id(env) == {people[each]: each for each in ("4", "6")}
    assert events(env, people["1"]) == []
    assert [each.holder for each in env.store.merges.merges(env.workspace_id, limit=10)] == [people["4"]]


def test_survivors_are_merged(lease: Lease, env: WorkspaceEnv, people: dict[str, str]) -> None:
    kept = merge(env, people["4"], people["1"])

    assert (kept.survivor.id, kept.survivor.email, kept.automatic) == ("4", BEN, False)
    finish(env, lease)
    assert ids_by_cio_id(env) == {people[each]: each for each in ("4", "6")}
    assert len(env.store.merges.merges(env.workspace_id, limit=10)) == 4


def test_earlier_exports_list_no_merged_people(env: WorkspaceEnv, people: dict[str, str]) -> None:
    env.migrate_to(Mode.EMAIL_OR_ID, OnConflict.BLOCK)
    assert len(env.violations()) == 5
    env.cancel()
    while env.work():
        pass

    lease = cut_over_migration(env)

    assert [each.cio_id for each in env.violations()] == [people["1"], people["4"]]
    finish(env, lease)
    assert [each.cio_id for each in env.violations()] == [people["1"], people["4"]]


@pytest.mark.usefixtures("people")
def test_earlier_exports_show_the_values_of_survivors(env: WorkspaceEnv) -> None:
    env.migrate_to(Mode.EMAIL_OR_ID, OnConflict.BLOCK)
    env.identify_person(id="3", body={"city": "Oslo"})
    env.cancel()
    while env.work():
        pass
    lease = cut_over_migration(env)

    def values() -> list[tuple[object, ...]]:
        return [each.values for each in env.store.exports.violations(env.workspace_id, 1, attributes=["city"])]

    assert values() == [("Oslo",), (None,)]
    finish(env, lease)
    assert values() == [("Oslo",), (None,)]


def test_earlier_merges_are_held_by_survivors(env: WorkspaceEnv, people: dict[str, str]) -> None:
    kept = merge(env, people["2"], people["6"])
    lease = cut_over_migration(env)

    listed = env.store.merges.merges(env.workspace_id, limit=10)
    assert [each.holder for each in listed if each.merge_id == kept.merge_id] == [people["1"]]
    assert env.store.merges.get(env.workspace_id, kept.merge_id).holder == people["1"]
    finish(env, lease)
    assert env.store.merges.get(env.workspace_id, kept.merge_id).holder == people["1"]
