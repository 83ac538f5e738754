"""From any state of the store, a resource comes to rest in a few rounds, and then stays at rest."""

from collections.abc import Iterator
from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from tests.reconcile.builders import NOW, plan_for
from tests.reconcile.policies.model_store import ModelStore
from tests.reconcile.strategies import (
    any_owner,
    desired_states,
    invalid_specs,
    modes,
    resources,
    statuses,
    workspaces,
)
from workspace_operator.migrations.model import Migration, OnConflict
from workspace_operator.migrations.state_machine import BEFORE_CUTOVER, TERMINAL, Stage
from workspace_operator.reconcile.model.actions import WorkspacePlan
from workspace_operator.reconcile.model.credentials import SecretState
from workspace_operator.reconcile.model.desired import DesiredState, Resource
from workspace_operator.reconcile.plan.simulation import InMemoryWorkspaces, WorkspacesSnapshot
from workspace_operator.reconcile.policies.spec_validation import new_value_problems
from workspace_operator.resources.display_names import comparison_key
from workspace_operator.resources.workspaces import ADOPT, RECREATE
from workspace_operator.workspaces.model import Workspace

MAX_ITERATIONS = 10
NEITHER = {ADOPT: "", RECREATE: ""}


# Counts and times decide nothing; test_properties draws them for the status.
migrations_in_brief = st.builds(
    Migration,
    workspace_id=st.just(0),
    number=st.integers(1, 9),
    from_mode=modes,
    to_mode=modes,
    on_conflict=st.sampled_from(OnConflict),
    stage=st.sampled_from(Stage),
    paused=st.booleans(),
    requested_at=st.just(NOW),
    retry_token=st.sampled_from(["", "first"]),
)


@st.composite
def stores(draw: st.DrawFn) -> ModelStore:
    """Up to three workspaces with names and owners of their own, some with an identifier change."""
    drawn = [
        replace(each, spec_generation=draw(st.integers(0, 4)))
        for each in distinct(draw(st.lists(workspaces(any_owner), max_size=4)))
    ]
    found = ModelStore(
        directory=InMemoryWorkspaces(WorkspacesSnapshot(workspaces={each.workspace_id: each for each in drawn})),
        secret=draw(st.sampled_from(SecretState)),
        secret_owner=draw(st.none() | st.integers(1, 3)),
    )
    if found.secret in (SecretState.ABSENT, SecretState.NO_CLUSTER, SecretState.REFUSED):
        found.secret_owner = None
    for each in drawn:
        if draw(st.booleans()):
            found.credentials[each.workspace_id] = draw(st.sampled_from(["", "first"]))
        if migration := draw(st.none() | migrations_in_brief):
            found.directory.migrations[each.workspace_id] = consistent(migration, each)
        if draw(st.booleans()):
            found.gone.add(each.owner)
    return found


def distinct(workspaces: list[Workspace]) -> Iterator[Workspace]:
    """Without those whose number, owner or name an earlier one has; a filter of the strategy would draw them again."""
    taken = set[object]()
    for each in workspaces:
        place = (each.owner.cluster, each.owner.namespace)
        keys = {each.workspace_id, (*place, each.owner.name), (*place, each.account, comparison_key(name_of(each)))}
        if not keys & taken:
            taken |= keys
            yield each


def name_of(workspace: Workspace) -> str:
    return workspace.settings.display_name


def consistent(migration: Migration, workspace: Workspace) -> Migration:
    """The change, from or to the mode in force as its stage says."""
    migration = replace(migration, workspace_id=workspace.workspace_id)
    if migration.stage in BEFORE_CUTOVER:
        return replace(migration, from_mode=workspace.mode)
    return migration if migration.stage in TERMINAL else replace(migration, to_mode=workspace.mode)


def converged(resource: Resource, store: ModelStore) -> Resource:
    """Act until there is nothing to do, then write what the plan says; each action must do something."""
    plan = plan_for(resource, store.observe(resource))
    for _ in range(MAX_ITERATIONS):
        before = store.state()
        for action in plan.actions:
            store.apply(action, resource)
        assert not plan.actions or store.state() != before
        plan = plan_for(resource, store.observe(resource))
    assert plan.actions == ()
    return written(resource, plan)


def written(resource: Resource, plan: WorkspacePlan) -> Resource:
    finalizers = resource.finalizers if plan.finalizers is None else plan.finalizers
    return replace(resource, status=plan.status or resource.status, finalizers=finalizers)


@given(resources(desired_states | invalid_specs, statuses), stores())
def test_comes_to_rest_from_anywhere(subject: Resource, store: ModelStore) -> None:
    settled = converged(subject, store)

    again = plan_for(settled, store.observe(settled), now=NOW)

    assert (again.actions, again.status, again.finalizers, again.events) == ((), None, None, ())


@given(resources(desired_states | invalid_specs, statuses), stores())
def test_rests_again_after_worker(subject: Resource, store: ModelStore) -> None:
    settled = converged(subject, store)
    store.complete_migrations()

    moved = converged(settled, store)

    assert converged(moved, store) == moved


@given(resources(desired_states, statuses))
def test_empty_store_leads_to_ready(subject: Resource) -> None:
    assume(isinstance(subject.desired, DesiredState) and not new_value_problems(subject.desired.settings, None))
    plain = replace(subject, deleting=False, suspended=False, annotations={**subject.annotations, **NEITHER})
    plain = replace(plain, status={})
    store = ModelStore()

    settled = converged(plain, store)

    assert settled.status["conditions"][0]["status"] == "True"
    assert [each.owner.name for each in store.workspaces.values()] == ["shop"]


@given(resources(desired_states | invalid_specs, statuses), stores())
def test_others_are_left_alone(subject: Resource, store: ModelStore) -> None:
    own, adopted = store.directory.owned_by(subject.owner("cluster-1")), subject.adopt_workspace_id
    before = {key: each for key, each in store.workspaces.items() if each != own and key != adopted}

    converged(subject, store)

    assert {key: store.workspaces.get(key) for key in before} == before


@given(resources(desired_states | invalid_specs, statuses), stores())
def test_foreign_secret_stays_as_it_is(subject: Resource, store: ModelStore) -> None:
    store.secret = SecretState.FOREIGN
    held, credentials = store.secret_owner, dict(store.credentials)

    converged(subject, store)

    assert (store.secret, store.secret_owner) == (SecretState.FOREIGN, held)
    assert credentials.items() >= store.credentials.items()


@given(resources(desired_states, statuses), stores())
def test_ready_with_a_cluster_means_credentials(subject: Resource, store: ModelStore) -> None:
    assume(store.secret is not SecretState.NO_CLUSTER)
    living = replace(subject, deleting=False)

    settled = converged(living, store)

    ready = settled.status["conditions"][0]["status"] == "True"
    assert not ready or (store.secret is SecretState.OWN and store.secret_owner in store.credentials)


@given(resources(desired_states | invalid_specs, statuses), stores())
def test_people_go_only_when_confirmed(subject: Resource, store: ModelStore) -> None:
    names = {key: name_of(each) for key, each in store.workspaces.items()}

    converged(subject, store)

    gone = [names[key] for key in names.keys() - store.workspaces.keys()]
    confirmed = subject.annotations.get("workspace-operator.dev/confirm-delete")
    assert all(subject.deleting and name == confirmed for name in gone)


@given(resources(desired_states | invalid_specs, statuses), stores())
def test_another_database_changes_nothing(subject: Resource, store: ModelStore) -> None:
    named = replace(subject, status={**converged(subject, store).status, "workspaceID": 2, "storeID": "store-9"})
    living = replace(named, deleting=False, annotations={**subject.annotations, RECREATE: ""})
    before = store.state()

    settled = converged(living, store)

    assert store.state() == before
    assert settled.status["conditions"][0]["reason"] == "WorkspaceMissing"
    assert (settled.status["workspaceID"], settled.status["storeID"]) == (2, "store-9")


@given(resources(desired_states, st.just({})), stores(), stores())
def test_databases_may_be_exchanged_and_exchanged_back(subject: Resource, store: ModelStore, other: ModelStore) -> None:
    other.store_id = "store-2"
    living = replace(subject, deleting=False, suspended=False, annotations={**subject.annotations, RECREATE: ""})
    settled = converged(living, store)
    assume(settled.status.get("storeID") == "store-1")

    back = converged(converged(settled, other), store)

    assert status_without_times(back) == status_without_times(settled)


def status_without_times(resource: Resource) -> object:
    conditions = [{**each, "lastTransitionTime": ""} for each in resource.status["conditions"]]
    return {**resource.status, "conditions": conditions}


@given(resources(desired_states, st.just({})), stores())
def test_no_value_gives_up_two_workspaces(subject: Resource, store: ModelStore) -> None:
    first = converged(replace(subject, deleting=False, suspended=False), store)
    assume(first.status.get("storeID") == "store-1")
    lost = ModelStore(store_id="store-2")

    second = converged(first, lost)

    assert (second.status["storeID"], lost.workspaces) == ("store-1", {})
