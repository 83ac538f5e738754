"""A directory in memory takes actions as the real one does, and shows what a reconcile would see."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.reconcile.builders import (
    CLUSTER,
    NOW,
    OWNER,
    SHOP,
    blocked,
    candidate,
    desired,
    migration,
    resource,
    stored,
)
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import Migration, OnConflict, ViolationCounts
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.reconcile.model.actions import (
    Action,
    CancelMigration,
    ChangeOwner,
    ClaimSecret,
    CreateWorkspace,
    DeleteSecret,
    DeleteWorkspace,
    PauseMigration,
    RequestMigration,
    RetryMigration,
    RotateCredentials,
    SecretAction,
    UpdateSettings,
)
from workspace_operator.reconcile.model.credentials import RotationReason
from workspace_operator.reconcile.model.desired import InvalidSpec, Resource
from workspace_operator.reconcile.model.observed import Candidate, ObservedState
from workspace_operator.reconcile.plan.previews import Preview
from workspace_operator.reconcile.plan.simulation import InMemoryWorkspaces, WorkspacesSnapshot
from workspace_operator.resources.problems import Problem
from workspace_operator.resources.workspaces import ADOPT
from workspace_operator.workspaces.model import Owner, PeopleCounts, Workspace

OTHERS = candidate().workspace
CLEAR = Preview(people=PeopleCounts(total=5))
SHARING = Preview(
    people=PeopleCounts(total=5), violations=ViolationCounts(duplicate_email=2, people_concerned=2), people_to_merge=1
)


def simulation(*workspaces: Workspace, migrations: Sequence[Migration] = ()) -> InMemoryWorkspaces:
    return InMemoryWorkspaces(
        WorkspacesSnapshot(
            workspaces={each.workspace_id: each for each in workspaces},
            migrations={each.workspace_id: each for each in migrations},
        )
    )


def observation_of(
    rehearsed: InMemoryWorkspaces, of: Resource | None = None, *, owner_is_gone: bool = False
) -> ObservedState:
    of = of or resource()
    return rehearsed.observe(of, of.owner(CLUSTER), lambda _: owner_is_gone)


def after(rehearsed: InMemoryWorkspaces, *actions: Action | SecretAction) -> ObservedState:
    for action in actions:
        rehearsed.apply(action, now=NOW)
    return observation_of(rehearsed)


def test_empty_directory_shows_nothing() -> None:
    assert observation_of(simulation()) == ObservedState(people=None)


@pytest.mark.parametrize("uid", ["uid-1", "uid-0", ""])
def test_own_workspace_is_seen_whatever_the_uid(uid: str) -> None:
    own = stored(owner=replace(OWNER, uid=uid))

    assert observation_of(simulation(own, migrations=[migration()])) == ObservedState(
        workspace=own, migration=migration(), people=None
    )


def test_holder_of_the_wanted_name_is_seen() -> None:
    observed = observation_of(simulation(OTHERS), owner_is_gone=True)

    assert observed.name_holder == Candidate(workspace=OTHERS, owner_is_gone=True)


@pytest.mark.parametrize(
    "other",
    [
        replace(OTHERS, account="acme"),
        replace(OTHERS, owner=replace(OTHERS.owner, namespace="team-b")),
        replace(OTHERS, owner=replace(OTHERS.owner, cluster="cluster-2")),
        replace(OTHERS, settings=replace(SHOP, display_name="shop")),
    ],
    ids=["account", "namespace", "cluster", "spelling"],
)
def test_name_is_free_elsewhere(other: Workspace) -> None:
    assert observation_of(simulation(other)).name_holder is None


def test_other_form_of_a_name_is_held() -> None:
    composed = replace(OTHERS, settings=replace(SHOP, display_name="Caf\xe9"))

    observed = observation_of(simulation(composed), resource(desired=desired(display_name="Cafe\u0301")))

    assert observed.name_holder == Candidate(workspace=composed, owner_is_gone=False)


def test_own_name_is_held_by_nobody_else() -> None:
    assert observation_of(simulation(stored())).name_holder is None


def test_name_counts_in_the_account_of_the_workspace() -> None:
    wished = resource(desired=desired(account="acme"))

    observed = observation_of(
        simulation(replace(stored(), settings=replace(SHOP, display_name="Mine")), OTHERS), wished
    )

    assert observed.name_holder == Candidate(workspace=OTHERS, owner_is_gone=False)


def test_adoptable_workspace_is_seen() -> None:
    adopting = resource(annotations={ADOPT: "9"})

    assert observation_of(simulation(OTHERS), adopting).from_annotation == Candidate(
        workspace=OTHERS, owner_is_gone=False
    )
    assert observation_of(simulation(), adopting).from_annotation is None


def test_invalid_spec_searches_no_name() -> None:
    invalid = resource(desired=InvalidSpec(problems=(Problem(path="spec", message="is wrong"),)))

    assert observation_of(simulation(OTHERS), invalid) == ObservedState(people=None)


def test_created_workspace_is_there() -> None:
    made = CreateWorkspace(owner=OWNER, account="default", mode=Mode.ID_ONLY, settings=SHOP)

    observed = after(simulation(replace(OTHERS, account="acme")), made)

    assert observed.workspace == Workspace(
        workspace_id=10, account="default", owner=OWNER, mode=Mode.ID_ONLY, settings=SHOP, row_version=1
    )


def test_taken_over_workspace_has_a_new_owner() -> None:
    rehearsed = simulation(OTHERS)

    observed = after(rehearsed, ChangeOwner(workspace_id=9, row_version=4, owner=OWNER))

    assert observed.workspace == replace(OTHERS, owner=OWNER)
    assert rehearsed.owned_by(OTHERS.owner) is None


def test_renamed_workspace_lets_its_name_go() -> None:
    rehearsed = simulation(OTHERS)
    rename = UpdateSettings(workspace_id=9, row_version=4, settings=replace(SHOP, display_name="Store"))

    assert after(rehearsed, rename).name_holder is None


def test_requested_migration_is_the_newest() -> None:
    request = RequestMigration(
        workspace_id=7, from_mode=Mode.EMAIL_OR_ID, to_mode=Mode.ID_ONLY, on_conflict=OnConflict.MERGE
    )
    first = Migration(
        workspace_id=7,
        number=1,
        from_mode=Mode.EMAIL_OR_ID,
        to_mode=Mode.ID_ONLY,
        on_conflict=OnConflict.MERGE,
        requested_at=NOW,
    )

    assert after(simulation(stored()), request).migration == first
    later = after(simulation(stored(), migrations=[migration(Stage.COMPLETED)]), request).migration
    assert later == replace(first, number=3)


@pytest.mark.parametrize(
    ("action", "values"),
    [
        (CancelMigration(workspace_id=7, number=2), {"stage": Stage.CANCELLED}),
        (PauseMigration(workspace_id=7, number=2, paused=True), {"paused": True}),
        (RetryMigration(workspace_id=7, number=2, token="now"), {"retry_token": "now"}),
    ],
    ids=["cancel", "pause", "retry"],
)
def test_asked_migration_is_moved(action: Action, values: dict[str, object]) -> None:
    observed = after(simulation(stored(), migrations=[blocked()]), action)

    assert observed.migration == replace(blocked(), **values)  # type: ignore[arg-type]


def test_destroyed_workspace_is_gone() -> None:
    rehearsed = simulation(stored(), OTHERS)

    assert after(rehearsed, DeleteWorkspace(workspace_id=7, row_version=4)).workspace is None
    assert rehearsed.owned_by(OTHERS.owner) == OTHERS


@pytest.mark.parametrize(
    "action",
    [
        RotateCredentials(workspace_id=7, after=0, grace=NOW - NOW, request="", reason=RotationReason.REQUESTED),
        ClaimSecret(workspace_id=7),
        DeleteSecret(),
    ],
    ids=["rotate", "claim", "remove"],
)
def test_credentials_are_not_part_of_it(action: SecretAction) -> None:
    assert after(simulation(stored()), action) == observation_of(simulation(stored()))


@pytest.mark.parametrize(
    ("workspaces", "change", "expected"),
    [
        pytest.param((), None, None, id="no workspace"),
        pytest.param((stored(),), None, None, id="no change"),
        pytest.param((stored(),), migration(Stage.COMPLETED), None, id="ended"),
        pytest.param((stored(),), migration(Stage.CHECKING), migration(Stage.CHECKING), id="open"),
    ],
)
def test_open_migration_is_reported(
    workspaces: tuple[Workspace, ...], change: Migration | None, expected: Migration | None
) -> None:
    rehearsed = simulation(*workspaces, migrations=[change] if change else [])

    assert rehearsed.open_migration(OWNER) == expected


def test_migration_that_nothing_blocks_completes() -> None:
    rehearsed = simulation(stored(mode=Mode.ID_ONLY), migrations=[blocked()])

    ended = rehearsed.finish_migration(blocked(), CLEAR)

    assert (ended.stage, ended.violations) == (Stage.COMPLETED, ViolationCounts())
    assert observation_of(rehearsed) == ObservedState(workspace=stored(), migration=ended, people=None)


def test_migration_that_has_cut_over_completes() -> None:
    rehearsed = simulation(stored(), migrations=[migration(Stage.MERGING)])

    assert rehearsed.finish_migration(migration(Stage.MERGING), None).stage is Stage.COMPLETED


def test_migration_with_conflicts_blocks() -> None:
    rehearsed = simulation(stored(mode=Mode.ID_ONLY), migrations=[migration()])

    ended = rehearsed.finish_migration(migration(), SHARING)

    assert ended == replace(migration(Stage.BLOCKED), violations=SHARING.violations, people_total=5)
    assert observation_of(rehearsed).workspace == stored(mode=Mode.ID_ONLY)


def test_merging_migration_passes_sharers() -> None:
    merging = migration(on_conflict=OnConflict.MERGE)
    rehearsed = simulation(stored(mode=Mode.ID_ONLY), migrations=[merging])

    assert rehearsed.finish_migration(merging, SHARING).stage is Stage.COMPLETED


def test_owners_are_distinguished() -> None:
    rehearsed = simulation(stored(), OTHERS)

    assert rehearsed.owned_by(Owner(cluster=CLUSTER, namespace="team-a", name="other", uid="")) == OTHERS
