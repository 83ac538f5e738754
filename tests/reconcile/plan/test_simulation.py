"""What a plan needs of the directory in memory beside the contract of the port (tests/store/workspaces)."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.reconcile.builders import (
    NOW,
    OWNER,
    blocked,
    candidate,
    migration,
    stored,
)
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import Migration, OnConflict, ViolationCounts
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.reconcile.model.actions import (
    ClaimSecret,
    DeleteSecret,
    RotateCredentials,
    SecretAction,
)
from workspace_operator.reconcile.model.credentials import RotationReason
from workspace_operator.reconcile.plan.previews import Preview
from workspace_operator.reconcile.plan.simulation import InMemoryWorkspaces, WorkspacesSnapshot
from workspace_operator.workspaces.model import PeopleCounts, Workspace

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
    rehearsed = simulation(stored())

    rehearsed.apply(action, now=NOW)

    assert rehearsed.workspaces == {7: stored()}


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
    assert rehearsed.migrations == {7: ended}
    assert rehearsed.workspaces == {7: stored(row_version=5)}


def test_migration_that_has_cut_over_completes() -> None:
    rehearsed = simulation(stored(), migrations=[migration(Stage.MERGING)])

    assert rehearsed.finish_migration(migration(Stage.MERGING), None).stage is Stage.COMPLETED


def test_migration_with_conflicts_blocks() -> None:
    rehearsed = simulation(stored(mode=Mode.ID_ONLY), migrations=[migration()])

    ended = rehearsed.finish_migration(migration(), SHARING)

    assert ended == replace(migration(Stage.BLOCKED), violations=SHARING.violations, people_total=5)
    assert rehearsed.workspaces == {7: stored(mode=Mode.ID_ONLY)}


def test_merging_migration_passes_sharers() -> None:
    merging = migration(on_conflict=OnConflict.MERGE)
    rehearsed = simulation(stored(mode=Mode.ID_ONLY), migrations=[merging])

    assert rehearsed.finish_migration(merging, SHARING).stage is Stage.COMPLETED
