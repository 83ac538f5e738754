"""The database lacks the workspace that a resource has had, or it is another database."""

from dataclasses import replace
from typing import Any

import pytest

from tests.reconcile.builders import (
    LATER,
    OWNER,
    candidate,
    conditions,
    deleted_resource,
    message,
    migration,
    observed_credentials,
    plan_for,
    resource,
    status_for,
    stored,
)
from workspace_operator.reconcile.model.actions import ChangeOwner, CreateWorkspace, Plan, UpdateSettings
from workspace_operator.reconcile.model.desired import InvalidSpec, Resource
from workspace_operator.reconcile.model.observed import ObservedState, StoreUnreachable
from workspace_operator.reconcile.model.outcomes import REQUEUE_REASONS, Reason
from workspace_operator.resources.problems import Problem
from workspace_operator.resources.workspaces import ADOPT, CONFIRM_DELETE, RECREATE, DeletionPolicy
from workspace_operator.workspaces.model import PeopleCounts

PEOPLE = PeopleCounts(total=25, with_email=25, without_id=0)
OURS = ObservedState(store_id="store-1", workspace=stored(), people=PEOPLE, credentials=observed_credentials())
READY = status_for(resource(), OURS)
EMPTY = ObservedState(store_id="store-1", credentials=observed_credentials(rotated_at=None))
ANOTHER = ObservedState(store_id="store-2", credentials=observed_credentials(rotated_at=None))
SAME_NUMBER = replace(OURS, store_id="store-2")
SAME_OWNER = ObservedState(
    store_id="store-2", workspace=stored(workspace_id=1), people=PEOPLE, credentials=observed_credentials()
)
WITHOUT_STORE = {key: value for key, value in READY.items() if key != "storeID"}
INVALID = InvalidSpec(problems=(Problem(path="spec.color", message="must be six digits"),))
KEPT = ("workspaceID", "storeID", "identifiers", "people", "credentials")

LOST: dict[str, tuple[dict[str, Any], ObservedState]] = {
    "lost": (READY, EMPTY),
    "another and empty": (READY, ANOTHER),
    "another with that number": (READY, SAME_NUMBER),
    "another with that owner": (READY, SAME_OWNER),
    "restored before the owner was made anew": (
        READY,
        replace(OURS, workspace=stored(workspace_id=3, owner=replace(OWNER, uid="uid-0"))),
    ),
    "lost before the upgrade": (WITHOUT_STORE, EMPTY),
    "another at the upgrade": (WITHOUT_STORE, SAME_OWNER),
}
lost = pytest.mark.parametrize(("status", "observed"), LOST.values(), ids=LOST)


def test_status_names_the_database() -> None:
    assert (READY["workspaceID"], READY["storeID"]) == (7, "store-1")


def test_upgrade_fills_the_database_in() -> None:
    status = status_for(resource(status=WITHOUT_STORE), OURS)

    assert status["storeID"] == "store-1"
    assert status["people"] == READY["people"]
    assert conditions(status)["Ready"] == ("True", "InForce")


@lost
@pytest.mark.parametrize(
    "migrations",
    [{}, {"desired": INVALID}, {"suspended": True}, {"annotations": {ADOPT: "7"}}, {"annotations": {RECREATE: "new"}}],
    ids=["plain", "invalid", "suspended", "adopting", "asking for another"],
)
def test_missing_workspace_stalls(status: dict[str, Any], observed: ObservedState, migrations: dict[str, Any]) -> None:
    subject = resource(status=status, **migrations)
    seen = replace(observed, from_annotation=candidate(owner_is_gone=True))

    plan = plan_for(subject, seen, now=LATER)

    assert plan.actions == ()
    assert plan.requeue
    assert plan.status is not None
    found = conditions(dict(plan.status))
    assert found["Ready"] == ("False", "WorkspaceMissing")
    assert found["Stalled"] == ("True", "WorkspaceMissing")
    assert found["IdentifiersApplied"] == ("Unknown", "WorkspaceMissing")
    assert {field: plan.status.get(field) for field in KEPT} == {field: status.get(field) for field in KEPT}
    assert ("WorkspaceMissing", True) in [(event.reason, event.warning) for event in plan.events]


@lost
def test_running_migration_of_another_database_is_not_paused(status: dict[str, Any], observed: ObservedState) -> None:
    plan = plan_for(resource(status=status, suspended=True), replace(observed, migration=migration()))

    assert plan.actions == ()


@lost
def test_message_stands_alone(status: dict[str, Any], observed: ObservedState) -> None:
    words = message(status_for(resource(status=status), observed))

    assert "workspace 7" in words
    assert "25 people" in words
    assert "wrong one, or restored from a backup" in words
    assert f'{RECREATE}: "7"' in words


def test_message_names_both_databases() -> None:
    words = message(status_for(resource(status=READY), ANOTHER))

    assert "in the database store-1, but the operator uses the database store-2" in words


@lost
def test_right_database_makes_it_ready_again(status: dict[str, Any], observed: ObservedState) -> None:
    stalled = status_for(resource(status=status), observed)

    plan = plan_for(resource(status=stalled), OURS, now=LATER)

    assert plan.actions == ()
    assert plan.status is not None
    assert conditions(dict(plan.status))["Ready"] == ("True", "InForce")
    assert {field: plan.status[field] for field in KEPT} == {field: READY[field] for field in KEPT}


def test_absent_store_says_nothing_of_missing() -> None:
    status = status_for(resource(status=READY), StoreUnreachable())

    assert conditions(status)["Ready"] == ("False", "StoreUnavailable")


@pytest.mark.parametrize("observed", [EMPTY, ANOTHER], ids=["lost", "another"])
@pytest.mark.parametrize("said", ["7", " 7 "])
def test_recreating_makes_a_new_one(observed: ObservedState, said: str) -> None:
    plan = plan_for(resource(status=READY, annotations={RECREATE: said}), observed)

    [action] = plan.actions
    assert isinstance(action, CreateWorkspace)
    assert action.replaces == 7


@pytest.mark.parametrize("observed", [SAME_NUMBER, SAME_OWNER], ids=["number", "owner"])
def test_recreating_accepts_what_the_database_has(observed: ObservedState) -> None:
    status = status_for(resource(status=READY, annotations={RECREATE: "7"}), observed)

    assert observed.workspace is not None
    assert (status["workspaceID"], status["storeID"]) == (observed.workspace.workspace_id, "store-2")
    assert conditions(status)["Ready"] == ("True", "InForce")


@pytest.mark.parametrize("said", ["8", "new", "07", "7 again"])
def test_only_its_own_number_gives_a_workspace_up(said: str) -> None:
    status = status_for(resource(status=READY, annotations={RECREATE: said}), ANOTHER)

    assert conditions(status)["Ready"] == ("False", "WorkspaceMissing")


@pytest.mark.parametrize("observed", [SAME_NUMBER, OURS], ids=["accepted", "never missing"])
def test_annotation_that_stays_counts_once(observed: ObservedState) -> None:
    before = status_for(resource(status=READY, annotations={RECREATE: "7"}), observed)

    status = status_for(resource(status=before, annotations={RECREATE: "7"}), replace(EMPTY, store_id="store-3"))

    assert before["lastHandledRecreate"] == "7"
    assert conditions(status)["Ready"] == ("False", "WorkspaceMissing")
    assert "remove its old value first" in message(status)


def test_annotation_counts_again_after_its_removal() -> None:
    handled = status_for(resource(status=READY, annotations={RECREATE: "7"}), OURS)
    lost_again = status_for(resource(status=handled, annotations={RECREATE: "7"}), EMPTY)
    removed = status_for(resource(status=lost_again), EMPTY)

    plan = plan_for(resource(status=removed, annotations={RECREATE: "7"}), EMPTY)

    assert "lastHandledRecreate" not in removed
    assert [type(action) for action in plan.actions] == [CreateWorkspace]


def test_annotation_is_handled_when_the_new_one_is_there() -> None:
    asking = resource(status=READY, annotations={RECREATE: "7"})
    made = ObservedState(store_id="store-2", workspace=stored(workspace_id=1), people=PEOPLE)

    status = status_for(asking, made)

    assert status["lastHandledRecreate"] == "7"
    assert (status["workspaceID"], status["people"]["total"]) == (1, 25)


def test_suspended_recreation_waits() -> None:
    status = status_for(resource(status=READY, annotations={RECREATE: "7"}, suspended=True), ANOTHER)

    assert conditions(status)["Ready"] == ("False", "Suspended")
    assert (status["workspaceID"], status["storeID"]) == (7, "store-1")
    assert "lastHandledRecreate" not in status


@pytest.mark.parametrize("said", ["seven", "0", "-1", "NEW"])
def test_impossible_recreation_is_reported(said: str) -> None:
    status = status_for(resource(annotations={RECREATE: said}), EMPTY)

    assert conditions(status)["Ready"] == ("False", "InvalidSpec")
    assert RECREATE in message(status)


def test_assigned_workspace_is_taken_whatever_its_number() -> None:
    assigned = stored(workspace_id=12, owner=replace(OWNER, uid=""))

    plan = plan_for(resource(status=READY), replace(OURS, workspace=assigned))

    assert plan.actions == (ChangeOwner(workspace_id=12, row_version=4, owner=OWNER),)


def test_workspace_of_an_unreported_owner_change_is_kept() -> None:
    taken = replace(OURS, workspace=stored(workspace_id=12))

    status = status_for(resource(status=READY), taken)

    assert conditions(status)["Ready"] == ("True", "InForce")
    assert status["workspaceID"] == 12


def test_restored_database_continues() -> None:
    behind = replace(OURS, workspace=stored(settings=replace(stored().settings, color="FF0000")))

    plan = plan_for(resource(status=READY), behind)

    assert [type(action) for action in plan.actions] == [UpdateSettings]


def test_workspace_given_to_a_neighbour_may_be_given_up() -> None:
    status = status_for(resource(status=READY), replace(EMPTY, from_status=candidate()))
    given_up = resource(status=status, annotations={RECREATE: "7"})

    plan = plan_for(given_up, replace(EMPTY, from_status=candidate()))

    assert conditions(status)["Ready"] == ("False", "OwnershipConflict")
    assert {field: status[field] for field in KEPT} == {field: READY[field] for field in KEPT}
    assert [type(action) for action in plan.actions] == [CreateWorkspace]


@pytest.mark.parametrize("version", [{"stage": "Unheard"}, {"people": 3}, "garbage"])
def test_status_of_another_version_still_names_the_workspace(version: Any) -> None:
    status = READY | {"migration": version}

    found = status_for(resource(status=status), EMPTY)

    assert conditions(found)["Ready"] == ("False", "WorkspaceMissing")


CONFIRMED = {CONFIRM_DELETE: "Shop"}


def deletion(**migrations: Any) -> Resource:
    return deleted_resource(**{"status": READY, "annotations": CONFIRMED} | migrations)


@pytest.mark.parametrize("observed", [ANOTHER, SAME_NUMBER, SAME_OWNER], ids=["empty", "number", "owner"])
def test_deletion_waits_for_the_right_database(observed: ObservedState) -> None:
    plan = plan_for(deletion(), observed)

    assert (plan.actions, plan.finalizers) == ((), None)
    assert plan.status is not None
    status = dict(plan.status)
    assert conditions(status)["Stalled"] == ("True", "WorkspaceMissing")
    assert "Nothing was destroyed" in message(status)
    assert "set spec.deletionPolicy to Retain" in message(status)


def test_unconfirmed_deletion_waits_for_what_is_lost() -> None:
    status = status_for(deletion(annotations={}), EMPTY)

    assert conditions(status)["Stalled"] == ("True", "WorkspaceMissing")


@pytest.mark.parametrize("status", [READY, WITHOUT_STORE], ids=["now", "before the upgrade"])
def test_deletion_ends_once_the_people_are_destroyed(status: dict[str, Any]) -> None:
    plan = plan_for(deletion(status=status), replace(EMPTY, credentials=None))

    assert plan == Plan(finalizers=())


def test_retained_people_let_it_go_from_any_database() -> None:
    plan = plan_for(deletion(deletion_policy=DeletionPolicy.RETAIN), ANOTHER)

    assert plan == Plan(finalizers=())


def test_deletion_of_what_was_accepted_continues() -> None:
    plan = plan_for(deletion(annotations=CONFIRMED | {RECREATE: "7"}), SAME_OWNER)

    assert [action.workspace_id for action in plan.actions] == [1]  # type: ignore[union-attr]


def test_missing_workspace_is_searched_again() -> None:
    assert Reason.WORKSPACE_MISSING in REQUEUE_REASONS
