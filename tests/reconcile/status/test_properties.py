"""What holds for every status that can be written, whatever the resource, the store and the status before."""

from dataclasses import replace
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from tests.reconcile.builders import LATER, plan_for
from tests.reconcile.status_readers import flux_refusals, kstatus
from tests.reconcile.strategies import SECRET, desired_states, invalid_specs, observation_results, resources, statuses
from workspace_operator.reconcile.model.actions import Plan, WorkspacePlan
from workspace_operator.reconcile.model.desired import Resource
from workspace_operator.reconcile.model.observed import ObservedState, StoreUnreachable
from workspace_operator.reconcile.model.outcomes import KSTATUSES, KStatus, Reason
from workspace_operator.resources.kubectl.validation import findings, unknown_fields
from workspace_operator.resources.parsing import status_problems
from workspace_operator.resources.schema import resource_schema
from workspace_operator.resources.statuses import WorkspaceStatus

ObservationResult = ObservedState | StoreUnreachable
READINGS = {KStatus.SETTLED: "Current", KStatus.RECONCILING: "InProgress", KStatus.STALLED: "Failed"}

subjects = resources(desired_states | invalid_specs, statuses)


def written(subject: Resource, look: ObservationResult) -> tuple[WorkspacePlan, dict[str, Any]]:
    plan = plan_for(subject, look, now=LATER)
    assume(plan.status is not None)
    return plan, dict(plan.status or {})


def by_type(status: Any) -> dict[str, Any]:
    return {each["type"]: each for each in status.get("conditions", [])}


@given(subjects, observation_results)
def test_kstatus_reads_what_is_meant(subject: Resource, look: ObservationResult) -> None:
    _, status = written(subject, look)

    reading = kstatus(subject.generation, status, deleting=subject.deleting)

    meant = READINGS[KSTATUSES[Reason(by_type(status)["Ready"]["reason"])]]
    assert reading == ("Terminating" if subject.deleting else meant)


@given(subjects, observation_results)
def test_flux_refuses_no_status(subject: Resource, look: ObservationResult) -> None:
    _, status = written(subject, look)

    assert list(flux_refusals(subject.generation, status)) == []


@given(subjects, observation_results)
def test_time_moves_with_status_only(subject: Resource, look: ObservationResult) -> None:
    _, status = written(subject, look)

    before = by_type(subject.previous.as_document())
    for kind, condition in by_type(status).items():
        kept = kind in before and before[kind]["status"] == condition["status"]
        expected = before[kind]["lastTransitionTime"] if kept else "2026-05-01T12:10:00Z"
        assert condition["lastTransitionTime"] == expected


@given(subjects, observation_results)
def test_own_status_is_never_rewritten(subject: Resource, look: ObservationResult) -> None:
    first, status = written(subject, look)

    settled = replace(subject, status=status, finalizers=first.finalizers or subject.finalizers)
    second = plan_for(settled, look)

    assert second == Plan(finalizers=second.finalizers, requeue=first.requeue, is_draining=first.is_draining)


@given(subjects, observation_results)
def test_schema_takes_every_status(subject: Resource, look: ObservationResult) -> None:
    _, status = written(subject, look)

    schema = resource_schema()["properties"]["status"]
    assert list(findings(schema, status)) == []
    assert list(unknown_fields(schema, status)) == []


@given(subjects, observation_results)
def test_readers_lose_nothing(subject: Resource, look: ObservationResult) -> None:
    _, status = written(subject, look)

    assert WorkspaceStatus.model_validate(status).as_document() == status


@given(subjects, observation_results)
def test_messages_are_short_single_lines(subject: Resource, look: ObservationResult) -> None:
    plan, status = written(subject, look)

    words = [each["message"] for each in status["conditions"]] + [event.message for event in plan.events]
    assert all(each.isprintable() and 0 < len(each) <= 1000 for each in words)


@given(subjects, observation_results)
def test_reports_no_secrets(subject: Resource, look: ObservationResult) -> None:
    plan, status = written(subject, look)

    assert SECRET not in repr((status, plan.events))


@given(subjects, observation_results)
def test_events_report_transitions(subject: Resource, look: ObservationResult) -> None:
    plan, status = written(subject, look)

    old, new = by_type(subject.previous.as_document()).get("Ready"), by_type(status)["Ready"]
    flipped = old is None or (old["status"], old["reason"]) != (new["status"], new["reason"])
    was_paused = "Suspended" in by_type(subject.previous.as_document())
    is_paused = "Suspended" in by_type(status)
    # What Ready says of a pause is not said twice.
    pause = ["Suspended"] if is_paused and new["reason"] != "Suspended" else []
    expected = ([new["reason"]] if flipped else []) + (
        [] if was_paused is is_paused else pause if is_paused else ["Resumed"]
    )
    assert [event.reason for event in plan.events if event.reason != "IdentifiersChanged"] == expected


@given(subjects, observation_results, st.booleans())
def test_plans_either_act_or_tell(subject: Resource, look: ObservationResult, suspended: bool) -> None:
    plan = plan_for(replace(subject, suspended=suspended), look)

    assert not plan.actions or plan == Plan(actions=plan.actions, events=plan.events)
    assert len(plan.actions) <= 1


@given(subjects, observation_results)
def test_written_statuses_fit_the_schema(subject: Resource, look: ObservationResult) -> None:
    _, status = written(subject, look)

    assert status_problems(status) == []
