"""The status as a whole, and when it is written (design §4)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.reconcile.builders import (
    LATER,
    NOW,
    blocked,
    conditions,
    desired,
    merging,
    migration,
    plan_for,
    resource,
    status_for,
    stored,
)
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import OnConflict
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.reconcile.model.observed import ObservedState, StoreUnreachable
from workspace_operator.resources.statuses import DEFAULT_STATUS
from workspace_operator.resources.workspaces import RECONCILE_REQUESTED_AT, RECREATE
from workspace_operator.workspaces.model import PeopleCounts

PEOPLE = PeopleCounts(total=10, with_email=6, without_id=2)
SETTLED = ObservedState(workspace=stored(), people=PEOPLE)
ID_ONLY = stored(mode=Mode.ID_ONLY)
TO_BOTH = resource(desired=desired(Mode.EMAIL_OR_ID))


def test_default_condition_lends_its_time_to_none() -> None:
    status = status_for(resource(status=DEFAULT_STATUS), ObservedState(workspace=stored()))

    assert {each["lastTransitionTime"] for each in status["conditions"]} == {"2026-05-01T12:00:00Z"}
    plan = plan_for(resource(status=DEFAULT_STATUS), ObservedState(workspace=stored()))
    assert [event.reason for event in plan.events] == ["InForce"]


def since(status: Any, kind: str = "Ready") -> str:
    return next(str(each["lastTransitionTime"]) for each in status["conditions"] if each["type"] == kind)


def test_status_reports_what_holds() -> None:
    status = status_for(resource(), SETTLED)

    assert next(iter(status)) == "conditions"
    assert {key: value for key, value in status.items() if key != "conditions"} == {
        "observedGeneration": 3,
        "workspaceID": 7,
        "identifiers": {"mode": "EmailOrID", "emailUpdates": "ByIDOrCioID", "idUpdates": "Never"},
        "people": {"total": 10, "withEmail": 6, "withoutID": 2},
        "sending": {"mode": "Normal", "openTracking": "Enabled", "waiting": 0, "inFlight": 0},
    }


def test_every_condition_is_complete() -> None:
    ready = status_for(resource(), SETTLED)["conditions"][0]

    assert ready == {
        "type": "Ready",
        "status": "True",
        "observedGeneration": 3,
        "lastTransitionTime": "2026-05-01T12:00:00Z",
        "reason": "InForce",
        "message": "Every setting is in force.",
    }


def test_migration_is_reported_in_full() -> None:
    change = blocked(
        started_at=NOW + timedelta(microseconds=5),
        estimated_completion=LATER + timedelta(microseconds=5),
        on_conflict=OnConflict.MERGE,
        people_without_id=9,
        people_without_identifier=8,
        people_to_merge=7,
        people_merged=6,
        ids_given_up=5,
    )

    status = status_for(resource(desired=merging()), ObservedState(workspace=ID_ONLY, migration=change))

    assert status["migration"] == {
        "from": "IDOnly",
        "to": "EmailOrID",
        "onConflict": "Merge",
        "stage": "Blocked",
        "startTime": "2026-05-01T12:00:00Z",
        "estimatedCompletionTime": "2026-05-01T12:10:00Z",
        "peopleTotal": 100,
        "peopleChecked": 100,
        "peopleWithoutID": 9,
        "peopleWithoutIdentifier": 8,
        "peopleToMerge": 7,
        "peopleMerged": 6,
        "idsGivenUp": 5,
        "violations": {"duplicateEmail": 2, "invalidEmail": 0, "suppressedEmail": 0, "idIsAnotherEmail": 1},
        "peopleConcerned": 3,
        "export": 5,
    }


def test_completed_migration_stays_in_sight() -> None:
    change = migration(Stage.COMPLETED, completed_at=LATER)

    status = status_for(TO_BOTH, ObservedState(workspace=stored(), migration=change))

    assert conditions(status)["Ready"] == ("True", "InForce")
    assert status["migration"]["completionTime"] == "2026-05-01T12:10:00Z"


def test_cancelled_migration_leaves_no_trace() -> None:
    status = status_for(resource(), ObservedState(workspace=ID_ONLY, migration=migration(Stage.CANCELLED)))

    assert "migration" not in status


def test_unchanged_status_is_not_written() -> None:
    status = status_for(resource(), SETTLED)

    plan = plan_for(resource(status=status), SETTLED, now=LATER)

    assert (plan.status, plan.events) == (None, ())


def test_foreign_fields_cause_no_write() -> None:
    status = status_for(resource(), SETTLED) | {"quota": {"people": 1}}

    plan = plan_for(resource(status=status), SETTLED, now=LATER)

    assert plan.status is None


def test_unreadable_status_is_replaced() -> None:
    status = status_for(resource(status={"conditions": "none"}), SETTLED)

    assert status["workspaceID"] == 7


def test_time_moves_when_status_flips() -> None:
    ready = status_for(resource(), SETTLED)

    plan = plan_for(resource(status=ready), StoreUnreachable(), now=LATER)

    assert since(plan.status) == "2026-05-01T12:10:00Z"


def test_time_stays_when_reason_changes() -> None:
    running = status_for(TO_BOTH, ObservedState(workspace=ID_ONLY, migration=migration()))

    stalled = replace(TO_BOTH, status=running)
    plan = plan_for(stalled, ObservedState(workspace=ID_ONLY, migration=blocked()), now=LATER)

    assert since(plan.status) == "2026-05-01T12:00:00Z"
    assert since(plan.status, "Stalled") == "2026-05-01T12:10:00Z"


def test_new_generation_is_reported() -> None:
    status = status_for(resource(), SETTLED)

    recorded = replace(SETTLED, workspace=stored(spec_generation=4))
    plan = plan_for(resource(status=status, generation=4), recorded, now=LATER)

    assert plan.status is not None
    assert plan.status["observedGeneration"] == 4
    assert {each["observedGeneration"] for each in plan.status["conditions"]} == {4}
    assert since(plan.status) == "2026-05-01T12:00:00Z"
    assert plan.events == ()


def test_absent_store_keeps_what_was_known() -> None:
    known = status_for(TO_BOTH, ObservedState(workspace=ID_ONLY, people=PEOPLE, migration=blocked()))

    plan = plan_for(replace(TO_BOTH, status=known), StoreUnreachable(), now=LATER)

    assert plan.status is not None
    kept = ("workspaceID", "identifiers", "people", "migration")
    assert {key: plan.status[key] for key in kept} == {key: known[key] for key in kept}
    assert conditions(dict(plan.status)) == {
        "Ready": ("False", "StoreUnavailable"),
        "Reconciling": ("True", "StoreUnavailable"),
        "IdentifiersApplied": ("Unknown", "StoreUnavailable"),
    }


def test_retry_leaves_status_alone() -> None:
    away = status_for(resource(), StoreUnreachable())

    plan = plan_for(resource(status=away), StoreUnreachable(), now=LATER)

    assert (plan.status, plan.events, plan.requeue) == (None, (), True)


def test_uncounted_people_stay_as_reported_before() -> None:
    status = status_for(resource(), SETTLED)

    plan = plan_for(resource(status=status), replace(SETTLED, people=None), now=LATER)

    assert plan.status is None


def test_people_of_another_workspace_are_forgotten() -> None:
    status = status_for(resource(), SETTLED) | {"workspaceID": 5}

    given_up = resource(status=status, annotations={RECREATE: "5"})
    plan = plan_for(given_up, replace(SETTLED, people=None), now=LATER)

    assert plan.status is not None
    assert "people" not in plan.status


def test_handled_request_is_echoed() -> None:
    status = status_for(resource(annotations={RECONCILE_REQUESTED_AT: "now"}), SETTLED)

    assert status["lastHandledReconcileAt"] == "now"


def test_long_request_is_echoed_in_part() -> None:
    asking = resource(annotations={RECONCILE_REQUESTED_AT: "x" * 300})

    status = status_for(asking, SETTLED)

    assert status["lastHandledReconcileAt"] == "x" * 256
    assert plan_for(replace(asking, status=status), SETTLED).status is None


@pytest.mark.parametrize("annotations", [{}, {RECONCILE_REQUESTED_AT: ""}])
def test_echo_outlives_its_annotation(annotations: dict[str, str]) -> None:
    asked = status_for(resource(annotations={RECONCILE_REQUESTED_AT: "now"}), SETTLED)

    plan = plan_for(resource(status=asked, annotations=annotations), SETTLED)

    assert plan.status is None


def test_request_stands_while_store_is_away() -> None:
    status = status_for(resource(annotations={RECONCILE_REQUESTED_AT: "now"}), StoreUnreachable())

    assert "lastHandledReconcileAt" not in status
