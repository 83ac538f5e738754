"""Of two workspaces that have one name in two Unicode forms, the older one has it; the younger keeps its people."""

from dataclasses import replace

import pytest

from tests.reconcile.builders import (
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
from workspace_operator.reconcile.names import name_holder
from workspace_operator.reconcile.observed import Candidate, Observed, StoredWorkspace
from workspace_operator.reconcile.plan import DestroyWorkspace
from workspace_operator.resources.workspaces import CONFIRM_DELETE

COMPOSED, DECOMPOSED = "Caf\N{LATIN SMALL LETTER E WITH ACUTE}", "Cafe\N{COMBINING ACUTE ACCENT}"


def named(number: int, name: str) -> StoredWorkspace:
    owner = replace(OWNER, name=f"shop-{number}", uid=f"uid-{number}")
    return stored(workspace_id=number, owner=owner, settings=replace(SHOP, display_name=name))


OLDER, YOUNGER = named(1, COMPOSED), named(2, DECOMPOSED)


@pytest.mark.parametrize(
    ("wanted", "ours", "holder"),
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
def test_name_has_one_holder(wanted: str, ours: StoredWorkspace | None, holder: StoredWorkspace | None) -> None:
    assert name_holder(wanted, ours, [YOUNGER, OLDER, named(4, "Elsewhere")]) == holder


def test_younger_twin_keeps_its_people_and_says_why_it_waits() -> None:
    ours = stored(settings=replace(SHOP, display_name=DECOMPOSED))
    holder = Candidate(
        workspace=replace(somebodys().workspace, settings=replace(SHOP, display_name=COMPOSED)), released=False
    )

    status = told(resource(wish=wish(display_name=DECOMPOSED)), Observed(workspace=ours, name_holder=holder))

    assert conditions(status)["Ready"] == ("False", "NameConflict")
    assert conditions(status)["Stalled"] == ("True", "NameConflict")
    assert status["workspaceID"] == ours.workspace_id
    assert "in another Unicode form" in message(status)


def test_suspended_twin_is_not_called_in_force() -> None:
    ours = Observed(workspace=stored(), name_holder=somebodys())

    assert conditions(told(resource(suspended=True), ours))["Ready"] == ("False", "Suspended")


@pytest.mark.parametrize(("in_force", "said"), [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED)])
def test_deletion_is_confirmed_in_any_form(in_force: str, said: str) -> None:
    ours = Observed(workspace=stored(settings=replace(SHOP, display_name=in_force)))

    plan = decided(leaving(annotations={CONFIRM_DELETE: said}), ours)

    assert [type(action) for action in plan.actions] == [DestroyWorkspace]
