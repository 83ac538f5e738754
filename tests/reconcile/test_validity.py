"""Wishes that cannot be followed: nothing of them is applied."""

from dataclasses import replace

import pytest

from tests.reconcile.builders import OWNER, conditions, decided, message, resource, stored, told, wish
from workspace_operator.identity.rules import Mode
from workspace_operator.reconcile.observed import Observed, StoreAway
from workspace_operator.reconcile.plan import PutInForce, TakeOver
from workspace_operator.reconcile.wishes import InvalidWish, Wish
from workspace_operator.resources.problems import Problem
from workspace_operator.resources.workspaces import ADOPT, SendMode

INVALID = InvalidWish(
    problems=(
        Problem(path="spec.color", message="must be six hexadecimal digits"),
        Problem(path="spec.identifiers.mode", message="must be one of EmailOrID, IDOnly, EmailOnly."),
    )
)


@pytest.mark.parametrize(
    "observed",
    [Observed(), Observed(workspace=stored()), StoreAway()],
    ids=["nothing", "workspace", "away"],
)
def test_applies_nothing_invalid(observed: Observed | StoreAway) -> None:
    status = told(resource(wish=INVALID), observed)

    assert conditions(status)["Ready"] == ("False", "InvalidSpec")
    assert conditions(status)["Stalled"] == ("True", "InvalidSpec")
    assert conditions(status)["IdentifiersApplied"][0] == "Unknown"


def test_lists_every_problem() -> None:
    words = message(told(resource(wish=INVALID), Observed()))

    assert words == (
        "Nothing of this spec is applied until it is corrected: spec.color: must be six hexadecimal digits; "
        "spec.identifiers.mode: must be one of EmailOrID, IDOnly, EmailOnly."
    )


@pytest.mark.parametrize("said", ["shop", "007", "-1", "0", "9" * 19, "٣", "1.5"])
def test_adopting_takes_a_number(said: str) -> None:
    adopting = resource(annotations={ADOPT: said})

    status = told(adopting, Observed())

    assert adopting.adopts_number is None
    assert conditions(status)["Ready"] == ("False", "InvalidSpec")
    assert f"metadata.annotations[{ADOPT}]: must be the number of a workspace" in message(status)


@pytest.mark.parametrize("said", ["1", " 42\n"])
def test_numbers_may_be_adopted(said: str) -> None:
    adopting = resource(annotations={ADOPT: said})

    assert adopting.adopts_number == int(said)


def test_problems_of_annotations_come_along() -> None:
    words = message(told(resource(wish=INVALID, annotations={ADOPT: "shop"}), Observed()))

    assert "spec.color" in words
    assert "metadata.annotations" in words


def test_account_stays_for_ever() -> None:
    status = told(resource(wish=wish(account="acme", color="FF0000")), Observed(workspace=stored()))

    assert conditions(status)["Ready"] == ("False", "InvalidSpec")
    assert 'spec.accountName: must be "default", the account of workspace 7' in message(status)


def test_workspace_with_impossible_wish_is_ours() -> None:
    gone = stored(mode=Mode.EMAIL_ONLY, owner=replace(OWNER, uid="uid-0"))

    plan = decided(resource(wish=wish(Mode.ID_ONLY)), Observed(workspace=gone))

    assert [type(action).__name__ for action in plan.actions] == ["TakeOver"]


def test_problems_with_what_holds_are_joined() -> None:
    asking = resource(wish=wish(Mode.ID_ONLY, account="acme"))

    words = message(told(asking, Observed(workspace=stored(mode=Mode.EMAIL_ONLY))))

    assert "spec.accountName" in words
    assert "spec.identifiers.mode" in words


INVISIBLE = wish(display_name="Shop\N{ZERO WIDTH SPACE}")
NO_ADDRESS = wish(send_mode=SendMode.TEST, test_address="a@b@c.dd")


@pytest.mark.parametrize(
    ("wanted", "field"),
    [(INVISIBLE, "spec.displayName"), (NO_ADDRESS, "spec.sendBehavior.testAddress")],
    ids=["name", "address"],
)
@pytest.mark.parametrize("observed", [Observed(), Observed(workspace=stored())], ids=["none", "another"])
def test_new_values_are_judged_again(wanted: Wish, field: str, observed: Observed) -> None:
    """The definition may be older than the operator, and the resource older than the rule."""
    status = told(resource(wish=wanted), observed)

    assert conditions(status)["Ready"] == ("False", "InvalidSpec")
    assert f"{field}: must" in message(status)


@pytest.mark.parametrize("wanted", [INVISIBLE, NO_ADDRESS], ids=["name", "address"])
def test_values_in_force_stay_in_force(wanted: Wish) -> None:
    in_force = Observed(workspace=stored(settings=wanted.settings))

    assert conditions(told(resource(wish=wanted), in_force))["Ready"] == ("True", "InForce")
    for change in ({"color": "112233"}, {"open_tracking": False}):
        plan = decided(resource(wish=replace(wanted, settings=replace(wanted.settings, **change))), in_force)
        assert [type(action) for action in plan.actions] == [PutInForce]


def test_owner_made_anew_keeps_what_is_in_force() -> None:
    workspace = stored(settings=INVISIBLE.settings, owner=replace(OWNER, uid="gone"))

    plan = decided(resource(wish=INVISIBLE), Observed(workspace=workspace))

    assert [type(action) for action in plan.actions] == [TakeOver]
