"""From any state of the store, a resource comes to rest in a few rounds, and then stays at rest."""

from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from tests.reconcile.builders import NOW, decided
from tests.reconcile.model_store import ModelStore, place
from tests.reconcile.strategies import (
    anybody,
    invalid_wishes,
    migrations,
    resources,
    statuses,
    wishes,
    workspaces,
)
from workspace_operator.migrations.records import Migration
from workspace_operator.migrations.stages import BEFORE_SWITCH, ENDED
from workspace_operator.reconcile.credentials import SecretState
from workspace_operator.reconcile.observed import StoredWorkspace
from workspace_operator.reconcile.plan import Plan
from workspace_operator.reconcile.validity import problems_of_new_values
from workspace_operator.reconcile.wishes import Resource, Wish
from workspace_operator.resources.workspaces import ADOPT, RECREATE

MOST_ACTIONS = 10
NEITHER = {ADOPT: "", RECREATE: ""}


@st.composite
def stores(draw: st.DrawFn) -> ModelStore:
    """Up to three workspaces with names and owners of their own, some with an identifier change."""
    drawn = draw(
        st.lists(
            workspaces(anybody),
            max_size=3,
            unique_by=(
                lambda each: each.workspace_id,
                lambda each: place(each.owner),
                lambda each: (each.owner.namespace, each.account, each.settings.display_name),
            ),
        )
    )
    found = ModelStore(
        workspaces={each.workspace_id: each for each in drawn},
        secret=draw(st.sampled_from(SecretState)),
        held=draw(st.none() | st.integers(1, 3)),
    )
    if found.secret in (SecretState.ABSENT, SecretState.NOWHERE, SecretState.REFUSED):
        found.held = None
    for each in drawn:
        if draw(st.booleans()):
            found.credentials[each.workspace_id] = draw(st.sampled_from(["", "first"]))
        if change := draw(st.none() | migrations(st.just(each.workspace_id))):
            found.migrations[each.workspace_id] = fitting(change, each)
        if draw(st.booleans()):
            found.released.add(each.workspace_id)
    return found


def fitting(change: Migration, workspace: StoredWorkspace) -> Migration:
    """The change, from or to the mode in force as its stage says."""
    if change.stage in BEFORE_SWITCH:
        return replace(change, from_mode=workspace.mode)
    return change if change.stage in ENDED else replace(change, to_mode=workspace.mode)


def at_rest(resource: Resource, store: ModelStore) -> Resource:
    """Act until there is nothing to do, then write what the plan says; each action must do something."""
    plan = decided(resource, store.observe(resource))
    for _ in range(MOST_ACTIONS):
        before = store.state()
        for action in plan.actions:
            store.carry_out(action)
        assert not plan.actions or store.state() != before
        plan = decided(resource, store.observe(resource))
    assert plan.actions == ()
    return written(resource, plan)


def written(resource: Resource, plan: Plan) -> Resource:
    finalizers = resource.finalizers if plan.finalizers is None else plan.finalizers
    return replace(resource, status=plan.status or resource.status, finalizers=finalizers)


@given(resources(wishes | invalid_wishes, statuses), stores())
def test_comes_to_rest_from_anywhere(subject: Resource, store: ModelStore) -> None:
    settled = at_rest(subject, store)

    again = decided(settled, store.observe(settled), now=NOW)

    assert (again.actions, again.status, again.finalizers, again.events) == ((), None, None, ())


@given(resources(wishes | invalid_wishes, statuses), stores())
def test_rests_again_after_worker(subject: Resource, store: ModelStore) -> None:
    settled = at_rest(subject, store)
    store.advance()

    moved = at_rest(settled, store)

    assert at_rest(moved, store) == moved


@given(resources(wishes, statuses))
def test_empty_store_leads_to_ready(subject: Resource) -> None:
    assume(isinstance(subject.wish, Wish) and not problems_of_new_values(subject.wish.settings, None))
    plain = replace(subject, deleting=False, suspended=False, annotations={**subject.annotations, **NEITHER})
    plain = replace(plain, status={})
    store = ModelStore()

    settled = at_rest(plain, store)

    assert settled.status["conditions"][0]["status"] == "True"
    assert [each.owner.name for each in store.workspaces.values()] == ["shop"]


@given(resources(wishes | invalid_wishes, statuses), stores())
def test_others_are_left_alone(subject: Resource, store: ModelStore) -> None:
    ours = place(subject.owner("cluster-1"))
    adopted = subject.adopts_number
    before = {key: each for key, each in store.workspaces.items() if place(each.owner) != ours and key != adopted}

    at_rest(subject, store)

    assert {key: store.workspaces.get(key) for key in before} == before


@given(resources(wishes | invalid_wishes, statuses), stores())
def test_foreign_secret_stays_as_it_is(subject: Resource, store: ModelStore) -> None:
    store.secret = SecretState.FOREIGN
    held, credentials = store.held, dict(store.credentials)

    at_rest(subject, store)

    assert (store.secret, store.held) == (SecretState.FOREIGN, held)
    assert credentials.items() >= store.credentials.items()


@given(resources(wishes, statuses), stores())
def test_ready_with_a_cluster_means_credentials(subject: Resource, store: ModelStore) -> None:
    assume(store.secret is not SecretState.NOWHERE)
    living = replace(subject, deleting=False)

    settled = at_rest(living, store)

    ready = settled.status["conditions"][0]["status"] == "True"
    assert not ready or (store.secret is SecretState.OWN and store.held in store.credentials)


@given(resources(wishes | invalid_wishes, statuses), stores())
def test_people_go_only_when_confirmed(subject: Resource, store: ModelStore) -> None:
    names = {key: each.settings.display_name for key, each in store.workspaces.items()}

    at_rest(subject, store)

    gone = [names[key] for key in names.keys() - store.workspaces.keys()]
    confirmed = subject.annotations.get("workspace-operator.dev/confirm-delete")
    assert all(subject.deleting and name == confirmed for name in gone)


@given(resources(wishes | invalid_wishes, statuses), stores())
def test_another_database_changes_nothing(subject: Resource, store: ModelStore) -> None:
    named = replace(subject, status={**at_rest(subject, store).status, "workspaceID": 2, "storeID": "store-9"})
    living = replace(named, deleting=False, annotations={**subject.annotations, RECREATE: ""})
    before = store.state()

    settled = at_rest(living, store)

    assert store.state() == before
    assert settled.status["conditions"][0]["reason"] == "WorkspaceMissing"
    assert (settled.status["workspaceID"], settled.status["storeID"]) == (2, "store-9")


@given(resources(wishes | invalid_wishes, statuses), stores(), stores())
def test_databases_may_be_exchanged_and_exchanged_back(subject: Resource, store: ModelStore, other: ModelStore) -> None:
    other.store_id = "store-2"
    settled = at_rest(replace(subject, deleting=False, annotations={**subject.annotations, RECREATE: ""}), store)
    assume(settled.status.get("storeID") == "store-1")

    back = at_rest(at_rest(settled, other), store)

    assert told_apart_from_times(back) == told_apart_from_times(settled)


def told_apart_from_times(resource: Resource) -> object:
    conditions = [{**each, "lastTransitionTime": ""} for each in resource.status["conditions"]]
    return {**resource.status, "conditions": conditions}


@given(resources(wishes, statuses), stores())
def test_no_value_gives_up_two_workspaces(subject: Resource, store: ModelStore) -> None:
    first = at_rest(replace(subject, deleting=False), store)
    assume(first.status.get("storeID") == "store-1")
    lost = ModelStore(store_id="store-2")

    second = at_rest(first, lost)

    assert (second.status["storeID"], lost.workspaces) == ("store-1", {})
