"""A workspace comes closer to its wish (design §4, §6; identity-rules §7)."""

from dataclasses import replace
from typing import Any

import pytest

from tests.reconcile.builders import (
    SHOP,
    blocked,
    candidate,
    conditions,
    deleted_resource,
    desired,
    merging,
    message,
    migration,
    plan_for,
    resource,
    status_for,
    stored,
)
from workspace_operator.identity.values.rules import EmailUpdates, IDUpdates, Mode
from workspace_operator.migrations.model import Migration, OnConflict
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.reconcile.model.actions import (
    CancelMigration,
    PauseMigration,
    RequestMigration,
    RetryMigration,
    UpdateSettings,
)
from workspace_operator.reconcile.model.desired import DesiredState, Resource
from workspace_operator.reconcile.model.observed import ObservedState
from workspace_operator.resources.workspaces import ADOPT, CONFIRM_DELETE, RECONCILE_REQUESTED_AT
from workspace_operator.sending.rules import SendMode
from workspace_operator.workspaces.app_keys import AppKeyMay

ID_ONLY = stored(mode=Mode.ID_ONLY)
TO_BOTH = resource(desired=desired(Mode.EMAIL_OR_ID))
TO_MERGE = resource(desired=merging())
BEFORE = (Stage.REQUESTED, Stage.CHECKING, Stage.PREPARING)
AFTER = (Stage.SWITCHED, Stage.MERGING)


@pytest.mark.parametrize(
    "change",
    [
        {"display_name": "Store"},
        {"color": "FF0000"},
        {"email_updates": EmailUpdates.BY_CIO_ID},
        {"merge_multi_identifier": False},
        {"send_mode": SendMode.TEST, "test_address": "qa@example.com"},
        {"send_mode": SendMode.NEVER},
        {"open_tracking": False},
        {"app_key_may": AppKeyMay.CLEAN},
    ],
    ids=lambda change: next(iter(change)),
)
def test_changed_setting_comes_in_force(change: dict[str, Any]) -> None:
    plan = plan_for(resource(desired=desired(**change)), ObservedState(workspace=stored()))

    assert plan.actions == (UpdateSettings(workspace_id=7, row_version=4, settings=replace(SHOP, **change)),)


def test_drift_is_corrected() -> None:
    drifted = stored(settings=replace(SHOP, color="000000"))

    plan = plan_for(resource(), ObservedState(workspace=drifted))

    assert plan.actions == (UpdateSettings(workspace_id=7, row_version=4, settings=SHOP),)


def test_everything_in_force_is_ready() -> None:
    status = status_for(resource(), ObservedState(workspace=stored()))

    assert conditions(status) == {"Ready": ("True", "InForce"), "IdentifiersApplied": ("True", "InForce")}


@pytest.mark.parametrize("mode", list(Mode))
def test_absent_mode_keeps_identifiers(mode: Mode) -> None:
    status = status_for(resource(), ObservedState(workspace=stored(mode=mode)))

    assert conditions(status)["Ready"] == ("True", "InForce")


def test_rename_to_taken_name_waits() -> None:
    renamed = resource(desired=desired(display_name="Store", color="FF0000"))

    plan = plan_for(renamed, ObservedState(workspace=stored(), name_holder=candidate(owner_is_gone=True)))

    assert plan.actions == ()
    assert plan.status is not None
    assert conditions(dict(plan.status))["Ready"] == ("False", "NameConflict")
    assert plan.requeue


CHANGES = [
    (Mode.ID_ONLY, Mode.EMAIL_OR_ID, True),
    (Mode.EMAIL_ONLY, Mode.EMAIL_OR_ID, True),
    (Mode.EMAIL_OR_ID, Mode.ID_ONLY, True),
    (Mode.EMAIL_OR_ID, Mode.EMAIL_ONLY, False),
    (Mode.ID_ONLY, Mode.EMAIL_ONLY, False),
    (Mode.EMAIL_ONLY, Mode.ID_ONLY, False),
]


@pytest.mark.parametrize(("in_force", "desired_states"), [(before, after) for before, after, yes in CHANGES if yes])
def test_requests_allowed_migration(in_force: Mode, desired_states: Mode) -> None:
    plan = plan_for(resource(desired=desired(desired_states)), ObservedState(workspace=stored(mode=in_force)))

    asked = RequestMigration(workspace_id=7, from_mode=in_force, to_mode=desired_states, on_conflict=OnConflict.BLOCK)
    assert plan.actions == (asked,)


@pytest.mark.parametrize(("in_force", "desired_states"), [(before, after) for before, after, yes in CHANGES if not yes])
def test_refuses_impossible_migration(in_force: Mode, desired_states: Mode) -> None:
    status = status_for(
        resource(desired=desired(desired_states, color="FF0000")), ObservedState(workspace=stored(mode=in_force))
    )

    assert conditions(status)["Ready"] == ("False", "InvalidSpec")
    assert f"spec.identifiers.mode: may not be {desired_states} while {in_force} is in force" in message(status)


def test_ended_migration_makes_room() -> None:
    ended = migration(Stage.COMPLETED, from_mode=Mode.EMAIL_OR_ID, to_mode=Mode.ID_ONLY)

    plan = plan_for(TO_BOTH, ObservedState(workspace=ID_ONLY, migration=ended))

    assert [type(action) for action in plan.actions] == [RequestMigration]


@pytest.mark.parametrize("back", [None, Mode.ID_ONLY])
@pytest.mark.parametrize("stage", [Stage.REQUESTED, Stage.CHECKING, Stage.PREPARING, Stage.BLOCKED])
def test_cancels_migration_taken_back(stage: Stage, back: Mode | None) -> None:
    plan = plan_for(resource(desired=desired(back)), ObservedState(workspace=ID_ONLY, migration=migration(stage)))

    assert plan.actions == (CancelMigration(workspace_id=7, number=2),)


@pytest.mark.parametrize("stage", [*BEFORE, Stage.BLOCKED])
@pytest.mark.parametrize(
    ("before", "after"), [(OnConflict.BLOCK, OnConflict.MERGE), (OnConflict.MERGE, OnConflict.BLOCK)], ids=str
)
def test_other_way_with_conflicts_begins_anew(before: OnConflict, after: OnConflict, stage: Stage) -> None:
    wanting = resource(desired=replace(desired(Mode.EMAIL_OR_ID), on_conflict=after))
    running = migration(stage, on_conflict=before)

    plan = plan_for(wanting, ObservedState(workspace=ID_ONLY, migration=running))
    next_plan = plan_for(wanting, ObservedState(workspace=ID_ONLY, migration=replace(running, stage=Stage.CANCELLED)))

    assert plan.actions == (CancelMigration(workspace_id=7, number=2),)
    asked = RequestMigration(workspace_id=7, from_mode=Mode.ID_ONLY, to_mode=Mode.EMAIL_OR_ID, on_conflict=after)
    assert next_plan.actions == (asked,)


STALLED = {
    "adopts another": resource(annotations={ADOPT: "9"}),
    "adopts nonsense": resource(annotations={ADOPT: "nine"}),
    "in another account": resource(desired=desired(account="another")),
    "leaving": deleted_resource(),
    "leaving, confirmed wrongly": deleted_resource(annotations={CONFIRM_DELETE: "Store"}),
}


@pytest.mark.parametrize("stalled", STALLED.values(), ids=STALLED)
@pytest.mark.parametrize("mode", [Mode.ID_ONLY, Mode.EMAIL_ONLY, Mode.EMAIL_OR_ID, None])
def test_cancels_migration_taken_back_whatever_else_is_wrong(stalled: Resource, mode: Mode | None) -> None:
    assert isinstance(stalled.desired, DesiredState)
    subject = replace(stalled, desired=replace(stalled.desired, mode=mode))
    merge = migration(Stage.CHECKING, on_conflict=OnConflict.MERGE)

    plan = plan_for(subject, ObservedState(workspace=ID_ONLY, migration=merge))

    assert plan.actions == (CancelMigration(workspace_id=7, number=2),)


@pytest.mark.parametrize("stalled", STALLED.values(), ids=STALLED)
def test_migration_that_is_still_wanted_continues_whatever_else_is_wrong(stalled: Resource) -> None:
    assert isinstance(stalled.desired, DesiredState)
    subject = replace(stalled, desired=replace(stalled.desired, mode=Mode.EMAIL_OR_ID))

    assert plan_for(subject, ObservedState(workspace=ID_ONLY, migration=migration())).actions == ()


@pytest.mark.parametrize("stage", AFTER)
def test_conflicts_are_past_after_cut_over(stage: Stage) -> None:
    plan = plan_for(TO_MERGE, ObservedState(workspace=stored(), migration=migration(stage)))

    assert plan.actions == ()


@pytest.mark.parametrize(("before", "after"), [(Mode.EMAIL_ONLY, Mode.EMAIL_OR_ID), (Mode.EMAIL_OR_ID, Mode.ID_ONLY)])
@pytest.mark.parametrize("stage", BEFORE)
def test_conflicts_matter_only_when_email_is_enabled(before: Mode, after: Mode, stage: Stage) -> None:
    running = migration(stage, from_mode=before, to_mode=after)

    plan = plan_for(resource(desired=merging(after)), ObservedState(workspace=stored(mode=before), migration=running))

    assert plan.actions == ()


@pytest.mark.parametrize("stage", AFTER)
def test_other_spec_waits_after_cut_over(stage: Stage) -> None:
    back = resource(desired=desired(Mode.ID_ONLY))

    status = status_for(back, ObservedState(workspace=stored(), migration=migration(stage)))

    assert conditions(status)["Ready"] == ("False", "MigrationRunning")
    assert conditions(status)["IdentifiersApplied"] == ("False", "MigrationRunning")


@pytest.mark.parametrize("stage", AFTER)
def test_identifiers_hold_from_the_cut_over_on(stage: Stage) -> None:
    status = status_for(TO_BOTH, ObservedState(workspace=stored(), migration=migration(stage)))

    assert conditions(status) == {
        "Ready": ("False", "MigrationRunning"),
        "Reconciling": ("True", "MigrationRunning"),
        "IdentifiersApplied": ("True", "InForce"),
    }


@pytest.mark.parametrize("stage", BEFORE)
def test_running_migration_is_reported(stage: Stage) -> None:
    status = status_for(TO_BOTH, ObservedState(workspace=ID_ONLY, migration=migration(stage)))

    assert conditions(status) == {
        "Ready": ("False", "MigrationRunning"),
        "Reconciling": ("True", "MigrationRunning"),
        "IdentifiersApplied": ("False", "MigrationRunning"),
    }


def test_blocked_migration_is_reported() -> None:
    status = status_for(TO_BOTH, ObservedState(workspace=ID_ONLY, migration=blocked()))

    assert conditions(status) == {
        "Ready": ("False", "MigrationBlocked"),
        "Stalled": ("True", "MigrationBlocked"),
        "IdentifiersApplied": ("False", "MigrationBlocked"),
    }


@pytest.mark.parametrize("change", [blocked(), migration()], ids=["blocked", "running"])
def test_other_settings_never_wait(change: Migration) -> None:
    recoloured = resource(desired=desired(Mode.EMAIL_OR_ID, color="FF0000"))

    plan = plan_for(recoloured, ObservedState(workspace=ID_ONLY, migration=change))

    expected = replace(SHOP, color="FF0000")
    assert plan.actions == (UpdateSettings(workspace_id=7, row_version=4, settings=expected),)


def asking(token: str, **migrations: Any) -> Resource:
    return resource(desired=desired(Mode.EMAIL_OR_ID), annotations={RECONCILE_REQUESTED_AT: token}, **migrations)


def test_request_retries_blocked_migration() -> None:
    plan = plan_for(asking("now"), ObservedState(workspace=ID_ONLY, migration=blocked()))

    assert plan.actions == (RetryMigration(workspace_id=7, number=2, token="now"),)


@pytest.mark.parametrize(
    ("asker", "change"),
    [
        (asking("now"), blocked(retry_token="now")),
        (asking("now", status={"lastHandledReconcileAt": "now"}), blocked()),
        (asking("now"), migration()),
        (asking(""), blocked()),
    ],
    ids=["carried out", "handled before", "not blocked", "not asked"],
)
def test_request_retries_only_once(asker: Resource, change: Migration) -> None:
    plan = plan_for(asker, ObservedState(workspace=ID_ONLY, migration=change))

    assert plan.actions == ()


def test_overlong_request_is_cut() -> None:
    plan = plan_for(asking("x" * 300), ObservedState(workspace=ID_ONLY, migration=blocked()))

    assert plan.actions == (RetryMigration(workspace_id=7, number=2, token="x" * 256),)


def test_paused_migration_resumes() -> None:
    plan = plan_for(TO_BOTH, ObservedState(workspace=ID_ONLY, migration=migration(paused=True)))

    assert plan.actions == (PauseMigration(workspace_id=7, number=2, paused=False),)


HELD_BACK = [
    (Mode.ID_ONLY, Mode.EMAIL_OR_ID, EmailUpdates.BY_CIO_ID, IDUpdates.BY_CIO_ID),
    (Mode.EMAIL_OR_ID, Mode.ID_ONLY, EmailUpdates.BY_ID_OR_CIO_ID, IDUpdates.NEVER),
]


@pytest.mark.parametrize(("in_force", "desired_states", "email_updates", "id_updates"), HELD_BACK)
def test_update_rules_follow_the_cut_over(
    in_force: Mode, desired_states: Mode, email_updates: EmailUpdates, id_updates: IDUpdates
) -> None:
    old = replace(SHOP, email_updates=EmailUpdates.BY_ID_OR_CIO_ID, id_updates=IDUpdates.BY_CIO_ID)
    new = desired(desired_states, email_updates=EmailUpdates.BY_CIO_ID, id_updates=IDUpdates.NEVER)

    plan = plan_for(resource(desired=new), ObservedState(workspace=stored(mode=in_force, settings=old)))

    held = replace(SHOP, email_updates=email_updates, id_updates=id_updates)
    assert plan.actions == (UpdateSettings(workspace_id=7, row_version=4, settings=held),)


def test_held_back_rule_comes_after_cut_over() -> None:
    old = replace(SHOP, id_updates=IDUpdates.BY_CIO_ID)
    switched = migration(Stage.COMPLETED)

    plan = plan_for(TO_BOTH, ObservedState(workspace=stored(settings=old), migration=switched))

    assert plan.actions == (UpdateSettings(workspace_id=7, row_version=4, settings=SHOP),)
