"""Whose workspace it is (design §4, Ownership)."""

from dataclasses import replace

import pytest

from tests.reconcile.builders import (
    NOW,
    OWNER,
    SHOP,
    conditions,
    decided,
    leaving,
    message,
    resource,
    somebodys,
    stored,
    told,
    wish,
)
from workspace_operator.identity.rules import Mode
from workspace_operator.reconcile.observed import Observed
from workspace_operator.reconcile.plan import CreateWorkspace, TakeOver
from workspace_operator.reconcile.wishes import Resource
from workspace_operator.resources.workspaces import ADOPT

EMPTY = Observed()
ELSEWHERE = [{"namespace": "team-b"}, {"cluster": "cluster-2"}, {"namespace": "team-b", "cluster": "cluster-2"}]
"""Places of which a resource is told nothing (field case A8)."""

HAD_9 = {"workspaceID": 9, "observedGeneration": 2}


@pytest.mark.parametrize(
    ("wanted", "made"),
    [(None, Mode.EMAIL_OR_ID), (Mode.EMAIL_ONLY, Mode.EMAIL_ONLY), (Mode.ID_ONLY, Mode.ID_ONLY)],
)
def test_makes_what_is_missing(wanted: Mode | None, made: Mode) -> None:
    plan = decided(resource(wish=wish(wanted)), EMPTY)

    assert plan.actions == (CreateWorkspace(owner=OWNER, account="default", mode=made, settings=SHOP),)


def test_writes_nothing_while_acting() -> None:
    plan = decided(resource(), EMPTY)

    assert (plan.status, plan.finalizers, plan.events) == (None, None, ())


@pytest.mark.parametrize("uid", ["uid-0", ""])
def test_takes_over_from_gone_namesake(uid: str) -> None:
    plan = decided(resource(), Observed(workspace=stored(owner=replace(OWNER, uid=uid))))

    assert plan.actions == (TakeOver(workspace_id=7, row_version=4, owner=OWNER),)


def test_adopts_released_workspace() -> None:
    adopting = resource(annotations={ADOPT: " 9 "})

    plan = decided(adopting, Observed(adoptable=somebodys(released=True)))

    assert plan.actions == (TakeOver(workspace_id=9, row_version=4, owner=OWNER),)


def test_adopts_back_what_it_remembers() -> None:
    adopting = resource(annotations={ADOPT: "9"})
    released = somebodys(released=True)

    plan = decided(adopting, Observed(adoptable=released, remembered=released, name_holder=released))

    assert plan.actions == (TakeOver(workspace_id=9, row_version=4, owner=OWNER),)


def test_adopts_nobody_elses_workspace() -> None:
    adopting = resource(annotations={ADOPT: "9"})

    status = told(adopting, Observed(adoptable=somebodys()))

    assert conditions(status)["Ready"] == ("False", "OwnershipConflict")
    assert "that resource still exists" in message(status)
    assert "workspacectl workspaces assign" in message(status)


@pytest.mark.parametrize("released", [True, False])
@pytest.mark.parametrize("place", ELSEWHERE)
def test_adopting_from_elsewhere_is_adopting_nothing(place: dict[str, str], released: bool) -> None:
    adopting = resource(annotations={ADOPT: "9"})

    plan = decided(adopting, Observed(adoptable=somebodys(released=released, **place)))

    assert plan == decided(adopting, EMPTY)


@pytest.mark.parametrize("place", ELSEWHERE)
@pytest.mark.parametrize("subject", [resource(status=HAD_9), leaving(status=HAD_9)], ids=["living", "leaving"])
def test_workspace_that_went_elsewhere_is_missing(subject: Resource, place: dict[str, str]) -> None:
    plan = decided(subject, Observed(remembered=somebodys(released=False, **place)))

    assert plan == decided(subject, EMPTY)
    assert plan.status is not None
    assert conditions(dict(plan.status))["Stalled"] == ("True", "WorkspaceMissing")


@pytest.mark.parametrize("place", ELSEWHERE)
def test_name_that_is_held_elsewhere_names_nobody(place: dict[str, str]) -> None:
    status = told(resource(), Observed(name_holder=somebodys(released=True, **place)))

    assert conditions(status)["Ready"] == ("False", "NameConflict")
    assert "team-b" not in message(status)
    assert "cluster-2" not in message(status)
    assert "9" not in message(status)


def test_adopting_nothing_is_told() -> None:
    status = told(resource(annotations={ADOPT: "12"}), EMPTY)

    assert conditions(status)["Stalled"] == ("True", "OwnershipConflict")
    assert 'names workspace "12", which does not exist' in message(status)


@pytest.mark.parametrize("uid", ["uid-1", "uid-0"])
def test_adopts_no_second_workspace(uid: str) -> None:
    own = stored(owner=replace(OWNER, uid=uid))

    status = told(resource(annotations={ADOPT: "9"}), Observed(workspace=own, adoptable=somebodys(released=True)))

    assert conditions(status)["Ready"] == ("False", "OwnershipConflict")
    assert "has workspace 7 already" in message(status)


def test_adopted_workspace_needs_nothing() -> None:
    status = told(resource(annotations={ADOPT: "7"}), Observed(workspace=stored()))

    assert conditions(status)["Ready"] == ("True", "InForce")


def test_remembered_workspace_was_given_away() -> None:
    remembering = resource(status={"workspaceID": 9, "observedGeneration": 2})

    status = told(remembering, Observed(remembered=somebodys()))

    assert conditions(status)["Ready"] == ("False", "OwnershipConflict")
    assert "is now workspace 9 of team-a/other" in message(status)
    assert "workspacectl workspaces assign" in message(status)


def test_remembers_workspace_while_disputed() -> None:
    first = told(resource(status={"workspaceID": 9}), Observed(remembered=somebodys()))

    second = decided(resource(status=first), Observed(remembered=somebodys()))

    assert first["workspaceID"] == 9
    assert second.status is None


def test_taken_name_names_its_holder() -> None:
    status = told(resource(), Observed(name_holder=somebodys()))

    assert conditions(status)["Ready"] == ("False", "NameConflict")
    assert '"Shop" is held by workspace 9 of team-a/other (cluster cluster-1). Choose another' in message(status)


def test_released_name_says_how_to_adopt() -> None:
    status = told(resource(), Observed(name_holder=somebodys(released=True)))

    assert "whose resource is gone" in message(status)
    assert f'set the annotation {ADOPT}: "9"' in message(status)


@pytest.mark.parametrize(
    "observed",
    [Observed(name_holder=somebodys()), Observed(remembered=somebodys())],
    ids=["name", "remembered"],
)
def test_conflicts_are_looked_at_again(observed: Observed) -> None:
    plan = decided(resource(), observed, now=NOW)

    assert plan.retry
