"""A directory in memory takes actions as the real one does, and shows what a reconcile would see."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.reconcile.builders import CLUSTER, NOW, OWNER, SHOP, blocked, migration, resource, somebodys, stored, wish
from workspace_operator.identity.rules import Mode
from workspace_operator.migrations.records import Migration, OnConflict, ViolationCounts
from workspace_operator.migrations.stages import Stage
from workspace_operator.reconcile.credentials import RotationCause
from workspace_operator.reconcile.observed import Candidate, Observed, Owner, PeopleCounts, StoredWorkspace
from workspace_operator.reconcile.plan import (
    Action,
    CancelMigration,
    ClaimSecret,
    CreateWorkspace,
    DestroyWorkspace,
    PauseMigration,
    PutInForce,
    RemoveSecret,
    RequestMigration,
    RetryMigration,
    RotateCredentials,
    SecretAction,
    TakeOver,
)
from workspace_operator.reconcile.previews import Preview
from workspace_operator.reconcile.rehearsals import Directory, Rehearsal
from workspace_operator.reconcile.wishes import InvalidWish, Resource
from workspace_operator.resources.problems import Problem
from workspace_operator.resources.workspaces import ADOPT

OTHERS = somebodys().workspace
CLEAR = Preview(people=PeopleCounts(total=5))
SHARING = Preview(
    people=PeopleCounts(total=5), violations=ViolationCounts(duplicate_email=2, people_concerned=2), people_merged=1
)


def rehearsal(*workspaces: StoredWorkspace, changes: Sequence[Migration] = ()) -> Rehearsal:
    return Rehearsal(
        Directory(
            workspaces={each.workspace_id: each for each in workspaces},
            migrations={each.workspace_id: each for each in changes},
        )
    )


def seen(rehearsed: Rehearsal, of: Resource | None = None, *, released: bool = False) -> Observed:
    of = of or resource()
    return rehearsed.observe(of, of.owner(CLUSTER), lambda _: released)


def after(rehearsed: Rehearsal, *actions: Action | SecretAction) -> Observed:
    for action in actions:
        rehearsed.carry_out(action, now=NOW)
    return seen(rehearsed)


def test_empty_directory_shows_nothing() -> None:
    assert seen(rehearsal()) == Observed(people=None)


@pytest.mark.parametrize("uid", ["uid-1", "uid-0", ""])
def test_own_workspace_is_seen_whatever_the_uid(uid: str) -> None:
    own = stored(owner=replace(OWNER, uid=uid))

    assert seen(rehearsal(own, changes=[migration()])) == Observed(workspace=own, migration=migration(), people=None)


def test_holder_of_the_wanted_name_is_seen() -> None:
    observed = seen(rehearsal(OTHERS), released=True)

    assert observed.name_holder == Candidate(workspace=OTHERS, released=True)


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
def test_name_is_free_elsewhere(other: StoredWorkspace) -> None:
    assert seen(rehearsal(other)).name_holder is None


def test_other_form_of_a_name_is_held() -> None:
    composed = replace(OTHERS, settings=replace(SHOP, display_name="Caf\xe9"))

    observed = seen(rehearsal(composed), resource(wish=wish(display_name="Cafe\u0301")))

    assert observed.name_holder == Candidate(workspace=composed, released=False)


def test_own_name_is_held_by_nobody_else() -> None:
    assert seen(rehearsal(stored())).name_holder is None


def test_name_counts_in_the_account_of_the_workspace() -> None:
    wished = resource(wish=wish(account="acme"))

    observed = seen(rehearsal(replace(stored(), settings=replace(SHOP, display_name="Mine")), OTHERS), wished)

    assert observed.name_holder == Candidate(workspace=OTHERS, released=False)


def test_adoptable_workspace_is_seen() -> None:
    adopting = resource(annotations={ADOPT: "9"})

    assert seen(rehearsal(OTHERS), adopting).adoptable == Candidate(workspace=OTHERS, released=False)
    assert seen(rehearsal(), adopting).adoptable is None


def test_invalid_wish_looks_for_no_name() -> None:
    invalid = resource(wish=InvalidWish(problems=(Problem(path="spec", message="is wrong"),)))

    assert seen(rehearsal(OTHERS), invalid) == Observed(people=None)


def test_created_workspace_is_there() -> None:
    made = CreateWorkspace(owner=OWNER, account="default", mode=Mode.ID_ONLY, settings=SHOP)

    observed = after(rehearsal(replace(OTHERS, account="acme")), made)

    assert observed.workspace == StoredWorkspace(
        workspace_id=10, account="default", owner=OWNER, mode=Mode.ID_ONLY, settings=SHOP, row_version=1
    )


def test_taken_over_workspace_has_a_new_owner() -> None:
    rehearsed = rehearsal(OTHERS)

    observed = after(rehearsed, TakeOver(workspace_id=9, row_version=4, owner=OWNER))

    assert observed.workspace == replace(OTHERS, owner=OWNER)
    assert rehearsed.owned_by(OTHERS.owner) is None


def test_renamed_workspace_lets_its_name_go() -> None:
    rehearsed = rehearsal(OTHERS)
    rename = PutInForce(workspace_id=9, row_version=4, settings=replace(SHOP, display_name="Store"))

    assert after(rehearsed, rename).name_holder is None


def test_requested_change_is_the_newest() -> None:
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

    assert after(rehearsal(stored()), request).migration == first
    later = after(rehearsal(stored(), changes=[migration(Stage.COMPLETED)]), request).migration
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
def test_asked_change_is_moved(action: Action, values: dict[str, object]) -> None:
    observed = after(rehearsal(stored(), changes=[blocked()]), action)

    assert observed.migration == replace(blocked(), **values)  # type: ignore[arg-type]


def test_destroyed_workspace_is_gone() -> None:
    rehearsed = rehearsal(stored(), OTHERS)

    assert after(rehearsed, DestroyWorkspace(workspace_id=7, row_version=4)).workspace is None
    assert rehearsed.owned_by(OTHERS.owner) == OTHERS


@pytest.mark.parametrize(
    "action",
    [
        RotateCredentials(workspace_id=7, after=0, grace=NOW - NOW, request="", cause=RotationCause.REQUESTED),
        ClaimSecret(workspace_id=7),
        RemoveSecret(),
    ],
    ids=["rotate", "claim", "remove"],
)
def test_credentials_are_not_part_of_it(action: SecretAction) -> None:
    assert after(rehearsal(stored()), action) == seen(rehearsal(stored()))


@pytest.mark.parametrize(
    ("workspaces", "change", "expected"),
    [
        pytest.param((), None, None, id="no workspace"),
        pytest.param((stored(),), None, None, id="no change"),
        pytest.param((stored(),), migration(Stage.COMPLETED), None, id="ended"),
        pytest.param((stored(),), migration(Stage.CHECKING), migration(Stage.CHECKING), id="open"),
    ],
)
def test_open_change_is_told(
    workspaces: tuple[StoredWorkspace, ...], change: Migration | None, expected: Migration | None
) -> None:
    rehearsed = rehearsal(*workspaces, changes=[change] if change else [])

    assert rehearsed.open_change(OWNER) == expected


def test_change_that_nobody_obstructs_switches() -> None:
    rehearsed = rehearsal(stored(mode=Mode.ID_ONLY), changes=[blocked()])

    ended = rehearsed.conclude(blocked(), CLEAR)

    assert (ended.stage, ended.violations) == (Stage.COMPLETED, ViolationCounts())
    assert seen(rehearsed) == Observed(workspace=stored(), migration=ended, people=None)


def test_change_that_has_switched_completes() -> None:
    rehearsed = rehearsal(stored(), changes=[migration(Stage.FOLDING)])

    assert rehearsed.conclude(migration(Stage.FOLDING), None).stage is Stage.COMPLETED


def test_obstructed_change_blocks() -> None:
    rehearsed = rehearsal(stored(mode=Mode.ID_ONLY), changes=[migration()])

    ended = rehearsed.conclude(migration(), SHARING)

    assert ended == replace(migration(Stage.BLOCKED), violations=SHARING.violations, people_total=5)
    assert seen(rehearsed).workspace == stored(mode=Mode.ID_ONLY)


def test_merging_change_passes_sharers() -> None:
    merging = migration(on_conflict=OnConflict.MERGE)
    rehearsed = rehearsal(stored(mode=Mode.ID_ONLY), changes=[merging])

    assert rehearsed.conclude(merging, SHARING).stage is Stage.COMPLETED


def test_owners_are_told_apart() -> None:
    rehearsed = rehearsal(stored(), OTHERS)

    assert rehearsed.owned_by(Owner(cluster=CLUSTER, namespace="team-a", name="other", uid="")) == OTHERS
