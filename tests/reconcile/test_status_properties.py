"""What holds for every status that can be written, whatever the resource, the store and the status before."""

from dataclasses import replace
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from tests.reconcile.builders import LATER, decided
from tests.reconcile.oracles import flux_refusals, kstatus
from tests.reconcile.strategies import SECRET, invalid_wishes, looks, resources, statuses, wishes
from workspace_operator.reconcile.observed import Observed, StoreAway
from workspace_operator.reconcile.plan import Plan
from workspace_operator.reconcile.verdicts import FOOTINGS, Footing, Reason
from workspace_operator.reconcile.wishes import Resource
from workspace_operator.resources.parsing import status_problems
from workspace_operator.resources.schema import resource_schema
from workspace_operator.resources.statuses import WorkspaceStatus
from workspace_operator.resources.validation import findings, unknown_fields

Look = Observed | StoreAway
READINGS = {Footing.SETTLED: "Current", Footing.RECONCILING: "InProgress", Footing.STALLED: "Failed"}

subjects = resources(wishes | invalid_wishes, statuses)


def written(subject: Resource, look: Look) -> tuple[Plan, dict[str, Any]]:
    plan = decided(subject, look, now=LATER)
    assume(plan.status is not None)
    return plan, dict(plan.status or {})


def by_type(status: Any) -> dict[str, Any]:
    return {each["type"]: each for each in status.get("conditions", [])}


@given(subjects, looks)
def test_kstatus_reads_what_is_meant(subject: Resource, look: Look) -> None:
    _, status = written(subject, look)

    reading = kstatus(subject.generation, status, deleting=subject.deleting)

    meant = READINGS[FOOTINGS[Reason(by_type(status)["Ready"]["reason"])]]
    assert reading == ("Terminating" if subject.deleting else meant)


@given(subjects, looks)
def test_flux_refuses_no_status(subject: Resource, look: Look) -> None:
    _, status = written(subject, look)

    assert list(flux_refusals(subject.generation, status)) == []


@given(subjects, looks)
def test_time_moves_with_status_only(subject: Resource, look: Look) -> None:
    _, status = written(subject, look)

    before = by_type(subject.previous.as_document())
    for kind, condition in by_type(status).items():
        kept = kind in before and before[kind]["status"] == condition["status"]
        expected = before[kind]["lastTransitionTime"] if kept else "2026-05-01T12:10:00Z"
        assert condition["lastTransitionTime"] == expected


@given(subjects, looks)
def test_own_status_is_never_rewritten(subject: Resource, look: Look) -> None:
    first, status = written(subject, look)

    settled = replace(subject, status=status, finalizers=first.finalizers or subject.finalizers)
    second = decided(settled, look)

    assert second == Plan(finalizers=second.finalizers, retry=first.retry)


@given(subjects, looks)
def test_schema_takes_every_status(subject: Resource, look: Look) -> None:
    _, status = written(subject, look)

    schema = resource_schema()["properties"]["status"]
    assert list(findings(schema, status)) == []
    assert list(unknown_fields(schema, status)) == []


@given(subjects, looks)
def test_readers_lose_nothing(subject: Resource, look: Look) -> None:
    _, status = written(subject, look)

    assert WorkspaceStatus.model_validate(status).as_document() == status


@given(subjects, looks)
def test_messages_are_short_single_lines(subject: Resource, look: Look) -> None:
    plan, status = written(subject, look)

    words = [each["message"] for each in status["conditions"]] + [event.message for event in plan.events]
    assert all(each.isprintable() and 0 < len(each) <= 1000 for each in words)


@given(subjects, looks)
def test_tells_no_secrets(subject: Resource, look: Look) -> None:
    plan, status = written(subject, look)

    assert SECRET not in repr((status, plan.events))


@given(subjects, looks)
def test_events_tell_of_transitions(subject: Resource, look: Look) -> None:
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


@given(subjects, looks, st.booleans())
def test_plans_either_act_or_tell(subject: Resource, look: Look, suspended: bool) -> None:
    plan = decided(replace(subject, suspended=suspended), look)

    assert not plan.actions or plan == Plan(actions=plan.actions, events=plan.events)
    assert len(plan.actions) <= 1


@given(subjects, looks)
def test_written_statuses_fit_the_schema(subject: Resource, look: Look) -> None:
    _, status = written(subject, look)

    assert status_problems(status) == []
