"""Every store refuses actions of a stale spec (design §4, Newest only)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.store.backends import Store
from tests.store.fixtures import create, observe, observed, owner
from workspace_operator.errors import StaleRevision
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import OnConflict
from workspace_operator.reconcile.model.actions import (
    AcceptLowerGeneration,
    Action,
    CancelMigration,
    ChangeOwner,
    DeleteWorkspace,
    PauseMigration,
    RecordGeneration,
    RequestMigration,
    RetryMigration,
    UpdateSettings,
)
from workspace_operator.workspaces.model import Workspace
from workspace_operator.workspaces.spec_versions import SpecVersion, UnchangedWorkspace

OWNER = owner()


def spec(generation: int, uid: str = OWNER.uid) -> SpecVersion:
    return SpecVersion(uid=uid, generation=generation)


def write(store: Store, action: Action, version: SpecVersion | None) -> None:
    store.workspaces.apply(action, now=store.clock(), spec=version)


def recolored(workspace: Workspace) -> Action:
    settings = replace(workspace.settings, color="222222")
    return UpdateSettings(workspace_id=workspace.workspace_id, row_version=workspace.row_version, settings=settings)


def requested(workspace: Workspace) -> Action:
    return RequestMigration(
        workspace_id=workspace.workspace_id,
        from_mode=workspace.mode,
        to_mode=Mode.ID_ONLY,
        on_conflict=OnConflict.BLOCK,
    )


def recorded(workspace: Workspace, generation: int = 5) -> Action:
    return RecordGeneration(
        workspace_id=workspace.workspace_id, row_version=workspace.row_version, generation=generation
    )


def destroyed(workspace: Workspace) -> Action:
    return DeleteWorkspace(workspace_id=workspace.workspace_id, row_version=workspace.row_version)


WRITES = [recolored, requested, destroyed, lambda workspace: recorded(workspace, 4)]


@pytest.fixture
def workspace(store: Store) -> Workspace:
    """A workspace whose spec is applied up to generation 5."""
    made = create(store, OWNER)
    write(store, recorded(made), spec(5))
    return observed(store, OWNER)


@pytest.mark.parametrize("action", WRITES)
@pytest.mark.parametrize("late", [spec(4), spec(9, uid="another")], ids=["generation", "uid"])
def test_late_document_writes_nothing(
    store: Store, workspace: Workspace, action: Callable[[Workspace], Action], late: SpecVersion
) -> None:
    with pytest.raises(StaleRevision):
        write(store, action(workspace), late)

    assert observed(store, OWNER) == workspace
    assert observe(store, OWNER).migration is None


@pytest.mark.parametrize("action", [recolored, requested])
def test_newer_document_is_recorded_with_its_write(
    store: Store, workspace: Workspace, action: Callable[[Workspace], Action]
) -> None:
    write(store, action(workspace), spec(6))

    assert observed(store, OWNER).spec_generation == 6
    assert [each.generation for each in settled(store)] == [6]


@pytest.mark.parametrize(
    ("kind", "more"), [(CancelMigration, {}), (PauseMigration, {"paused": True}), (RetryMigration, {"token": "now"})]
)
def test_late_document_leaves_a_migration_alone(
    store: Store, workspace: Workspace, kind: Callable[..., Action], more: dict[str, object]
) -> None:
    write(store, requested(workspace), spec(6))
    action = kind(workspace_id=workspace.workspace_id, number=1, **more)
    before = observe(store, OWNER).migration

    with pytest.raises(StaleRevision):
        write(store, action, spec(5))

    assert observe(store, OWNER).migration == before
    write(store, action, spec(6))
    assert observe(store, OWNER).migration != before


def test_administrator_is_not_compared(store: Store, workspace: Workspace) -> None:
    write(store, recolored(workspace), None)

    after = observed(store, OWNER)
    assert (after.settings.color, after.spec_generation) == ("222222", 5)
    assert settled(store) == []


def test_new_owner_begins_anew(store: Store, workspace: Workspace) -> None:
    successor = replace(OWNER, uid="successor", created_at="2026-05-01T12:00:00Z")
    take_over = ChangeOwner(workspace_id=workspace.workspace_id, row_version=workspace.row_version, owner=successor)

    write(store, take_over, spec(1, uid="successor"))

    after = observed(store, OWNER)
    assert (after.spec_generation, after.owner.created_at) == (1, "2026-05-01T12:00:00Z")


def accepting(workspace: Workspace, **migrations: Any) -> Action:
    action = AcceptLowerGeneration(
        workspace_id=workspace.workspace_id,
        row_version=workspace.row_version,
        recorded=workspace.spec_generation,
        generation=2,
        request="monday",
    )
    return replace(action, **migrations)


def test_accepted_generation_is_held(store: Store, workspace: Workspace) -> None:
    write(store, accepting(workspace), spec(2))

    after = observed(store, OWNER)
    assert (after.spec_generation, after.accepted_generation, after.accepted_request) == (2, 2, "monday")
    assert settled(store) == []


@pytest.mark.parametrize("migrations", [{"recorded": 4}, {"row_version": 99}])
def test_generation_recorded_meanwhile_is_not_lowered(
    store: Store, workspace: Workspace, migrations: dict[str, int]
) -> None:
    with pytest.raises(StaleRevision):
        write(store, accepting(workspace, **migrations), spec(2))

    assert observed(store, OWNER) == workspace


def test_later_generation_releases_what_is_held(store: Store, workspace: Workspace) -> None:
    write(store, accepting(workspace), spec(2))

    write(store, recorded(observed(store, OWNER), 3), spec(3))

    after = observed(store, OWNER)
    assert (after.spec_generation, after.accepted_generation, after.accepted_request) == (3, None, None)


def test_held_generation_stays_held_through_its_own_writes(store: Store, workspace: Workspace) -> None:
    write(store, accepting(workspace), spec(2))

    write(store, recolored(observed(store, OWNER)), spec(2))

    assert observed(store, OWNER).accepted_generation == 2


def settled(store: Store) -> list[UnchangedWorkspace]:
    return list(store.workspaces.unchanged(OWNER.cluster, {OWNER.namespace}))


def test_workspace_at_rest_is_listed_as_unchanged(store: Store, workspace: Workspace) -> None:
    create(store, owner("elsewhere", namespace="other"))

    [found] = settled(store)
    assert (found.workspace_id, found.owner, found.generation) == (workspace.workspace_id, OWNER, 5)
    assert (found.mode, found.rotated_at) == (Mode.EMAIL_OR_ID, None)
    assert (found.rotation_request, found.store_id) == ("", observe(store, OWNER).store_id)
