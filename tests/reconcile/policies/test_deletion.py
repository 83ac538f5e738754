"""A resource is being deleted (design §4, Deletion)."""

from dataclasses import replace
from typing import Any

import pytest

from tests.reconcile.builders import (
    OWNER,
    STOPPED,
    candidate,
    conditions,
    deleted_resource,
    message,
    observed_credentials,
    plan_for,
    resource,
    status_for,
    stored,
)
from workspace_operator.reconcile.model.actions import DeleteSecret, DeleteWorkspace, Plan
from workspace_operator.reconcile.model.credentials import SecretState
from workspace_operator.reconcile.model.desired import InvalidSpec
from workspace_operator.reconcile.model.observed import ObservedState, StoreUnreachable
from workspace_operator.resources.problems import Problem
from workspace_operator.resources.workspaces import CONFIRM_DELETE, FINALIZER, DeletionPolicy

CONFIRMED = deleted_resource(annotations={CONFIRM_DELETE: "Shop"})
OURS = ObservedState(workspace=stored(settings=STOPPED))


@pytest.mark.parametrize("observed", [OURS, ObservedState(), StoreUnreachable()], ids=["ours", "nothing", "away"])
@pytest.mark.parametrize("policy", list(DeletionPolicy))
def test_leaves_alone_without_finalizer(policy: DeletionPolicy, observed: Any) -> None:
    plan = plan_for(replace(CONFIRMED, finalizers=("foreign",), deletion_policy=policy), observed)

    assert plan == Plan()


@pytest.mark.parametrize("observed", [OURS, ObservedState(), StoreUnreachable()], ids=["ours", "nothing", "away"])
def test_retained_people_let_it_go(observed: Any) -> None:
    retaining = replace(CONFIRMED, deletion_policy=DeletionPolicy.RETAIN, finalizers=("foreign", FINALIZER))

    plan = plan_for(retaining, observed)

    assert plan == Plan(finalizers=("foreign",))


def test_confirmed_deletion_destroys() -> None:
    plan = plan_for(CONFIRMED, OURS)

    assert plan.actions == (DeleteWorkspace(workspace_id=7, row_version=4),)
    assert plan.status is None


def test_invalid_spec_still_goes() -> None:
    invalid = InvalidSpec(problems=(Problem(path="spec.color", message="must be six digits"),))

    plan = plan_for(replace(CONFIRMED, desired=invalid), OURS)

    assert plan.actions == (DeleteWorkspace(workspace_id=7, row_version=4),)


def test_deletion_is_reported() -> None:
    plan = plan_for(CONFIRMED, OURS)

    assert [(event.reason, event.warning) for event in plan.events] == [("WorkspaceDestroyed", False)]
    assert plan.events[0].message == "Workspace 7 and all its people were destroyed."


def test_own_secret_goes_with_the_people() -> None:
    plan = plan_for(CONFIRMED, ObservedState(credentials=observed_credentials(rotated_at=None)))

    assert plan == Plan(actions=(DeleteSecret(),))


@pytest.mark.parametrize("state", [each for each in SecretState if each is not SecretState.OWN])
def test_other_secrets_stay(state: SecretState) -> None:
    plan = plan_for(CONFIRMED, ObservedState(credentials=observed_credentials(secret=state)))

    assert plan == Plan(finalizers=())


def test_secret_stays_with_kept_people() -> None:
    plan = plan_for(CONFIRMED, ObservedState(from_status=candidate(), credentials=observed_credentials()))

    assert (plan.actions, plan.finalizers) == ((), ())


def test_never_made_workspace_goes_silently() -> None:
    plan = plan_for(CONFIRMED, ObservedState())

    assert plan == Plan(finalizers=())


@pytest.mark.parametrize("said", [None, "", "shop", "Shop ", "Store"])
def test_unconfirmed_deletion_waits(said: str | None) -> None:
    annotations = {} if said is None else {CONFIRM_DELETE: said}

    plan = plan_for(deleted_resource(annotations=annotations, finalizers=(FINALIZER, "foreign")), OURS)

    assert plan.actions == ()
    assert plan.finalizers is None
    assert plan.status is not None
    found = conditions(dict(plan.status))
    assert found["Ready"] == ("False", "DeletionNotConfirmed")
    assert found["Stalled"] == ("True", "DeletionNotConfirmed")


def test_waiting_says_what_is_missing() -> None:
    words = message(status_for(deleted_resource(), OURS))

    assert f'{CONFIRM_DELETE} is missing. Set it to the exact display name, "Shop"' in words
    assert "spec.deletionPolicy to Retain" in words


def test_waiting_says_what_is_wrong() -> None:
    words = message(status_for(deleted_resource(annotations={CONFIRM_DELETE: "Store"}), OURS))

    assert 'is "Store", which is not its name' in words


def test_name_in_force_confirms() -> None:
    renamed = ObservedState(workspace=stored(settings=replace(stored().settings, display_name="Old")))

    plan = plan_for(CONFIRMED, renamed)

    assert plan.actions == ()


@pytest.mark.parametrize(
    "observed",
    [
        ObservedState(workspace=stored(owner=replace(OWNER, uid="uid-2"))),
        ObservedState(from_status=candidate()),
    ],
    ids=["namesake", "given away"],
)
def test_destroys_only_its_own(observed: ObservedState) -> None:
    plan = plan_for(CONFIRMED, observed)

    assert plan.actions == ()
    assert plan.finalizers == ()
    assert [(event.reason, event.warning) for event in plan.events] == [("WorkspaceKept", True)]


def test_waits_for_absent_store() -> None:
    plan = plan_for(CONFIRMED, StoreUnreachable())

    assert plan.finalizers is None
    assert plan.requeue
    assert plan.status is not None
    assert conditions(dict(plan.status))["Ready"] == ("False", "StoreUnavailable")


@pytest.mark.parametrize(
    ("policy", "finalizers", "due"),
    [
        (DeletionPolicy.DELETE, (), (FINALIZER,)),
        (DeletionPolicy.DELETE, ("foreign",), ("foreign", FINALIZER)),
        (DeletionPolicy.DELETE, (FINALIZER,), None),
        (DeletionPolicy.RETAIN, (), None),
        (DeletionPolicy.RETAIN, (FINALIZER, "foreign"), ("foreign",)),
    ],
)
def test_finalizer_follows_the_policy(
    policy: DeletionPolicy, finalizers: tuple[str, ...], due: tuple[str, ...] | None
) -> None:
    plan = plan_for(resource(deletion_policy=policy, finalizers=finalizers), ObservedState(workspace=stored()))

    assert plan.finalizers == due


def test_invalid_spec_keeps_finalizers() -> None:
    invalid = InvalidSpec(problems=(Problem(path="spec.color", message="must be six digits"),))

    plan = plan_for(resource(desired=invalid, finalizers=(FINALIZER,)), OURS)

    assert plan.finalizers is None
