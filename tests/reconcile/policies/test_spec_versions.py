"""The generation as a fence: late documents write nothing, and what a restored etcd says is held (design §4)."""

from dataclasses import replace
from typing import Any

import pytest

from tests.reconcile.builders import (
    CLUSTER,
    OWNER,
    STOPPED,
    conditions,
    deleted_resource,
    desired,
    message,
    plan_for,
    resource,
    stored,
)
from workspace_operator.identity.values.rules import Mode
from workspace_operator.reconcile.model.actions import (
    AcceptLowerGeneration,
    Action,
    ChangeOwner,
    DeleteWorkspace,
    RecordGeneration,
    RequestMigration,
    SecretAction,
    UpdateSettings,
)
from workspace_operator.reconcile.model.observed import ObservedState
from workspace_operator.reconcile.model.outcomes import Reason
from workspace_operator.resources.workspaces import CONFIRM_DELETE, RECONCILE_REQUESTED_AT
from workspace_operator.workspaces.model import Owner

ID_ONLY = desired(Mode.ID_ONLY)
HELD = {"spec_generation": 3, "accepted_generation": 3, "accepted_request": ""}
YOUNGER = Owner(cluster=CLUSTER, namespace="team-a", name="shop", uid="uid-2", created_at="2026-05-01T12:00:00Z")


def actions(of: Any, **workspace: Any) -> tuple[Action | SecretAction, ...]:
    return plan_for(of, ObservedState(workspace=stored(**workspace))).actions


def test_lower_generation_is_accepted_before_anything_else() -> None:
    late = resource(generation=3, desired=ID_ONLY, suspended=True, annotations={RECONCILE_REQUESTED_AT: "monday"})

    (action,) = actions(late, spec_generation=5)

    assert action == AcceptLowerGeneration(workspace_id=7, row_version=4, recorded=5, generation=3, request="monday")


def test_generation_of_another_uid_is_not_compared() -> None:
    (action,) = actions(resource(uid="uid-2", generation=1), spec_generation=5)

    assert isinstance(action, ChangeOwner)


@pytest.mark.parametrize(
    "later",
    [
        resource(generation=4),
        resource(generation=4, suspended=True, desired=desired(color="222222")),
        resource(generation=4, desired=desired(account="other")),
    ],
    ids=["nothing to do", "suspended", "invalid"],
)
def test_generation_without_a_write_is_recorded(later: Any) -> None:
    assert actions(later) == (RecordGeneration(workspace_id=7, row_version=4, generation=4),)


def test_generation_goes_with_other_writes() -> None:
    (action,) = actions(resource(generation=4, desired=desired(color="222222")))

    assert isinstance(action, UpdateSettings)


def test_row_that_was_written_since_is_recorded_at_rest() -> None:
    assert actions(resource(), row_version=5) == (RecordGeneration(workspace_id=7, row_version=5, generation=3),)
    assert actions(resource(desired=desired(account="other")), row_version=5) == ()


def test_held_migration_is_not_begun() -> None:
    plan = plan_for(resource(desired=ID_ONLY), ObservedState(workspace=stored(**HELD)))

    assert plan.actions == ()
    assert plan.status is not None
    assert conditions(dict(plan.status))["Stalled"] == ("True", Reason.GENERATION_WENT_BACK)
    assert "identifiers stay EmailOrID" in message(dict(plan.status))
    assert RECONCILE_REQUESTED_AT in message(dict(plan.status))


def test_held_generation_still_puts_settings_in_force() -> None:
    (action,) = actions(resource(desired=replace(ID_ONLY, settings=desired(color="222222").settings)), **HELD)

    assert isinstance(action, UpdateSettings)


def test_held_generation_is_ready_when_nothing_is_withheld() -> None:
    plan = plan_for(resource(), ObservedState(workspace=stored(**HELD)))

    assert plan.status is not None
    assert conditions(dict(plan.status))["Ready"] == ("True", Reason.IN_FORCE)


@pytest.mark.parametrize(
    "confirmed",
    [
        resource(desired=ID_ONLY, annotations={RECONCILE_REQUESTED_AT: "tuesday"}),
        resource(desired=ID_ONLY, generation=4),
    ],
    ids=["request", "edit"],
)
def test_held_migration_begins_once_it_is_confirmed(confirmed: Any) -> None:
    (action,) = actions(confirmed, **HELD)

    assert isinstance(action, RequestMigration)


def test_held_deletion_waits_for_a_confirmation() -> None:
    annotations = {CONFIRM_DELETE: "Shop"}
    plan = plan_for(deleted_resource(annotations=annotations), ObservedState(workspace=stored(**HELD)))
    confirmed = deleted_resource(annotations={**annotations, RECONCILE_REQUESTED_AT: "tuesday"})

    assert plan.actions == ()
    assert plan.status is not None
    assert "the people are not destroyed" in message(dict(plan.status))
    assert isinstance(actions(confirmed, settings=STOPPED, **HELD)[0], DeleteWorkspace)


def earlier(**migrations: Any) -> Any:
    """A resource that is older than the store's owner, which can only come from a restored etcd."""
    return resource(created_at="2026-05-01T11:00:00Z", **migrations)


def test_earlier_owner_takes_nothing_over() -> None:
    plan = plan_for(earlier(), ObservedState(workspace=stored(owner=YOUNGER)))

    assert plan.actions == ()
    assert plan.status is not None
    assert conditions(dict(plan.status))["Ready"] == ("False", Reason.GENERATION_WENT_BACK)
    assert "workspace 7 is not taken over" in message(dict(plan.status))


@pytest.mark.parametrize(
    "confirmed", [{"annotations": {RECONCILE_REQUESTED_AT: "tuesday"}}, {"generation": 4}], ids=["request", "edit"]
)
def test_earlier_owner_takes_over_once_it_is_confirmed(confirmed: dict[str, Any]) -> None:
    said = plan_for(earlier(), ObservedState(workspace=stored(owner=YOUNGER))).status

    (action,) = actions(earlier(status=said, **confirmed), owner=YOUNGER)

    assert isinstance(action, ChangeOwner)
    assert actions(earlier(status=said), owner=YOUNGER) == ()


@pytest.mark.parametrize("created", ["", "2026-05-01T12:00:00Z", "2026-05-01T13:00:00Z"])
def test_later_owner_takes_over(created: str) -> None:
    (action,) = actions(resource(created_at=created), owner=YOUNGER)

    assert isinstance(action, ChangeOwner)
    assert action.owner == OWNER
