"""Values for the tests, each complete and valid, so that a test says only what it is about."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import Migration, OnConflict, ViolationCounts
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.reconcile.model.actions import WorkspacePlan
from workspace_operator.reconcile.model.credentials import ObservedCredentials, SecretState
from workspace_operator.reconcile.model.desired import DesiredState, Resource
from workspace_operator.reconcile.model.observed import Candidate, ObservedState, StoreUnreachable
from workspace_operator.reconcile.policies.decision import decide
from workspace_operator.resources.workspaces import FINALIZER, DeletionPolicy
from workspace_operator.sending.rules import SendMode
from workspace_operator.workspaces.model import Owner, Settings, Workspace

CLUSTER = "cluster-1"
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(minutes=10)
SHOP = Settings(display_name="Shop")
STOPPED = replace(SHOP, send_mode=SendMode.NEVER)
OWNER = Owner(cluster=CLUSTER, namespace="team-a", name="shop", uid="uid-1")


def desired(mode: Mode | None = None, account: str = "default", **settings: Any) -> DesiredState:
    return DesiredState(account=account, mode=mode, settings=replace(SHOP, **settings))


def merging(mode: Mode | None = Mode.EMAIL_OR_ID) -> DesiredState:
    """A wish to make one person of those who share an address."""
    return replace(desired(mode), on_conflict=OnConflict.MERGE)


def resource(**migrations: Any) -> Resource:
    values: dict[str, Any] = {
        "namespace": "team-a",
        "name": "shop",
        "uid": "uid-1",
        "generation": 3,
        "desired": desired(),
    }
    return Resource(**values | migrations)


def deleted_resource(**migrations: Any) -> Resource:
    """A resource that is being deleted, with policy Delete and our finalizer."""
    values: dict[str, Any] = {
        "deleting": True,
        "deletion_policy": DeletionPolicy.DELETE,
        "finalizers": (FINALIZER,),
    }
    return resource(**values | migrations)


def stored(**migrations: Any) -> Workspace:
    """The workspace of the resource above, with the same settings in force."""
    values: dict[str, Any] = {
        "workspace_id": 7,
        "account": "default",
        "owner": OWNER,
        "mode": Mode.EMAIL_OR_ID,
        "settings": SHOP,
        "row_version": 4,
        "spec_generation": 3,
        "spec_row_version": 4,
    }
    return Workspace(**values | migrations)


def candidate(*, owner_is_gone: bool = False, **owner: Any) -> Candidate:
    """A workspace of another resource."""
    others = replace(OWNER, **{"name": "other", "uid": "uid-9"} | owner)
    return Candidate(workspace=stored(workspace_id=9, owner=others), owner_is_gone=owner_is_gone)


def migration(stage: Stage = Stage.CHECKING, **migrations: Any) -> Migration:
    values: dict[str, Any] = {
        "workspace_id": 7,
        "number": 2,
        "from_mode": Mode.ID_ONLY,
        "to_mode": Mode.EMAIL_OR_ID,
        "stage": stage,
        "requested_at": NOW,
    }
    return Migration(**values | migrations)


def blocked(**migrations: Any) -> Migration:
    counts = ViolationCounts(duplicate_email=2, id_is_another_email=1, people_concerned=3)
    values: dict[str, Any] = {"people_total": 100, "people_checked": 100, "violations": counts, "export": 5}
    return migration(Stage.BLOCKED, **values | migrations)


def observed_credentials(**migrations: Any) -> ObservedCredentials:
    """Credentials that are in the resource's own Secret, as asked for by nobody."""
    values: dict[str, Any] = {"secret": SecretState.OWN, "is_current": True, "rotated_at": NOW}
    return ObservedCredentials(**values | migrations)


def plan_for(resource: Resource, observed: ObservedState | StoreUnreachable, *, now: datetime = NOW) -> WorkspacePlan:
    return decide(resource, observed, cluster_id=CLUSTER, now=now)


def status_for(resource: Resource, observed: ObservedState | StoreUnreachable) -> dict[str, Any]:
    """The status that a plan without actions writes."""
    plan = plan_for(resource, observed)
    assert plan.actions == ()
    assert plan.status is not None
    return dict(plan.status)


def conditions(status: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Status and reason of each condition but SendingApplied, by type."""
    found = {each["type"]: (each["status"], each["reason"]) for each in status["conditions"]}
    found.pop("SendingApplied", None)
    return found


def sending_applied(status: dict[str, Any]) -> tuple[str, str]:
    """Status and reason of condition SendingApplied."""
    return next((each["status"], each["reason"]) for each in status["conditions"] if each["type"] == "SendingApplied")


def message(status: dict[str, Any], kind: str = "Ready") -> str:
    return str(next(each["message"] for each in status["conditions"] if each["type"] == kind))
