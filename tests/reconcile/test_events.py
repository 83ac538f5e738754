"""Events tell of transitions, once (kubernetes.md §1)."""

from dataclasses import replace

import pytest

from tests.reconcile.builders import (
    LATER,
    blocked,
    decided,
    leaving,
    migration,
    resource,
    somebodys,
    stored,
    told,
    wish,
)
from workspace_operator.identity.rules import Mode
from workspace_operator.migrations.stages import Stage
from workspace_operator.reconcile.events import events_of
from workspace_operator.reconcile.observed import Observed, StoreAway
from workspace_operator.reconcile.plan import Event
from workspace_operator.reconcile.wishes import Resource
from workspace_operator.resources.statuses import WorkspaceStatus

ID_ONLY = stored(mode=Mode.ID_ONLY)
TO_BOTH = resource(wish=wish(Mode.EMAIL_OR_ID))
BLOCKED = Observed(workspace=ID_ONLY, migration=blocked())
RUNNING = Observed(workspace=ID_ONLY, migration=migration())


@pytest.mark.parametrize(
    ("subject", "observed", "reason", "warning"),
    [
        (resource(), Observed(workspace=stored()), "InForce", False),
        (TO_BOTH, RUNNING, "MigrationRunning", False),
        (TO_BOTH, BLOCKED, "MigrationBlocked", True),
        (resource(), Observed(name_holder=somebodys()), "NameConflict", True),
        (resource(), Observed(remembered=somebodys()), "OwnershipConflict", True),
        (resource(), StoreAway(), "StoreUnavailable", True),
        (resource(suspended=True), Observed(), "Suspended", True),
        (leaving(), Observed(workspace=stored()), "DeletionNotConfirmed", True),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_reason_has_its_type(
    subject: Resource, observed: Observed | StoreAway, reason: str, warning: bool
) -> None:
    plan = decided(subject, observed)

    assert [(event.reason, event.warning) for event in plan.events] == [(reason, warning)]


def test_event_says_what_ready_says() -> None:
    plan = decided(TO_BOTH, BLOCKED)

    assert plan.status is not None
    assert plan.events[0].message == plan.status["conditions"][0]["message"]


def test_other_counts_are_no_transition() -> None:
    before = told(TO_BOTH, BLOCKED)
    fewer = Observed(workspace=ID_ONLY, migration=blocked(people_total=99))

    plan = decided(replace(TO_BOTH, status=before), fewer, now=LATER)

    assert plan.status is not None
    assert plan.events == ()


def test_other_reason_is_a_transition() -> None:
    before = told(TO_BOTH, RUNNING)

    plan = decided(replace(TO_BOTH, status=before), BLOCKED, now=LATER)

    assert [event.reason for event in plan.events] == ["MigrationBlocked"]


def test_switch_of_identifiers_is_told() -> None:
    before = told(TO_BOTH, RUNNING)
    completed = Observed(workspace=stored(), migration=migration(Stage.COMPLETED))

    plan = decided(replace(TO_BOTH, status=before), completed, now=LATER)

    words = "The identifiers changed from IDOnly to EmailOrID."
    assert plan.events[0] == Event(reason="IdentifiersChanged", message=words, warning=False)
    assert [event.reason for event in plan.events] == ["IdentifiersChanged", "InForce"]


def test_other_workspace_is_no_switch() -> None:
    before = told(TO_BOTH, RUNNING) | {"workspaceID": 5}

    plan = decided(replace(TO_BOTH, status=before), Observed(workspace=stored()), now=LATER)

    assert [event.reason for event in plan.events] == ["InForce"]


def test_nothing_told_makes_no_event() -> None:
    assert events_of(WorkspaceStatus(), WorkspaceStatus()) == ()
