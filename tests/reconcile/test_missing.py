"""The database lacks the workspace that a resource has had, or it is another database (field case U1)."""

from dataclasses import replace
from typing import Any

import pytest

from tests.reconcile.builders import (
    LATER,
    OWNER,
    conditions,
    decided,
    kept,
    leaving,
    message,
    migration,
    resource,
    somebodys,
    stored,
    told,
)
from workspace_operator.reconcile.observed import Observed, PeopleCounts, StoreAway
from workspace_operator.reconcile.plan import CreateWorkspace, Plan, PutInForce, TakeOver
from workspace_operator.reconcile.verdicts import LOOKED_AT_AGAIN, Reason
from workspace_operator.reconcile.wishes import InvalidWish, Resource
from workspace_operator.resources.problems import Problem
from workspace_operator.resources.workspaces import (
    ADOPT,
    CONFIRM_DELETE,
    RECREATE,
    DeletionPolicy,
)

PEOPLE = PeopleCounts(total=25, with_email=25, without_id=0)
OURS = Observed(store_id="store-1", workspace=stored(), people=PEOPLE, credentials=kept())
READY = told(resource(), OURS)
EMPTY = Observed(store_id="store-1", credentials=kept(rotated_at=None))
ANOTHER = Observed(store_id="store-2", credentials=kept(rotated_at=None))
SAME_NUMBER = replace(OURS, store_id="store-2")
SAME_OWNER = Observed(store_id="store-2", workspace=stored(workspace_id=1), people=PEOPLE, credentials=kept())
WITHOUT_STORE = {key: value for key, value in READY.items() if key != "storeID"}
INVALID = InvalidWish(problems=(Problem(path="spec.color", message="must be six digits"),))
KEPT = ("workspaceID", "storeID", "identifiers", "people", "credentials")

LOST: dict[str, tuple[dict[str, Any], Observed]] = {
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
    status = told(resource(status=WITHOUT_STORE), OURS)

    assert status["storeID"] == "store-1"
    assert status["people"] == READY["people"]
    assert conditions(status)["Ready"] == ("True", "InForce")


@lost
@pytest.mark.parametrize(
    "changes",
    [{}, {"wish": INVALID}, {"suspended": True}, {"annotations": {ADOPT: "7"}}, {"annotations": {RECREATE: "new"}}],
    ids=["plain", "invalid", "suspended", "adopting", "asking for another"],
)
def test_missing_workspace_stalls(status: dict[str, Any], observed: Observed, changes: dict[str, Any]) -> None:
    subject = resource(status=status, **changes)
    seen = replace(observed, adoptable=somebodys(released=True))

    plan = decided(subject, seen, now=LATER)

    assert plan.actions == ()
    assert plan.retry
    assert plan.status is not None
    found = conditions(dict(plan.status))
    assert found["Ready"] == ("False", "WorkspaceMissing")
    assert found["Stalled"] == ("True", "WorkspaceMissing")
    assert found["IdentifiersApplied"] == ("Unknown", "WorkspaceMissing")
    assert {field: plan.status.get(field) for field in KEPT} == {field: status.get(field) for field in KEPT}
    assert ("WorkspaceMissing", True) in [(event.reason, event.warning) for event in plan.events]


@lost
def test_running_change_of_another_database_is_not_paused(status: dict[str, Any], observed: Observed) -> None:
    plan = decided(resource(status=status, suspended=True), replace(observed, migration=migration()))

    assert plan.actions == ()


@lost
def test_message_stands_alone(status: dict[str, Any], observed: Observed) -> None:
    words = message(told(resource(status=status), observed))

    assert "workspace 7" in words
    assert "25 people" in words
    assert "wrong one, or restored from a backup" in words
    assert f'{RECREATE}: "7"' in words


def test_message_names_both_databases() -> None:
    words = message(told(resource(status=READY), ANOTHER))

    assert "in the database store-1, but the operator uses the database store-2" in words


@lost
def test_right_database_makes_it_ready_again(status: dict[str, Any], observed: Observed) -> None:
    stalled = told(resource(status=status), observed)

    plan = decided(resource(status=stalled), OURS, now=LATER)

    assert plan.actions == ()
    assert plan.status is not None
    assert conditions(dict(plan.status))["Ready"] == ("True", "InForce")
    assert {field: plan.status[field] for field in KEPT} == {field: READY[field] for field in KEPT}


def test_absent_store_says_nothing_of_missing() -> None:
    status = told(resource(status=READY), StoreAway())

    assert conditions(status)["Ready"] == ("False", "StoreUnavailable")


@pytest.mark.parametrize("observed", [EMPTY, ANOTHER], ids=["lost", "another"])
@pytest.mark.parametrize("said", ["7", " 7 "])
def test_recreating_makes_a_new_one(observed: Observed, said: str) -> None:
    plan = decided(resource(status=READY, annotations={RECREATE: said}), observed)

    [action] = plan.actions
    assert isinstance(action, CreateWorkspace)
    assert action.instead_of == 7


@pytest.mark.parametrize("observed", [SAME_NUMBER, SAME_OWNER], ids=["number", "owner"])
def test_recreating_accepts_what_the_database_has(observed: Observed) -> None:
    status = told(resource(status=READY, annotations={RECREATE: "7"}), observed)

    assert observed.workspace is not None
    assert (status["workspaceID"], status["storeID"]) == (observed.workspace.workspace_id, "store-2")
    assert conditions(status)["Ready"] == ("True", "InForce")


@pytest.mark.parametrize("said", ["8", "new", "07", "7 again"])
def test_only_its_own_number_gives_a_workspace_up(said: str) -> None:
    status = told(resource(status=READY, annotations={RECREATE: said}), ANOTHER)

    assert conditions(status)["Ready"] == ("False", "WorkspaceMissing")


@pytest.mark.parametrize("observed", [SAME_NUMBER, OURS], ids=["accepted", "never missing"])
def test_annotation_that_stays_counts_once(observed: Observed) -> None:
    before = told(resource(status=READY, annotations={RECREATE: "7"}), observed)

    status = told(resource(status=before, annotations={RECREATE: "7"}), replace(EMPTY, store_id="store-3"))

    assert before["lastHandledRecreate"] == "7"
    assert conditions(status)["Ready"] == ("False", "WorkspaceMissing")
    assert "remove its present value first" in message(status)


def test_annotation_counts_again_after_its_removal() -> None:
    handled = told(resource(status=READY, annotations={RECREATE: "7"}), OURS)
    lost_again = told(resource(status=handled, annotations={RECREATE: "7"}), EMPTY)
    removed = told(resource(status=lost_again), EMPTY)

    plan = decided(resource(status=removed, annotations={RECREATE: "7"}), EMPTY)

    assert "lastHandledRecreate" not in removed
    assert [type(action) for action in plan.actions] == [CreateWorkspace]


def test_annotation_is_handled_when_the_new_one_is_there() -> None:
    asking = resource(status=READY, annotations={RECREATE: "7"})
    made = Observed(store_id="store-2", workspace=stored(workspace_id=1), people=PEOPLE)

    status = told(asking, made)

    assert status["lastHandledRecreate"] == "7"
    assert (status["workspaceID"], status["people"]["total"]) == (1, 25)


def test_suspended_recreation_waits() -> None:
    status = told(resource(status=READY, annotations={RECREATE: "7"}, suspended=True), ANOTHER)

    assert conditions(status)["Ready"] == ("False", "Suspended")
    assert (status["workspaceID"], status["storeID"]) == (7, "store-1")
    assert "lastHandledRecreate" not in status


@pytest.mark.parametrize("said", ["seven", "0", "-1", "NEW"])
def test_impossible_recreation_is_told(said: str) -> None:
    status = told(resource(annotations={RECREATE: said}), EMPTY)

    assert conditions(status)["Ready"] == ("False", "InvalidSpec")
    assert RECREATE in message(status)


def test_assigned_workspace_is_taken_whatever_its_number() -> None:
    assigned = stored(workspace_id=12, owner=replace(OWNER, uid=""))

    plan = decided(resource(status=READY), replace(OURS, workspace=assigned))

    assert plan.actions == (TakeOver(workspace_id=12, row_version=4, owner=OWNER),)


def test_taken_workspace_is_kept_though_nobody_told_of_it() -> None:
    taken = replace(OURS, workspace=stored(workspace_id=12))

    status = told(resource(status=READY), taken)

    assert conditions(status)["Ready"] == ("True", "InForce")
    assert status["workspaceID"] == 12


def test_restored_database_goes_on() -> None:
    behind = replace(OURS, workspace=stored(settings=replace(stored().settings, color="FF0000")))

    plan = decided(resource(status=READY), behind)

    assert [type(action) for action in plan.actions] == [PutInForce]


def test_workspace_given_to_a_neighbour_may_be_given_up() -> None:
    status = told(resource(status=READY), replace(EMPTY, remembered=somebodys()))
    given_up = resource(status=status, annotations={RECREATE: "7"})

    plan = decided(given_up, replace(EMPTY, remembered=somebodys()))

    assert conditions(status)["Ready"] == ("False", "OwnershipConflict")
    assert {field: status[field] for field in KEPT} == {field: READY[field] for field in KEPT}
    assert [type(action) for action in plan.actions] == [CreateWorkspace]


@pytest.mark.parametrize("version", [{"stage": "Unheard"}, {"people": 3}, "garbage"])
def test_status_of_another_version_still_names_the_workspace(version: Any) -> None:
    status = READY | {"migration": version}

    found = told(resource(status=status), EMPTY)

    assert conditions(found)["Ready"] == ("False", "WorkspaceMissing")


CONFIRMED = {CONFIRM_DELETE: "Shop"}


def deletion(**changes: Any) -> Resource:
    return leaving(**{"status": READY, "annotations": CONFIRMED} | changes)


@pytest.mark.parametrize("observed", [ANOTHER, SAME_NUMBER, SAME_OWNER], ids=["empty", "number", "owner"])
def test_deletion_waits_for_the_right_database(observed: Observed) -> None:
    plan = decided(deletion(), observed)

    assert (plan.actions, plan.finalizers) == ((), None)
    assert plan.status is not None
    status = dict(plan.status)
    assert conditions(status)["Stalled"] == ("True", "WorkspaceMissing")
    assert "Nothing was destroyed" in message(status)
    assert "set spec.deletionPolicy to Retain" in message(status)


def test_unconfirmed_deletion_waits_for_what_is_lost() -> None:
    status = told(deletion(annotations={}), EMPTY)

    assert conditions(status)["Stalled"] == ("True", "WorkspaceMissing")


@pytest.mark.parametrize("status", [READY, WITHOUT_STORE], ids=["now", "before the upgrade"])
def test_deletion_ends_once_the_people_are_destroyed(status: dict[str, Any]) -> None:
    plan = decided(deletion(status=status), replace(EMPTY, credentials=None))

    assert plan == Plan(finalizers=())


def test_retained_people_let_it_go_from_any_database() -> None:
    plan = decided(deletion(deletion_policy=DeletionPolicy.RETAIN), ANOTHER)

    assert plan == Plan(finalizers=())


def test_deletion_of_what_was_accepted_goes_on() -> None:
    plan = decided(deletion(annotations=CONFIRMED | {RECREATE: "7"}), SAME_OWNER)

    assert [action.workspace_id for action in plan.actions] == [1]  # type: ignore[union-attr]


def test_missing_workspace_is_looked_for_again() -> None:
    assert Reason.WORKSPACE_MISSING in LOOKED_AT_AGAIN
