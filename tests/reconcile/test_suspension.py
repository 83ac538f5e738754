"""What suspend holds up, and what it does not (design §4)."""

from dataclasses import replace
from typing import Any

import pytest

from tests.reconcile.builders import (
    LATER,
    OWNER,
    blocked,
    conditions,
    decided,
    kept,
    leaving,
    migration,
    resource,
    somebodys,
    stored,
    told,
    wish,
)
from workspace_operator.identity.rules import Mode
from workspace_operator.migrations.stages import Stage
from workspace_operator.reconcile.credentials import SecretState
from workspace_operator.reconcile.observed import Observed, StoreAway
from workspace_operator.reconcile.plan import DestroyWorkspace, PauseMigration
from workspace_operator.reconcile.wishes import InvalidWish
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
INVALID = InvalidWish(problems=(Problem(path="spec.color", message="must be six digits"),))


def test_settled_workspace_stays_ready() -> None:
    status = told(SUSPENDED, Observed(workspace=stored()))

    assert conditions(status) == {
        "Ready": ("True", "InForce"),
        "IdentifiersApplied": ("True", "InForce"),
        "Suspended": ("True", "Suspended"),
    }


@pytest.mark.parametrize(
    "observed",
    [
        Observed(),
        Observed(workspace=stored(owner=replace(OWNER, uid="uid-0"))),
        Observed(workspace=stored(settings=replace(stored().settings, color="000000"))),
        Observed(workspace=stored(account="other")),
        Observed(workspace=stored(), migration=migration(Stage.FOLDING, paused=True)),
        Observed(name_holder=somebodys()),
        Observed(workspace=stored(), credentials=kept(is_current=False)),
        Observed(workspace=stored(), credentials=kept(secret=SecretState.FOREIGN)),
    ],
    ids=["not made", "not ours", "drift", "account", "paused", "name taken", "rotation", "foreign Secret"],
)
def test_outstanding_work_is_stalled(observed: Observed) -> None:
    status = told(SUSPENDED, observed)

    found = conditions(status)
    assert found["Ready"] == ("False", "Suspended")
    assert found["Stalled"] == ("True", "Suspended")
    assert found["Suspended"] == ("True", "Suspended")


def test_rotation_waits_while_suspended() -> None:
    asking = resource(suspended=True, annotations={ROTATE_CREDENTIALS_AT: "monday"})

    plan = decided(asking, Observed(workspace=stored(), credentials=kept()))

    assert plan.actions == ()
    assert conditions(dict(plan.status or {}))["Ready"] == ("False", "Suspended")


def test_adoption_waits_while_suspended() -> None:
    adopting = resource(suspended=True, annotations={ADOPT: "9"})

    plan = decided(adopting, Observed(adoptable=somebodys(released=True)))

    assert plan.actions == ()


@pytest.mark.parametrize("change", [migration(), blocked(), migration(Stage.FOLDING)], ids=lambda c: c.stage)
@pytest.mark.parametrize("wanted", [wish(Mode.EMAIL_OR_ID), wish(Mode.ID_ONLY), INVALID], ids=["on", "back", "bad"])
def test_running_change_is_paused(change: Any, wanted: Any) -> None:
    plan = decided(replace(SUSPENDED, wish=wanted), Observed(workspace=ID_ONLY, migration=change))

    assert plan.actions == (PauseMigration(workspace_id=7, number=2, paused=True),)


def test_change_of_an_earlier_owner_is_not_paused() -> None:
    """The store would refuse it from a resource that is not the owner, time and again."""
    not_ours = replace(ID_ONLY, owner=replace(OWNER, uid="uid-0"))

    plan = decided(SUSPENDED, Observed(workspace=not_ours, migration=migration()))

    assert plan.actions == ()
    assert conditions(dict(plan.status or {}))["Ready"] == ("False", "Suspended")


@pytest.mark.parametrize(
    ("change", "reason"),
    [(migration(paused=True), "Suspended"), (blocked(paused=True), "MigrationBlocked")],
    ids=["running", "blocked"],
)
def test_paused_change_is_told(change: Any, reason: str) -> None:
    wanting = resource(suspended=True, wish=wish(Mode.EMAIL_OR_ID))

    status = told(wanting, Observed(workspace=ID_ONLY, migration=change))

    assert conditions(status)["IdentifiersApplied"] == ("False", reason)


def test_unstarted_change_is_told() -> None:
    wanting = resource(suspended=True, wish=wish(Mode.EMAIL_OR_ID))

    status = told(wanting, Observed(workspace=ID_ONLY))

    assert conditions(status)["IdentifiersApplied"] == ("False", "Suspended")


def test_ended_change_is_not_paused() -> None:
    plan = decided(SUSPENDED, Observed(workspace=stored(), migration=migration(Stage.COMPLETED)))

    assert plan.actions == ()


def test_invalid_spec_outranks_suspend() -> None:
    status = told(replace(SUSPENDED, wish=INVALID), Observed(workspace=stored()))

    found = conditions(status)
    assert found["Ready"] == ("False", "InvalidSpec")
    assert found["Suspended"] == ("True", "Suspended")


def test_absent_store_is_told_all_the_same() -> None:
    status = told(SUSPENDED, StoreAway())

    assert conditions(status)["Ready"] == ("False", "StoreUnavailable")


def test_request_stands_until_resumed() -> None:
    asking = replace(SUSPENDED, annotations={RECONCILE_REQUESTED_AT: "now"})

    status = told(asking, Observed())

    assert "lastHandledReconcileAt" not in status


def test_policy_is_followed_while_suspended() -> None:
    plan = decided(replace(SUSPENDED, deletion_policy=DeletionPolicy.DELETE), Observed(workspace=stored()))

    assert plan.finalizers == ("workspace-operator.dev/delete-people",)


def test_deletion_is_not_held_up() -> None:
    confirmed = leaving(suspended=True, annotations={CONFIRM_DELETE: "Shop"})

    plan = decided(confirmed, Observed(workspace=stored()))

    assert plan.actions == (DestroyWorkspace(workspace_id=7, row_version=4),)


def test_pause_is_told_of_once_while_everything_is_in_force() -> None:
    ours = Observed(workspace=stored())
    before = resource(status=told(resource(), ours))

    paused = decided(replace(before, suspended=True), ours, now=LATER)
    assert [(event.reason, event.warning) for event in paused.events] == [("Suspended", False)]

    still = replace(before, suspended=True, status=dict(paused.status or {}))
    assert decided(still, ours, now=LATER).events == ()
    resumed = decided(replace(still, suspended=False), ours, now=LATER)
    assert [(event.reason, event.warning) for event in resumed.events] == [("Resumed", False)]


def test_pause_that_holds_something_up_is_told_of_once() -> None:
    before = resource(status=told(resource(), Observed(workspace=stored())))

    plan = decided(replace(before, suspended=True, wish=wish(color="112233")), Observed(workspace=stored()))

    assert [(event.reason, event.warning) for event in plan.events] == [("Suspended", True)]


@pytest.mark.parametrize("uid", ["uid-0", ""], ids=["earlier owner", "assigned"])
def test_running_change_of_an_earlier_owner_is_not_ours_to_pause(uid: str) -> None:
    """The store would refuse it each time, and the resource would never come to rest."""
    observed = Observed(workspace=stored(owner=replace(OWNER, uid=uid)), migration=migration())

    assert conditions(told(SUSPENDED, observed))["Ready"] == ("False", "Suspended")


def test_running_change_of_an_unconfirmed_deletion_is_paused() -> None:
    plan = decided(leaving(suspended=True), Observed(workspace=ID_ONLY, migration=migration()))

    assert plan.actions == (PauseMigration(workspace_id=7, number=2, paused=True),)


def test_confirmed_deletion_needs_no_pause() -> None:
    confirmed = leaving(suspended=True, annotations={CONFIRM_DELETE: "Shop"})

    plan = decided(confirmed, Observed(workspace=ID_ONLY, migration=migration()))

    assert plan.actions == (DestroyWorkspace(workspace_id=7, row_version=4),)
