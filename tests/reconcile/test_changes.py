"""A workspace comes closer to its wish (design §4, §6; identity-rules §7)."""

from dataclasses import replace
from typing import Any

import pytest

from tests.reconcile.builders import (
    SHOP,
    blocked,
    conditions,
    decided,
    leaving,
    merging,
    message,
    migration,
    resource,
    somebodys,
    stored,
    told,
    wish,
)
from workspace_operator.identity.rules import EmailUpdates, IDUpdates, Mode
from workspace_operator.migrations.records import Migration, OnConflict
from workspace_operator.migrations.stages import Stage
from workspace_operator.reconcile.observed import Observed, SendMode
from workspace_operator.reconcile.plan import (
    CancelMigration,
    PauseMigration,
    PutInForce,
    RequestMigration,
    RetryMigration,
)
from workspace_operator.reconcile.wishes import Resource, Wish
from workspace_operator.resources.workspaces import ADOPT, CONFIRM_DELETE, RECONCILE_REQUESTED_AT

ID_ONLY = stored(mode=Mode.ID_ONLY)
TO_BOTH = resource(wish=wish(Mode.EMAIL_OR_ID))
TO_MERGE = resource(wish=merging())
BEFORE = (Stage.REQUESTED, Stage.CHECKING, Stage.PREPARING)
AFTER = (Stage.SWITCHED, Stage.FOLDING)


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
    ],
    ids=lambda change: next(iter(change)),
)
def test_changed_setting_comes_in_force(change: dict[str, Any]) -> None:
    plan = decided(resource(wish=wish(**change)), Observed(workspace=stored()))

    assert plan.actions == (PutInForce(workspace_id=7, row_version=4, settings=replace(SHOP, **change)),)


def test_drift_is_corrected() -> None:
    drifted = stored(settings=replace(SHOP, color="000000"))

    plan = decided(resource(), Observed(workspace=drifted))

    assert plan.actions == (PutInForce(workspace_id=7, row_version=4, settings=SHOP),)


def test_everything_in_force_is_ready() -> None:
    status = told(resource(), Observed(workspace=stored()))

    assert conditions(status) == {"Ready": ("True", "InForce"), "IdentifiersApplied": ("True", "InForce")}


@pytest.mark.parametrize("mode", list(Mode))
def test_absent_mode_keeps_identifiers(mode: Mode) -> None:
    status = told(resource(), Observed(workspace=stored(mode=mode)))

    assert conditions(status)["Ready"] == ("True", "InForce")


def test_rename_to_taken_name_waits() -> None:
    renamed = resource(wish=wish(display_name="Store", color="FF0000"))

    plan = decided(renamed, Observed(workspace=stored(), name_holder=somebodys(released=True)))

    assert plan.actions == ()
    assert plan.status is not None
    assert conditions(dict(plan.status))["Ready"] == ("False", "NameConflict")
    assert plan.retry


CHANGES = [
    (Mode.ID_ONLY, Mode.EMAIL_OR_ID, True),
    (Mode.EMAIL_ONLY, Mode.EMAIL_OR_ID, True),
    (Mode.EMAIL_OR_ID, Mode.ID_ONLY, True),
    (Mode.EMAIL_OR_ID, Mode.EMAIL_ONLY, False),
    (Mode.ID_ONLY, Mode.EMAIL_ONLY, False),
    (Mode.EMAIL_ONLY, Mode.ID_ONLY, False),
]


@pytest.mark.parametrize(("in_force", "wanted"), [(before, after) for before, after, yes in CHANGES if yes])
def test_requests_allowed_identifier_change(in_force: Mode, wanted: Mode) -> None:
    plan = decided(resource(wish=wish(wanted)), Observed(workspace=stored(mode=in_force)))

    asked = RequestMigration(workspace_id=7, from_mode=in_force, to_mode=wanted, on_conflict=OnConflict.BLOCK)
    assert plan.actions == (asked,)


@pytest.mark.parametrize(("in_force", "wanted"), [(before, after) for before, after, yes in CHANGES if not yes])
def test_refuses_impossible_identifier_change(in_force: Mode, wanted: Mode) -> None:
    status = told(resource(wish=wish(wanted, color="FF0000")), Observed(workspace=stored(mode=in_force)))

    assert conditions(status)["Ready"] == ("False", "InvalidSpec")
    assert f"spec.identifiers.mode: may not be {wanted} while {in_force} is in force" in message(status)


def test_ended_change_makes_room() -> None:
    ended = migration(Stage.COMPLETED, from_mode=Mode.EMAIL_OR_ID, to_mode=Mode.ID_ONLY)

    plan = decided(TO_BOTH, Observed(workspace=ID_ONLY, migration=ended))

    assert [type(action) for action in plan.actions] == [RequestMigration]


@pytest.mark.parametrize("back", [None, Mode.ID_ONLY])
@pytest.mark.parametrize("stage", [Stage.REQUESTED, Stage.CHECKING, Stage.PREPARING, Stage.BLOCKED])
def test_cancels_change_taken_back(stage: Stage, back: Mode | None) -> None:
    plan = decided(resource(wish=wish(back)), Observed(workspace=ID_ONLY, migration=migration(stage)))

    assert plan.actions == (CancelMigration(workspace_id=7, number=2),)


@pytest.mark.parametrize("stage", [*BEFORE, Stage.BLOCKED])
@pytest.mark.parametrize(
    ("before", "after"), [(OnConflict.BLOCK, OnConflict.MERGE), (OnConflict.MERGE, OnConflict.BLOCK)], ids=str
)
def test_other_way_with_conflicts_begins_anew(before: OnConflict, after: OnConflict, stage: Stage) -> None:
    wanting = resource(wish=replace(wish(Mode.EMAIL_OR_ID), on_conflict=after))
    running = migration(stage, on_conflict=before)

    plan = decided(wanting, Observed(workspace=ID_ONLY, migration=running))
    next_plan = decided(wanting, Observed(workspace=ID_ONLY, migration=replace(running, stage=Stage.CANCELLED)))

    assert plan.actions == (CancelMigration(workspace_id=7, number=2),)
    asked = RequestMigration(workspace_id=7, from_mode=Mode.ID_ONLY, to_mode=Mode.EMAIL_OR_ID, on_conflict=after)
    assert next_plan.actions == (asked,)


STALLED = {
    "adopts another": resource(annotations={ADOPT: "9"}),
    "adopts nonsense": resource(annotations={ADOPT: "nine"}),
    "in another account": resource(wish=wish(account="another")),
    "leaving": leaving(),
    "leaving, confirmed wrongly": leaving(annotations={CONFIRM_DELETE: "Store"}),
}


@pytest.mark.parametrize("stalled", STALLED.values(), ids=STALLED)
@pytest.mark.parametrize("mode", [Mode.ID_ONLY, Mode.EMAIL_ONLY, Mode.EMAIL_OR_ID, None])
def test_cancels_change_taken_back_whatever_else_is_wrong(stalled: Resource, mode: Mode | None) -> None:
    assert isinstance(stalled.wish, Wish)
    subject = replace(stalled, wish=replace(stalled.wish, mode=mode))
    merge = migration(Stage.CHECKING, on_conflict=OnConflict.MERGE)

    plan = decided(subject, Observed(workspace=ID_ONLY, migration=merge))

    assert plan.actions == (CancelMigration(workspace_id=7, number=2),)


@pytest.mark.parametrize("stalled", STALLED.values(), ids=STALLED)
def test_change_that_is_still_wanted_goes_on_whatever_else_is_wrong(stalled: Resource) -> None:
    assert isinstance(stalled.wish, Wish)
    subject = replace(stalled, wish=replace(stalled.wish, mode=Mode.EMAIL_OR_ID))

    assert decided(subject, Observed(workspace=ID_ONLY, migration=migration())).actions == ()


@pytest.mark.parametrize("stage", AFTER)
def test_conflicts_are_past_after_switch(stage: Stage) -> None:
    plan = decided(TO_MERGE, Observed(workspace=stored(), migration=migration(stage)))

    assert plan.actions == ()


@pytest.mark.parametrize(("before", "after"), [(Mode.EMAIL_ONLY, Mode.EMAIL_OR_ID), (Mode.EMAIL_OR_ID, Mode.ID_ONLY)])
@pytest.mark.parametrize("stage", BEFORE)
def test_conflicts_matter_only_when_email_is_enabled(before: Mode, after: Mode, stage: Stage) -> None:
    running = migration(stage, from_mode=before, to_mode=after)

    plan = decided(resource(wish=merging(after)), Observed(workspace=stored(mode=before), migration=running))

    assert plan.actions == ()


@pytest.mark.parametrize("stage", AFTER)
def test_other_wish_waits_after_switch(stage: Stage) -> None:
    back = resource(wish=wish(Mode.ID_ONLY))

    status = told(back, Observed(workspace=stored(), migration=migration(stage)))

    assert conditions(status)["Ready"] == ("False", "MigrationRunning")
    assert conditions(status)["IdentifiersApplied"] == ("False", "MigrationRunning")


@pytest.mark.parametrize("stage", AFTER)
def test_identifiers_hold_from_the_switch_on(stage: Stage) -> None:
    status = told(TO_BOTH, Observed(workspace=stored(), migration=migration(stage)))

    assert conditions(status) == {
        "Ready": ("False", "MigrationRunning"),
        "Reconciling": ("True", "MigrationRunning"),
        "IdentifiersApplied": ("True", "InForce"),
    }


@pytest.mark.parametrize("stage", BEFORE)
def test_running_change_is_told(stage: Stage) -> None:
    status = told(TO_BOTH, Observed(workspace=ID_ONLY, migration=migration(stage)))

    assert conditions(status) == {
        "Ready": ("False", "MigrationRunning"),
        "Reconciling": ("True", "MigrationRunning"),
        "IdentifiersApplied": ("False", "MigrationRunning"),
    }


def test_blocked_change_is_told() -> None:
    status = told(TO_BOTH, Observed(workspace=ID_ONLY, migration=blocked()))

    assert conditions(status) == {
        "Ready": ("False", "MigrationBlocked"),
        "Stalled": ("True", "MigrationBlocked"),
        "IdentifiersApplied": ("False", "MigrationBlocked"),
    }


@pytest.mark.parametrize("change", [blocked(), migration()], ids=["blocked", "running"])
def test_other_settings_never_wait(change: Migration) -> None:
    recoloured = resource(wish=wish(Mode.EMAIL_OR_ID, color="FF0000"))

    plan = decided(recoloured, Observed(workspace=ID_ONLY, migration=change))

    expected = replace(SHOP, color="FF0000")
    assert plan.actions == (PutInForce(workspace_id=7, row_version=4, settings=expected),)


def asking(token: str, **changes: Any) -> Resource:
    return resource(wish=wish(Mode.EMAIL_OR_ID), annotations={RECONCILE_REQUESTED_AT: token}, **changes)


def test_request_retries_blocked_change() -> None:
    plan = decided(asking("now"), Observed(workspace=ID_ONLY, migration=blocked()))

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
    plan = decided(asker, Observed(workspace=ID_ONLY, migration=change))

    assert plan.actions == ()


def test_overlong_request_is_cut() -> None:
    plan = decided(asking("x" * 300), Observed(workspace=ID_ONLY, migration=blocked()))

    assert plan.actions == (RetryMigration(workspace_id=7, number=2, token="x" * 256),)


def test_paused_change_goes_on() -> None:
    plan = decided(TO_BOTH, Observed(workspace=ID_ONLY, migration=migration(paused=True)))

    assert plan.actions == (PauseMigration(workspace_id=7, number=2, paused=False),)


HELD_BACK = [
    (Mode.ID_ONLY, Mode.EMAIL_OR_ID, EmailUpdates.BY_CIO_ID, IDUpdates.BY_CIO_ID),
    (Mode.EMAIL_OR_ID, Mode.ID_ONLY, EmailUpdates.BY_ID_OR_CIO_ID, IDUpdates.NEVER),
]


@pytest.mark.parametrize(("in_force", "wanted", "email_updates", "id_updates"), HELD_BACK)
def test_update_rules_change_with_switch(
    in_force: Mode, wanted: Mode, email_updates: EmailUpdates, id_updates: IDUpdates
) -> None:
    old = replace(SHOP, email_updates=EmailUpdates.BY_ID_OR_CIO_ID, id_updates=IDUpdates.BY_CIO_ID)
    new = wish(wanted, email_updates=EmailUpdates.BY_CIO_ID, id_updates=IDUpdates.NEVER)

    plan = decided(resource(wish=new), Observed(workspace=stored(mode=in_force, settings=old)))

    held = replace(SHOP, email_updates=email_updates, id_updates=id_updates)
    assert plan.actions == (PutInForce(workspace_id=7, row_version=4, settings=held),)


def test_held_back_rule_comes_after_switch() -> None:
    old = replace(SHOP, id_updates=IDUpdates.BY_CIO_ID)
    switched = migration(Stage.COMPLETED)

    plan = decided(TO_BOTH, Observed(workspace=stored(settings=old), migration=switched))

    assert plan.actions == (PutInForce(workspace_id=7, row_version=4, settings=SHOP),)
