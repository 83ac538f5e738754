"""Wishes that cannot be followed: nothing of them is applied."""

from dataclasses import replace

import pytest

from tests.reconcile.builders import OWNER, conditions, desired, message, plan_for, resource, status_for, stored
from workspace_operator.identity.values.rules import Mode
from workspace_operator.reconcile.model.actions import ChangeOwner, UpdateSettings
from workspace_operator.reconcile.model.desired import DesiredState, InvalidSpec
from workspace_operator.reconcile.model.observed import ObservedState, StoreUnreachable
from workspace_operator.resources.problems import Problem
from workspace_operator.resources.workspaces import ADOPT
from workspace_operator.sending.rules import SendMode

INVALID = InvalidSpec(
    problems=(
        Problem(path="spec.color", message="must be six hexadecimal digits"),
        Problem(path="spec.identifiers.mode", message="must be one of EmailOrID, IDOnly, EmailOnly."),
    )
)


@pytest.mark.parametrize(
    "observed",
    [ObservedState(), ObservedState(workspace=stored()), StoreUnreachable()],
    ids=["nothing", "workspace", "away"],
)
def test_applies_nothing_invalid(observed: ObservedState | StoreUnreachable) -> None:
    status = status_for(resource(desired=INVALID), observed)

    assert conditions(status)["Ready"] == ("False", "InvalidSpec")
    assert conditions(status)["Stalled"] == ("True", "InvalidSpec")
    assert conditions(status)["IdentifiersApplied"][0] == "Unknown"


def test_lists_every_problem() -> None:
    words = message(status_for(resource(desired=INVALID), ObservedState()))

    assert words == (
        "Nothing of this spec is applied until it is corrected: spec.color: must be six hexadecimal digits; "
        "spec.identifiers.mode: must be one of EmailOrID, IDOnly, EmailOnly."
    )


@pytest.mark.parametrize("said", ["shop", "007", "-1", "0", "9" * 19, "٣", "1.5"])
def test_adopting_takes_a_number(said: str) -> None:
    adopting = resource(annotations={ADOPT: said})

    status = status_for(adopting, ObservedState())

    assert adopting.adopt_workspace_id is None
    assert conditions(status)["Ready"] == ("False", "InvalidSpec")
    assert f"metadata.annotations[{ADOPT}]: must be the number of a workspace" in message(status)


@pytest.mark.parametrize("said", ["1", " 42\n"])
def test_numbers_may_be_adopted(said: str) -> None:
    adopting = resource(annotations={ADOPT: said})

    assert adopting.adopt_workspace_id == int(said)


def test_problems_of_annotations_come_along() -> None:
    words = message(status_for(resource(desired=INVALID, annotations={ADOPT: "shop"}), ObservedState()))

    assert "spec.color" in words
    assert "metadata.annotations" in words


def test_account_stays_for_ever() -> None:
    status = status_for(resource(desired=desired(account="acme", color="FF0000")), ObservedState(workspace=stored()))

    assert conditions(status)["Ready"] == ("False", "InvalidSpec")
    assert 'spec.accountName: must be "default", the account of workspace 7' in message(status)


def test_workspace_with_invalid_spec_is_ours() -> None:
    gone = stored(mode=Mode.EMAIL_ONLY, owner=replace(OWNER, uid="uid-0"))

    plan = plan_for(resource(desired=desired(Mode.ID_ONLY)), ObservedState(workspace=gone))

    assert [type(action).__name__ for action in plan.actions] == ["ChangeOwner"]


def test_problems_with_what_holds_are_joined() -> None:
    asking = resource(desired=desired(Mode.ID_ONLY, account="acme"))

    words = message(status_for(asking, ObservedState(workspace=stored(mode=Mode.EMAIL_ONLY))))

    assert "spec.accountName" in words
    assert "spec.identifiers.mode" in words


INVISIBLE = desired(display_name="Shop\N{ZERO WIDTH SPACE}")
NO_ADDRESS = desired(send_mode=SendMode.TEST, test_address="a@b@c.dd")


@pytest.mark.parametrize(
    ("desired_states", "field"),
    [(INVISIBLE, "spec.displayName"), (NO_ADDRESS, "spec.sendBehavior.testAddress")],
    ids=["name", "address"],
)
@pytest.mark.parametrize("observed", [ObservedState(), ObservedState(workspace=stored())], ids=["none", "another"])
def test_new_values_are_judged_again(desired_states: DesiredState, field: str, observed: ObservedState) -> None:
    """The definition may be older than the operator, and the resource older than the rule."""
    status = status_for(resource(desired=desired_states), observed)

    assert conditions(status)["Ready"] == ("False", "InvalidSpec")
    assert f"{field}: must" in message(status)


@pytest.mark.parametrize("desired_states", [INVISIBLE, NO_ADDRESS], ids=["name", "address"])
def test_values_in_force_stay_in_force(desired_states: DesiredState) -> None:
    in_force = ObservedState(workspace=stored(settings=desired_states.settings))

    assert conditions(status_for(resource(desired=desired_states), in_force))["Ready"] == ("True", "InForce")
    for migration in ({"color": "112233"}, {"open_tracking": False}):
        plan = plan_for(
            resource(desired=replace(desired_states, settings=replace(desired_states.settings, **migration))), in_force
        )
        assert [type(action) for action in plan.actions] == [UpdateSettings]


def test_owner_made_anew_keeps_what_is_in_force() -> None:
    workspace = stored(settings=INVISIBLE.settings, owner=replace(OWNER, uid="gone"))

    plan = plan_for(resource(desired=INVISIBLE), ObservedState(workspace=workspace))

    assert [type(action) for action in plan.actions] == [ChangeOwner]
