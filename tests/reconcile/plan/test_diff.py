"""What actions change, in the words of a spec."""

from dataclasses import replace

import pytest

from tests.reconcile.builders import OWNER, SHOP, blocked, candidate, stored
from workspace_operator.identity.values.rules import EmailUpdates, IDUpdates, Mode
from workspace_operator.migrations.model import OnConflict
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
from workspace_operator.reconcile.model.observed import ObservedState
from workspace_operator.reconcile.plan.diff import FIELDS, ChangeKind, PlannedChange, planned_changes
from workspace_operator.sending.rules import SendMode
from workspace_operator.workspaces.app_keys import AppKeyMay
from workspace_operator.workspaces.model import Settings

OWN = ObservedState(workspace=stored(), migration=blocked())
OTHER_SETTINGS = Settings(
    display_name="Store",
    color="FF0000",
    email_updates=EmailUpdates.BY_CIO_ID,
    id_updates=IDUpdates.BY_CIO_ID,
    merge_multi_identifier=False,
    send_mode=SendMode.TEST,
    test_address="test@example.com",
    open_tracking=False,
    app_key_may=AppKeyMay.CLEAN,
)


def test_new_workspace_says_what_is_unusual() -> None:
    settings = replace(SHOP, send_mode=SendMode.NEVER)
    made = CreateWorkspace(owner=OWNER, account="default", mode=Mode.ID_ONLY, settings=settings)

    assert planned_changes(made, ObservedState()) == (
        PlannedChange(kind=ChangeKind.CREATE, after="Shop"),
        PlannedChange(kind=ChangeKind.SET, field="spec.accountName", after="default"),
        PlannedChange(kind=ChangeKind.SET, field="spec.identifiers.mode", after="IDOnly"),
        PlannedChange(kind=ChangeKind.SET, field="spec.sendBehavior.mode", after="Never"),
    )


def test_every_changed_setting_is_reported_from_what_to_what() -> None:
    migration = UpdateSettings(workspace_id=7, row_version=4, settings=OTHER_SETTINGS)

    status = {each.field: (each.before, each.after) for each in planned_changes(migration, OWN)}

    assert status == {
        "spec.displayName": ("Shop", "Store"),
        "spec.color": ("6B7280", "FF0000"),
        "spec.identifiers.emailUpdates": ("ByIDOrCioID", "ByCioID"),
        "spec.identifiers.idUpdates": ("Never", "ByCioID"),
        "spec.mergeOptions.multiIdentifier": ("Enabled", "Disabled"),
        "spec.sendBehavior.mode": ("Normal", "Test"),
        "spec.sendBehavior.testAddress": (None, "test@example.com"),
        "spec.openTracking": ("Enabled", "Disabled"),
        "spec.credentials.appKeyMay": ("Read", "Clean"),
    }


def test_no_setting_is_forgotten() -> None:
    assert len(FIELDS) == len(Settings.__slots__)


def test_unchanged_settings_are_not_reported() -> None:
    assert planned_changes(UpdateSettings(workspace_id=7, row_version=4, settings=SHOP), OWN) == ()


def test_settings_of_nothing_are_all_new() -> None:
    status = planned_changes(UpdateSettings(workspace_id=7, row_version=4, settings=SHOP), ObservedState())

    assert PlannedChange(kind=ChangeKind.SET, field="spec.displayName", after="Shop") in status


@pytest.mark.parametrize(
    ("observed", "before"),
    [
        (ObservedState(workspace=stored(owner=replace(OWNER, uid=""))), "team-a/shop"),
        (ObservedState(from_annotation=candidate(owner_is_gone=True)), "team-a/other"),
        (ObservedState(), None),
    ],
    ids=["namesake", "adopted", "unknown"],
)
def test_changing_owner_says_from_whom(observed: ObservedState, before: str | None) -> None:
    taken = ChangeOwner(workspace_id=9, row_version=4, owner=OWNER)

    assert planned_changes(taken, observed) == (
        PlannedChange(kind=ChangeKind.CHANGE_OWNER, before=before, after="team-a/shop"),
    )


def test_migration_says_from_what_to_what() -> None:
    request = RequestMigration(
        workspace_id=7, from_mode=Mode.ID_ONLY, to_mode=Mode.EMAIL_OR_ID, on_conflict=OnConflict.BLOCK
    )

    assert planned_changes(request, OWN) == (
        PlannedChange(
            kind=ChangeKind.CHANGE_IDENTIFIERS, field="spec.identifiers.mode", before="IDOnly", after="EmailOrID"
        ),
    )


@pytest.mark.parametrize(
    ("action", "verb"),
    [
        (CancelMigration(workspace_id=7, number=2), ChangeKind.CANCEL),
        (PauseMigration(workspace_id=7, number=2, paused=True), ChangeKind.PAUSE),
        (PauseMigration(workspace_id=7, number=2, paused=False), ChangeKind.RESUME),
        (RetryMigration(workspace_id=7, number=2, token="now"), ChangeKind.RETRY),
    ],
)
def test_asking_of_a_migration_names_it(action: Action, verb: ChangeKind) -> None:
    named = PlannedChange(kind=verb, field="spec.identifiers.mode", before="IDOnly", after="EmailOrID")

    assert planned_changes(action, OWN) == (named,)
    assert planned_changes(action, ObservedState()) == (PlannedChange(kind=verb, field="spec.identifiers.mode"),)


def test_deleting_says_whose() -> None:
    destruction = DeleteWorkspace(workspace_id=7, row_version=4)

    assert planned_changes(destruction, OWN) == (PlannedChange(kind=ChangeKind.DELETE, before="team-a/shop"),)


@pytest.mark.parametrize(
    "action",
    [
        RotateCredentials(
            workspace_id=7,
            after=0,
            grace=blocked().requested_at - blocked().requested_at,
            request="",
            reason=RotationReason.REQUESTED,
        ),
        ClaimSecret(workspace_id=7),
        DeleteSecret(),
    ],
    ids=["rotate", "claim", "remove"],
)
def test_credentials_are_no_intention(action: SecretAction) -> None:
    assert planned_changes(action, OWN) == ()
