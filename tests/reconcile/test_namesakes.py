"""A workspace of another cluster has our namespace and name (field case U4; design §4, Ownership)."""

from dataclasses import replace

import pytest

from tests.reconcile.builders import OWNER, conditions, decided, message, resource, stored, told
from workspace_operator.reconcile.observed import Namesake, Observed, Pulse
from workspace_operator.reconcile.plan import CreateWorkspace
from workspace_operator.reconcile.verdicts import LOOKED_AT_AGAIN, UNHANDLED, Reason
from workspace_operator.resources.workspaces import RECONCILE_REQUESTED_AT, RECREATE


def namesake(pulse: Pulse, cluster: str = "0cfc6b8e-old") -> Namesake:
    owner = replace(OWNER, cluster=cluster, uid="uid-old")
    return Namesake(workspace=stored(workspace_id=4711, owner=owner), beats=3, pulse=pulse)


def beside(*pulses: Pulse) -> Observed:
    return Observed(namesakes=tuple(namesake(pulse, f"cluster-{number}") for number, pulse in enumerate(pulses)))


@pytest.mark.parametrize("observed", [beside(Pulse.UNKNOWN), beside(Pulse.SILENT, Pulse.UNKNOWN, Pulse.ALIVE)])
def test_waits_until_the_other_cluster_is_known(observed: Observed) -> None:
    plan = decided(resource(), observed)

    assert plan.actions == ()
    assert plan.retry
    assert plan.status is not None
    assert conditions(dict(plan.status)) == {
        "Ready": ("Unknown", "Progressing"),
        "Reconciling": ("True", "Progressing"),
        "IdentifiersApplied": ("Unknown", "Progressing"),
    }


@pytest.mark.parametrize("word", ["cluster", "4711", "another", "exist"])
def test_waiting_does_not_say_why(word: str) -> None:
    assert word not in message(told(resource(), beside(Pulse.UNKNOWN)))


def test_living_cluster_is_no_obstacle() -> None:
    plan = decided(resource(), beside(Pulse.ALIVE, Pulse.ALIVE))

    assert [type(action) for action in plan.actions] == [CreateWorkspace]


def test_silent_cluster_is_a_conflict() -> None:
    status = told(resource(), beside(Pulse.ALIVE, Pulse.SILENT))

    assert conditions(status)["Ready"] == ("False", "OwnershipConflict")
    assert conditions(status)["Stalled"] == ("True", "OwnershipConflict")


def test_conflict_names_the_ways_on() -> None:
    words = message(told(resource(), beside(Pulse.SILENT)))

    assert "A workspace of team-a/shop waits in the database" in words
    assert "`workspacectl workspaces move --from-cluster ID --namespace team-a`" in words
    assert "`workspacectl workspaces list --orphans`" in words
    assert f"{RECREATE}: new" in words


@pytest.mark.parametrize("word", ["cluster-0", "4711", "uid-old"])
def test_conflict_tells_no_more_of_the_other(word: str) -> None:
    assert word not in message(told(resource(), beside(Pulse.SILENT)))


@pytest.mark.parametrize("pulse", list(Pulse))
def test_new_one_is_made_on_request(pulse: Pulse) -> None:
    plan = decided(resource(annotations={RECREATE: " new "}), beside(pulse))

    assert [type(action) for action in plan.actions] == [CreateWorkspace]


def test_request_for_a_new_one_counts_once() -> None:
    asking = resource(annotations={RECREATE: "new"})
    made = told(asking, Observed(store_id="store-1", workspace=stored()))

    status = told(replace(asking, status=made), replace(beside(Pulse.SILENT), store_id="store-2"))

    assert made["lastHandledRecreate"] == "new"
    assert conditions(status)["Ready"] == ("False", "WorkspaceMissing")


def test_lost_workspace_goes_before_namesakes() -> None:
    status = told(resource(status={"workspaceID": 7, "storeID": "store-1"}), beside(Pulse.ALIVE))

    assert conditions(status)["Ready"] == ("False", "WorkspaceMissing")


def test_lost_workspace_and_namesake_may_both_be_given_up() -> None:
    asking = resource(status={"workspaceID": 7, "storeID": "store-1"}, annotations={RECREATE: "new"})

    plan = decided(asking, beside(Pulse.SILENT))

    assert [type(action) for action in plan.actions] == [CreateWorkspace]


def test_request_stands_while_waiting() -> None:
    asking = resource(annotations={RECONCILE_REQUESTED_AT: "now"})

    assert "lastHandledReconcileAt" not in told(asking, beside(Pulse.UNKNOWN))
    assert Reason.PROGRESSING in UNHANDLED & LOOKED_AT_AGAIN
