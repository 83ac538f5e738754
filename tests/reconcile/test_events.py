"""Events tell of transitions, once (kubernetes.md §1)."""

from dataclasses import replace
from typing import Any

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
from workspace_operator.resources.workspaces import RECREATE

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


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"people_merged": 12, "ids_given_up": 3},
            " 12 people became part of somebody else, and 3 ids became free. `workspacectl merges list` names who",
        ),
        (
            {"from_mode": Mode.EMAIL_OR_ID, "to_mode": Mode.ID_ONLY, "people_without_id": 1},
            " 1 person without an id can now be reached by cio_id only.",
        ),
    ],
    ids=["merged", "disabled"],
)
def test_switch_says_what_it_meant_for_people(change: dict[str, Any], words: str) -> None:
    switched = migration(Stage.SWITCHED, **change)
    subject = resource(wish=wish(switched.to_mode))
    before = told(subject, Observed(workspace=stored(mode=switched.from_mode), migration=migration(**change)))

    after = Observed(workspace=stored(mode=switched.to_mode), migration=switched)
    plan = decided(replace(subject, status=before), after, now=LATER)

    told_of = f"The identifiers changed from {switched.from_mode} to {switched.to_mode}.{words}"
    assert [event.reason for event in plan.events] == ["IdentifiersChanged"]
    assert plan.events[0].message.startswith(told_of)


def test_counts_of_another_change_are_not_its_own() -> None:
    before = told(TO_BOTH, RUNNING)
    another = migration(Stage.COMPLETED, from_mode=Mode.EMAIL_ONLY, people_merged=3)

    plan = decided(replace(TO_BOTH, status=before), Observed(workspace=stored(), migration=another), now=LATER)

    assert plan.events[0].message == "The identifiers changed from IDOnly to EmailOrID."


def test_progress_is_no_transition() -> None:
    before = told(TO_BOTH, RUNNING)
    further = Observed(workspace=ID_ONLY, migration=migration(people_total=9, people_checked=5, progress=1))

    plan = decided(replace(TO_BOTH, status=before), further, now=LATER)

    assert plan.status is not None
    assert plan.events == ()


def test_other_workspace_is_no_switch() -> None:
    before = told(TO_BOTH, RUNNING) | {"workspaceID": 5}
    given_up = replace(TO_BOTH, status=before, annotations={RECREATE: "5"})

    plan = decided(given_up, Observed(workspace=stored()), now=LATER)

    assert [event.reason for event in plan.events] == ["InForce"]


def test_nothing_told_makes_no_event() -> None:
    assert events_of(WorkspaceStatus(), WorkspaceStatus()) == ()
