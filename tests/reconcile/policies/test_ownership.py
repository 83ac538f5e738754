"""Whose workspace it is (design §4, Ownership)."""

from dataclasses import replace

import pytest

from tests.reconcile.builders import (
    NOW,
    OWNER,
    SHOP,
    candidate,
    conditions,
    deleted_resource,
    desired,
    message,
    plan_for,
    resource,
    status_for,
    stored,
)
from workspace_operator.identity.values.rules import Mode
from workspace_operator.reconcile.model.actions import ChangeOwner, CreateWorkspace
from workspace_operator.reconcile.model.desired import Resource
from workspace_operator.reconcile.model.observed import ObservedState
from workspace_operator.resources.workspaces import ADOPT

EMPTY = ObservedState()
ELSEWHERE = [{"namespace": "team-b"}, {"cluster": "cluster-2"}, {"namespace": "team-b", "cluster": "cluster-2"}]
"""Places of which a resource is told nothing."""

HAD_9 = {"workspaceID": 9, "observedGeneration": 2}


@pytest.mark.parametrize(
    ("desired_states", "made"),
    [(None, Mode.EMAIL_OR_ID), (Mode.EMAIL_ONLY, Mode.EMAIL_ONLY), (Mode.ID_ONLY, Mode.ID_ONLY)],
)
def test_makes_what_is_missing(desired_states: Mode | None, made: Mode) -> None:
    plan = plan_for(resource(desired=desired(desired_states)), EMPTY)

    assert plan.actions == (CreateWorkspace(owner=OWNER, account="default", mode=made, settings=SHOP),)


def test_writes_nothing_while_acting() -> None:
    plan = plan_for(resource(), EMPTY)

    assert (plan.status, plan.finalizers, plan.events) == (None, None, ())


@pytest.mark.parametrize("uid", ["uid-0", ""])
def test_takes_over_from_gone_namesake(uid: str) -> None:
    plan = plan_for(resource(), ObservedState(workspace=stored(owner=replace(OWNER, uid=uid))))

    assert plan.actions == (ChangeOwner(workspace_id=7, row_version=4, owner=OWNER),)


def test_adopts_released_workspace() -> None:
    adopting = resource(annotations={ADOPT: " 9 "})

    plan = plan_for(adopting, ObservedState(from_annotation=candidate(owner_is_gone=True)))

    assert plan.actions == (ChangeOwner(workspace_id=9, row_version=4, owner=OWNER),)


def test_adopts_back_what_it_remembers() -> None:
    adopting = resource(annotations={ADOPT: "9"})
    owner_is_gone = candidate(owner_is_gone=True)

    plan = plan_for(
        adopting, ObservedState(from_annotation=owner_is_gone, from_status=owner_is_gone, name_holder=owner_is_gone)
    )

    assert plan.actions == (ChangeOwner(workspace_id=9, row_version=4, owner=OWNER),)


def test_adopts_nobody_elses_workspace() -> None:
    adopting = resource(annotations={ADOPT: "9"})

    status = status_for(adopting, ObservedState(from_annotation=candidate()))

    assert conditions(status)["Ready"] == ("False", "OwnershipConflict")
    assert "that resource still exists" in message(status)
    assert "workspacectl workspaces assign" in message(status)


@pytest.mark.parametrize("owner_is_gone", [True, False])
@pytest.mark.parametrize("place", ELSEWHERE)
def test_adopting_from_elsewhere_is_adopting_nothing(place: dict[str, str], owner_is_gone: bool) -> None:
    adopting = resource(annotations={ADOPT: "9"})

    plan = plan_for(adopting, ObservedState(from_annotation=candidate(owner_is_gone=owner_is_gone, **place)))

    assert plan == plan_for(adopting, EMPTY)


@pytest.mark.parametrize("place", ELSEWHERE)
@pytest.mark.parametrize("subject", [resource(status=HAD_9), deleted_resource(status=HAD_9)], ids=["living", "leaving"])
def test_workspace_that_went_elsewhere_is_missing(subject: Resource, place: dict[str, str]) -> None:
    plan = plan_for(subject, ObservedState(from_status=candidate(owner_is_gone=False, **place)))

    assert plan == plan_for(subject, EMPTY)
    assert plan.status is not None
    assert conditions(dict(plan.status))["Stalled"] == ("True", "WorkspaceMissing")


@pytest.mark.parametrize("place", ELSEWHERE)
def test_name_that_is_held_elsewhere_names_nobody(place: dict[str, str]) -> None:
    status = status_for(resource(), ObservedState(name_holder=candidate(owner_is_gone=True, **place)))

    assert conditions(status)["Ready"] == ("False", "NameConflict")
    assert "team-b" not in message(status)
    assert "cluster-2" not in message(status)
    assert "9" not in message(status)


def test_adopting_nothing_is_reported() -> None:
    status = status_for(resource(annotations={ADOPT: "12"}), EMPTY)

    assert conditions(status)["Stalled"] == ("True", "OwnershipConflict")
    assert 'names workspace "12", which does not exist' in message(status)


@pytest.mark.parametrize("uid", ["uid-1", "uid-0"])
def test_adopts_no_second_workspace(uid: str) -> None:
    own = stored(owner=replace(OWNER, uid=uid))

    status = status_for(
        resource(annotations={ADOPT: "9"}), ObservedState(workspace=own, from_annotation=candidate(owner_is_gone=True))
    )

    assert conditions(status)["Ready"] == ("False", "OwnershipConflict")
    assert "already has workspace 7" in message(status)


def test_adopted_workspace_needs_nothing() -> None:
    status = status_for(resource(annotations={ADOPT: "7"}), ObservedState(workspace=stored()))

    assert conditions(status)["Ready"] == ("True", "InForce")


def test_remembered_workspace_was_given_away() -> None:
    remembering = resource(status={"workspaceID": 9, "observedGeneration": 2})

    status = status_for(remembering, ObservedState(from_status=candidate()))

    assert conditions(status)["Ready"] == ("False", "OwnershipConflict")
    assert "is now workspace 9 of team-a/other" in message(status)
    assert "workspacectl workspaces assign" in message(status)


def test_remembers_workspace_while_disputed() -> None:
    first = status_for(resource(status={"workspaceID": 9}), ObservedState(from_status=candidate()))

    second = plan_for(resource(status=first), ObservedState(from_status=candidate()))

    assert first["workspaceID"] == 9
    assert second.status is None


def test_taken_name_names_its_holder() -> None:
    status = status_for(resource(), ObservedState(name_holder=candidate()))

    assert conditions(status)["Ready"] == ("False", "NameConflict")
    assert '"Shop" is taken by workspace 9 of team-a/other (cluster cluster-1). Choose another' in message(status)


def test_released_name_says_how_to_adopt() -> None:
    status = status_for(resource(), ObservedState(name_holder=candidate(owner_is_gone=True)))

    assert "whose resource is gone" in message(status)
    assert f'set the annotation {ADOPT}: "9"' in message(status)


@pytest.mark.parametrize(
    "observed",
    [ObservedState(name_holder=candidate()), ObservedState(from_status=candidate())],
    ids=["name", "remembered"],
)
def test_conflicts_are_requeued(observed: ObservedState) -> None:
    plan = plan_for(resource(), observed, now=NOW)

    assert plan.requeue
