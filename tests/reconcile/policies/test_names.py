"""Of two workspaces that have one name in two Unicode forms, the older one has it; the younger keeps its people."""

from dataclasses import replace

import pytest

from tests.reconcile.builders import (
    OWNER,
    SHOP,
    STOPPED,
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
from workspace_operator.reconcile.model.actions import DeleteWorkspace
from workspace_operator.reconcile.model.name_conflicts import name_holder
from workspace_operator.reconcile.model.observed import Candidate, ObservedState
from workspace_operator.resources.workspaces import CONFIRM_DELETE
from workspace_operator.workspaces.model import Workspace

COMPOSED, DECOMPOSED = "Caf\N{LATIN SMALL LETTER E WITH ACUTE}", "Cafe\N{COMBINING ACUTE ACCENT}"


def named(number: int, name: str) -> Workspace:
    owner = replace(OWNER, name=f"shop-{number}", uid=f"uid-{number}")
    return stored(workspace_id=number, owner=owner, settings=replace(SHOP, display_name=name))


OLDER, YOUNGER = named(1, COMPOSED), named(2, DECOMPOSED)


@pytest.mark.parametrize(
    ("desired_states", "ours", "holder"),
    [
        (COMPOSED, None, OLDER),
        (DECOMPOSED, None, OLDER),
        ("Cafe", None, None),
        (COMPOSED, OLDER, None),
        (DECOMPOSED, OLDER, YOUNGER),
        (DECOMPOSED, YOUNGER, OLDER),
        (COMPOSED, named(3, "Other"), OLDER),
        ("Other", OLDER, None),
    ],
)
def test_name_has_one_holder(desired_states: str, ours: Workspace | None, holder: Workspace | None) -> None:
    assert name_holder(desired_states, ours, [YOUNGER, OLDER, named(4, "Elsewhere")]) == holder


def test_younger_twin_keeps_its_people_and_says_why_it_waits() -> None:
    ours = stored(settings=replace(SHOP, display_name=DECOMPOSED))
    holder = Candidate(
        workspace=replace(candidate().workspace, settings=replace(SHOP, display_name=COMPOSED)), owner_is_gone=False
    )

    status = status_for(
        resource(desired=desired(display_name=DECOMPOSED)), ObservedState(workspace=ours, name_holder=holder)
    )

    assert conditions(status)["Ready"] == ("False", "NameConflict")
    assert conditions(status)["Stalled"] == ("True", "NameConflict")
    assert status["workspaceID"] == ours.workspace_id
    assert "in another Unicode form" in message(status)


def test_suspended_twin_is_not_called_in_force() -> None:
    ours = ObservedState(workspace=stored(), name_holder=candidate())

    assert conditions(status_for(resource(suspended=True), ours))["Ready"] == ("False", "Suspended")


@pytest.mark.parametrize(("in_force", "said"), [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED)])
def test_deletion_is_confirmed_in_any_form(in_force: str, said: str) -> None:
    ours = ObservedState(workspace=stored(settings=replace(STOPPED, display_name=in_force)))

    plan = plan_for(deleted_resource(annotations={CONFIRM_DELETE: said}), ours)

    assert [type(action) for action in plan.actions] == [DeleteWorkspace]
