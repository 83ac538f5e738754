"""Values for the tests, each complete and valid, so that a test says only what it is about."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from workspace_operator.identity.rules import Mode
from workspace_operator.migrations.records import Migration, OnConflict, ViolationCounts
from workspace_operator.migrations.stages import Stage
from workspace_operator.reconcile.credentials import CredentialsSeen, SecretState
from workspace_operator.reconcile.deciding import decide
from workspace_operator.reconcile.observed import Candidate, Observed, Owner, Settings, StoreAway, StoredWorkspace
from workspace_operator.reconcile.plan import Plan
from workspace_operator.reconcile.wishes import Resource, Wish
from workspace_operator.resources.workspaces import FINALIZER, DeletionPolicy

CLUSTER = "cluster-1"
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(minutes=10)
SHOP = Settings(display_name="Shop")
OWNER = Owner(cluster=CLUSTER, namespace="team-a", name="shop", uid="uid-1")


def wish(mode: Mode | None = None, account: str = "default", **settings: Any) -> Wish:
    return Wish(account=account, mode=mode, settings=replace(SHOP, **settings))


def merging(mode: Mode | None = Mode.EMAIL_OR_ID) -> Wish:
    """A wish to make one person of those who share an address."""
    return replace(wish(mode), on_conflict=OnConflict.MERGE)


def resource(**changes: Any) -> Resource:
    values: dict[str, Any] = {
        "namespace": "team-a",
        "name": "shop",
        "uid": "uid-1",
        "generation": 3,
        "wish": wish(),
    }
    return Resource(**values | changes)


def leaving(**changes: Any) -> Resource:
    """A resource that is being deleted, with policy Delete and our finalizer."""
    values: dict[str, Any] = {
        "deleting": True,
        "deletion_policy": DeletionPolicy.DELETE,
        "finalizers": (FINALIZER,),
    }
    return resource(**values | changes)


def stored(**changes: Any) -> StoredWorkspace:
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
    return StoredWorkspace(**values | changes)


def somebodys(*, released: bool = False, **owner: Any) -> Candidate:
    """A workspace of another resource."""
    others = replace(OWNER, **{"name": "other", "uid": "uid-9"} | owner)
    return Candidate(workspace=stored(workspace_id=9, owner=others), released=released)


def migration(stage: Stage = Stage.CHECKING, **changes: Any) -> Migration:
    values: dict[str, Any] = {
        "workspace_id": 7,
        "number": 2,
        "from_mode": Mode.ID_ONLY,
        "to_mode": Mode.EMAIL_OR_ID,
        "stage": stage,
        "requested_at": NOW,
    }
    return Migration(**values | changes)


def blocked(**changes: Any) -> Migration:
    counts = ViolationCounts(duplicate_email=2, id_is_another_email=1, people_concerned=3)
    values: dict[str, Any] = {"people_total": 100, "people_checked": 100, "violations": counts, "export": 5}
    return migration(Stage.BLOCKED, **values | changes)


def kept(**changes: Any) -> CredentialsSeen:
    """Credentials that are in the resource's own Secret, as asked for by nobody."""
    values: dict[str, Any] = {"secret": SecretState.OWN, "is_current": True, "rotated_at": NOW}
    return CredentialsSeen(**values | changes)


def decided(resource: Resource, observed: Observed | StoreAway, *, now: datetime = NOW) -> Plan:
    return decide(resource, observed, cluster_id=CLUSTER, now=now)


def told(resource: Resource, observed: Observed | StoreAway) -> dict[str, Any]:
    """The status that a plan without actions writes."""
    plan = decided(resource, observed)
    assert plan.actions == ()
    assert plan.status is not None
    return dict(plan.status)


def conditions(status: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Status and reason of each condition, by type."""
    return {each["type"]: (each["status"], each["reason"]) for each in status["conditions"]}


def message(status: dict[str, Any], kind: str = "Ready") -> str:
    return str(next(each["message"] for each in status["conditions"] if each["type"] == kind))
