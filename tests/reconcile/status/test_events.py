"""Events tell of transitions, once (kubernetes.md §1)."""

from dataclasses import replace
from typing import Any

import pytest

from tests.reconcile.builders import (
    LATER,
    blocked,
    candidate,
    deleted_resource,
    desired,
    migration,
    plan_for,
    resource,
    status_for,
    stored,
)
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.reconcile.model.actions import Event
from workspace_operator.reconcile.model.desired import Resource
from workspace_operator.reconcile.model.observed import ObservedState, StoreUnreachable
from workspace_operator.reconcile.status.events import status_events
from workspace_operator.resources.statuses import WorkspaceStatus
from workspace_operator.resources.workspaces import RECREATE

ID_ONLY = stored(mode=Mode.ID_ONLY)
TO_BOTH = resource(desired=desired(Mode.EMAIL_OR_ID))
BLOCKED = ObservedState(workspace=ID_ONLY, migration=blocked())
RUNNING = ObservedState(workspace=ID_ONLY, migration=migration())


@pytest.mark.parametrize(
    ("subject", "observed", "reason", "warning"),
    [
        (resource(), ObservedState(workspace=stored()), "InForce", False),
        (TO_BOTH, RUNNING, "MigrationRunning", False),
        (TO_BOTH, BLOCKED, "MigrationBlocked", True),
        (resource(), ObservedState(name_holder=candidate()), "NameConflict", True),
        (resource(), ObservedState(from_status=candidate()), "OwnershipConflict", True),
        (resource(), StoreUnreachable(), "StoreUnavailable", True),
        (resource(suspended=True), ObservedState(), "Suspended", True),
        (deleted_resource(), ObservedState(workspace=stored()), "DeletionNotConfirmed", True),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_reason_has_its_type(
    subject: Resource, observed: ObservedState | StoreUnreachable, reason: str, warning: bool
) -> None:
    plan = plan_for(subject, observed)

    assert [(event.reason, event.warning) for event in plan.events] == [(reason, warning)]


def test_event_says_what_ready_says() -> None:
    plan = plan_for(TO_BOTH, BLOCKED)

    assert plan.status is not None
    assert plan.events[0].message == plan.status["conditions"][0]["message"]


def test_other_counts_are_no_transition() -> None:
    before = status_for(TO_BOTH, BLOCKED)
    fewer = ObservedState(workspace=ID_ONLY, migration=blocked(people_total=99))

    plan = plan_for(replace(TO_BOTH, status=before), fewer, now=LATER)

    assert plan.status is not None
    assert plan.events == ()


def test_other_reason_is_a_transition() -> None:
    before = status_for(TO_BOTH, RUNNING)

    plan = plan_for(replace(TO_BOTH, status=before), BLOCKED, now=LATER)

    assert [event.reason for event in plan.events] == ["MigrationBlocked"]


def test_cut_over_is_reported() -> None:
    before = status_for(TO_BOTH, RUNNING)
    completed = ObservedState(workspace=stored(), migration=migration(Stage.COMPLETED))

    plan = plan_for(replace(TO_BOTH, status=before), completed, now=LATER)

    words = "The identifiers changed from IDOnly to EmailOrID."
    assert plan.events[0] == Event(reason="IdentifiersChanged", message=words, warning=False)
    assert [event.reason for event in plan.events] == ["IdentifiersChanged", "InForce"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"people_to_merge": 12, "ids_given_up": 3},
            " 12 people became part of another person, and 3 ids became free. `workspacectl merges list` lists",
        ),
        (
            {"from_mode": Mode.EMAIL_OR_ID, "to_mode": Mode.ID_ONLY, "people_without_id": 1},
            " 1 person without an id can now be reached by cio_id only.",
        ),
    ],
    ids=["merged", "disabled"],
)
def test_cut_over_says_what_it_meant_for_people(change: dict[str, Any], words: str) -> None:
    switched = migration(Stage.SWITCHED, **change)
    subject = resource(desired=desired(switched.to_mode))
    before = status_for(
        subject, ObservedState(workspace=stored(mode=switched.from_mode), migration=migration(**change))
    )

    after = ObservedState(workspace=stored(mode=switched.to_mode), migration=switched)
    plan = plan_for(replace(subject, status=before), after, now=LATER)

    told_of = f"The identifiers changed from {switched.from_mode} to {switched.to_mode}.{words}"
    assert [event.reason for event in plan.events] == ["IdentifiersChanged"]
    assert plan.events[0].message.startswith(told_of)


def test_counts_of_another_migration_are_not_its_own() -> None:
    before = status_for(TO_BOTH, RUNNING)
    another = migration(Stage.COMPLETED, from_mode=Mode.EMAIL_ONLY, people_to_merge=3)

    plan = plan_for(replace(TO_BOTH, status=before), ObservedState(workspace=stored(), migration=another), now=LATER)

    assert plan.events[0].message == "The identifiers changed from IDOnly to EmailOrID."


def test_progress_is_no_transition() -> None:
    before = status_for(TO_BOTH, RUNNING)
    further = ObservedState(workspace=ID_ONLY, migration=migration(people_total=9, people_checked=5, progress=1))

    plan = plan_for(replace(TO_BOTH, status=before), further, now=LATER)

    assert plan.status is not None
    assert plan.events == ()


def test_other_workspace_is_no_cut_over() -> None:
    before = status_for(TO_BOTH, RUNNING) | {"workspaceID": 5}
    given_up = replace(TO_BOTH, status=before, annotations={RECREATE: "5"})

    plan = plan_for(given_up, ObservedState(workspace=stored()), now=LATER)

    assert [event.reason for event in plan.events] == ["InForce"]


def test_nothing_reported_makes_no_event() -> None:
    assert status_events(WorkspaceStatus(), WorkspaceStatus()) == ()
