"""What suspend holds up, and what it does not (design §4)."""

from dataclasses import replace
from typing import Any

import pytest

from tests.reconcile.builders import (
    LATER,
    OWNER,
    STOPPED,
    blocked,
    candidate,
    conditions,
    deleted_resource,
    desired,
    migration,
    observed_credentials,
    plan_for,
    resource,
    status_for,
    stored,
)
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.reconcile.model.actions import DeleteWorkspace, PauseMigration
from workspace_operator.reconcile.model.credentials import SecretState
from workspace_operator.reconcile.model.desired import InvalidSpec
from workspace_operator.reconcile.model.observed import ObservedState, StoreUnreachable
from workspace_operator.resources.problems import Problem
from workspace_operator.resources.workspaces import (
    ADOPT,
    CONFIRM_DELETE,
    RECONCILE_REQUESTED_AT,
    ROTATE_CREDENTIALS_AT,
    DeletionPolicy,
)

SUSPENDED = resource(suspended=True)
ID_ONLY = stored(mode=Mode.ID_ONLY)
INVALID = InvalidSpec(problems=(Problem(path="spec.color", message="must be six digits"),))


def test_settled_workspace_stays_ready() -> None:
    status = status_for(SUSPENDED, ObservedState(workspace=stored()))

    assert conditions(status) == {
        "Ready": ("True", "InForce"),
        "IdentifiersApplied": ("True", "InForce"),
        "Suspended": ("True", "Suspended"),
    }


@pytest.mark.parametrize(
    "observed",
    [
        ObservedState(),
        ObservedState(workspace=stored(owner=replace(OWNER, uid="uid-0"))),
        ObservedState(workspace=stored(settings=replace(stored().settings, color="000000"))),
        ObservedState(workspace=stored(account="other")),
        ObservedState(workspace=stored(), migration=migration(Stage.MERGING, paused=True)),
        ObservedState(name_holder=candidate()),
        ObservedState(workspace=stored(), credentials=observed_credentials(is_current=False)),
        ObservedState(workspace=stored(), credentials=observed_credentials(secret=SecretState.FOREIGN)),
    ],
    ids=["not made", "not ours", "drift", "account", "paused", "name taken", "rotation", "foreign Secret"],
)
def test_outstanding_work_is_stalled(observed: ObservedState) -> None:
    status = status_for(SUSPENDED, observed)

    found = conditions(status)
    assert found["Ready"] == ("False", "Suspended")
    assert found["Stalled"] == ("True", "Suspended")
    assert found["Suspended"] == ("True", "Suspended")


def test_rotation_waits_while_suspended() -> None:
    asking = resource(suspended=True, annotations={ROTATE_CREDENTIALS_AT: "monday"})

    plan = plan_for(asking, ObservedState(workspace=stored(), credentials=observed_credentials()))

    assert plan.actions == ()
    assert conditions(dict(plan.status or {}))["Ready"] == ("False", "Suspended")


def test_adoption_waits_while_suspended() -> None:
    adopting = resource(suspended=True, annotations={ADOPT: "9"})

    plan = plan_for(adopting, ObservedState(from_annotation=candidate(owner_is_gone=True)))

    assert plan.actions == ()


@pytest.mark.parametrize("change", [migration(), blocked(), migration(Stage.MERGING)], ids=lambda c: c.stage)
@pytest.mark.parametrize(
    "desired_states", [desired(Mode.EMAIL_OR_ID), desired(Mode.ID_ONLY), INVALID], ids=["on", "back", "bad"]
)
def test_running_migration_is_paused(change: Any, desired_states: Any) -> None:
    plan = plan_for(replace(SUSPENDED, desired=desired_states), ObservedState(workspace=ID_ONLY, migration=change))

    assert plan.actions == (PauseMigration(workspace_id=7, number=2, paused=True),)


def test_migration_of_an_earlier_owner_is_not_paused() -> None:
    """The store would refuse it from a resource that is not the owner, time and again."""
    not_ours = replace(ID_ONLY, owner=replace(OWNER, uid="uid-0"))

    plan = plan_for(SUSPENDED, ObservedState(workspace=not_ours, migration=migration()))

    assert plan.actions == ()
    assert conditions(dict(plan.status or {}))["Ready"] == ("False", "Suspended")


@pytest.mark.parametrize(
    ("change", "reason"),
    [(migration(paused=True), "Suspended"), (blocked(paused=True), "MigrationBlocked")],
    ids=["running", "blocked"],
)
def test_paused_migration_is_reported(change: Any, reason: str) -> None:
    wanting = resource(suspended=True, desired=desired(Mode.EMAIL_OR_ID))

    status = status_for(wanting, ObservedState(workspace=ID_ONLY, migration=change))

    assert conditions(status)["IdentifiersApplied"] == ("False", reason)


def test_unstarted_migration_is_reported() -> None:
    wanting = resource(suspended=True, desired=desired(Mode.EMAIL_OR_ID))

    status = status_for(wanting, ObservedState(workspace=ID_ONLY))

    assert conditions(status)["IdentifiersApplied"] == ("False", "Suspended")


def test_ended_migration_is_not_paused() -> None:
    plan = plan_for(SUSPENDED, ObservedState(workspace=stored(), migration=migration(Stage.COMPLETED)))

    assert plan.actions == ()


def test_invalid_spec_outranks_suspend() -> None:
    status = status_for(replace(SUSPENDED, desired=INVALID), ObservedState(workspace=stored()))

    found = conditions(status)
    assert found["Ready"] == ("False", "InvalidSpec")
    assert found["Suspended"] == ("True", "Suspended")


def test_absent_store_is_reported_all_the_same() -> None:
    status = status_for(SUSPENDED, StoreUnreachable())

    assert conditions(status)["Ready"] == ("False", "StoreUnavailable")


def test_request_stands_until_resumed() -> None:
    asking = replace(SUSPENDED, annotations={RECONCILE_REQUESTED_AT: "now"})

    status = status_for(asking, ObservedState())

    assert "lastHandledReconcileAt" not in status


def test_policy_is_followed_while_suspended() -> None:
    plan = plan_for(replace(SUSPENDED, deletion_policy=DeletionPolicy.DELETE), ObservedState(workspace=stored()))

    assert plan.finalizers == ("workspace-operator.dev/delete-people",)


def test_deletion_is_not_held_up() -> None:
    confirmed = deleted_resource(suspended=True, annotations={CONFIRM_DELETE: "Shop"})

    plan = plan_for(confirmed, ObservedState(workspace=stored(settings=STOPPED)))

    assert plan.actions == (DeleteWorkspace(workspace_id=7, row_version=4),)


def test_pause_is_reported_once_while_everything_is_in_force() -> None:
    ours = ObservedState(workspace=stored())
    before = resource(status=status_for(resource(), ours))

    paused = plan_for(replace(before, suspended=True), ours, now=LATER)
    assert [(event.reason, event.warning) for event in paused.events] == [("Suspended", False)]

    still = replace(before, suspended=True, status=dict(paused.status or {}))
    assert plan_for(still, ours, now=LATER).events == ()
    resumed = plan_for(replace(still, suspended=False), ours, now=LATER)
    assert [(event.reason, event.warning) for event in resumed.events] == [("Resumed", False)]


def test_pause_that_holds_something_up_is_reported_once() -> None:
    before = resource(status=status_for(resource(), ObservedState(workspace=stored())))

    plan = plan_for(replace(before, suspended=True, desired=desired(color="112233")), ObservedState(workspace=stored()))

    assert [(event.reason, event.warning) for event in plan.events] == [("Suspended", True)]


@pytest.mark.parametrize("uid", ["uid-0", ""], ids=["earlier owner", "assigned"])
def test_running_migration_of_an_earlier_owner_is_not_ours_to_pause(uid: str) -> None:
    """The store would refuse it each time, and the resource would never come to rest."""
    observed = ObservedState(workspace=stored(owner=replace(OWNER, uid=uid)), migration=migration())

    assert conditions(status_for(SUSPENDED, observed))["Ready"] == ("False", "Suspended")


def test_running_migration_of_an_unconfirmed_deletion_is_paused() -> None:
    plan = plan_for(deleted_resource(suspended=True), ObservedState(workspace=ID_ONLY, migration=migration()))

    assert plan.actions == (PauseMigration(workspace_id=7, number=2, paused=True),)


def test_confirmed_deletion_needs_no_pause() -> None:
    confirmed = deleted_resource(suspended=True, annotations={CONFIRM_DELETE: "Shop"})

    stopped = stored(mode=Mode.ID_ONLY, settings=STOPPED)
    plan = plan_for(confirmed, ObservedState(workspace=stopped, migration=migration()))

    assert plan.actions == (DeleteWorkspace(workspace_id=7, row_version=4),)
