"""A workspace of another cluster has our namespace and name (design §4, Ownership)."""

from dataclasses import replace

import pytest

from tests.reconcile.builders import OWNER, conditions, message, plan_for, resource, status_for, stored
from workspace_operator.reconcile.model.actions import CreateWorkspace
from workspace_operator.reconcile.model.observed import Liveness, Namesake, ObservedState
from workspace_operator.reconcile.model.outcomes import REQUEST_NOT_HANDLED, REQUEUE_REASONS, Reason
from workspace_operator.resources.workspaces import RECONCILE_REQUESTED_AT, RECREATE


def namesake(pulse: Liveness, cluster: str = "0cfc6b8e-old") -> Namesake:
    owner = replace(OWNER, cluster=cluster, uid="uid-old")
    return Namesake(workspace=stored(workspace_id=4711, owner=owner), beats=3, liveness=pulse)


def beside(*pulses: Liveness) -> ObservedState:
    return ObservedState(namesakes=tuple(namesake(pulse, f"cluster-{number}") for number, pulse in enumerate(pulses)))


@pytest.mark.parametrize(
    "observed", [beside(Liveness.UNKNOWN), beside(Liveness.SILENT, Liveness.UNKNOWN, Liveness.ALIVE)]
)
def test_waits_until_the_other_cluster_is_known(observed: ObservedState) -> None:
    plan = plan_for(resource(), observed)

    assert plan.actions == ()
    assert plan.requeue
    assert plan.status is not None
    assert conditions(dict(plan.status)) == {
        "Ready": ("Unknown", "Progressing"),
        "Reconciling": ("True", "Progressing"),
        "IdentifiersApplied": ("Unknown", "Progressing"),
    }


@pytest.mark.parametrize("word", ["cluster", "4711", "another", "exist"])
def test_waiting_does_not_say_why(word: str) -> None:
    assert word not in message(status_for(resource(), beside(Liveness.UNKNOWN)))


def test_living_cluster_is_no_obstacle() -> None:
    plan = plan_for(resource(), beside(Liveness.ALIVE, Liveness.ALIVE))

    assert [type(action) for action in plan.actions] == [CreateWorkspace]


def test_silent_cluster_is_a_conflict() -> None:
    status = status_for(resource(), beside(Liveness.ALIVE, Liveness.SILENT))

    assert conditions(status)["Ready"] == ("False", "OwnershipConflict")
    assert conditions(status)["Stalled"] == ("True", "OwnershipConflict")


def test_conflict_names_the_ways_on() -> None:
    words = message(status_for(resource(), beside(Liveness.SILENT)))

    assert "The database has a workspace of team-a/shop that belongs to another cluster" in words
    assert "`workspacectl workspaces move --from-cluster ID --namespace team-a`" in words
    assert "`workspacectl workspaces list --orphans`" in words
    assert f"{RECREATE}: new" in words


@pytest.mark.parametrize("word", ["cluster-0", "4711", "uid-old"])
def test_conflict_reveals_no_more_about_the_other(word: str) -> None:
    assert word not in message(status_for(resource(), beside(Liveness.SILENT)))


@pytest.mark.parametrize("pulse", list(Liveness))
def test_new_one_is_made_on_request(pulse: Liveness) -> None:
    plan = plan_for(resource(annotations={RECREATE: " new "}), beside(pulse))

    assert [type(action) for action in plan.actions] == [CreateWorkspace]


def test_request_for_a_new_one_counts_once() -> None:
    asking = resource(annotations={RECREATE: "new"})
    made = status_for(asking, ObservedState(store_id="store-1", workspace=stored()))

    status = status_for(replace(asking, status=made), replace(beside(Liveness.SILENT), store_id="store-2"))

    assert made["lastHandledRecreate"] == "new"
    assert conditions(status)["Ready"] == ("False", "WorkspaceMissing")


def test_lost_workspace_goes_before_namesakes() -> None:
    status = status_for(resource(status={"workspaceID": 7, "storeID": "store-1"}), beside(Liveness.ALIVE))

    assert conditions(status)["Ready"] == ("False", "WorkspaceMissing")


def test_lost_workspace_and_namesake_may_both_be_given_up() -> None:
    asking = resource(status={"workspaceID": 7, "storeID": "store-1"}, annotations={RECREATE: "new"})

    plan = plan_for(asking, beside(Liveness.SILENT))

    assert [type(action) for action in plan.actions] == [CreateWorkspace]


def test_request_stands_while_waiting() -> None:
    asking = resource(annotations={RECONCILE_REQUESTED_AT: "now"})

    assert "lastHandledReconcileAt" not in status_for(asking, beside(Liveness.UNKNOWN))
    assert Reason.PROGRESSING in REQUEST_NOT_HANDLED & REQUEUE_REASONS
