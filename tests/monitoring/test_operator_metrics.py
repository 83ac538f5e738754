"""Metrics of the operator: how reconciles end, what they did, and the resources by reason."""

from collections.abc import Mapping

import pytest

from tests.api.observability.test_metrics import samples
from tests.controller.fixtures import ControllerEnv
from workspace_operator.application.operator.controller import Controller, ReconcileEnd
from workspace_operator.application.operator.metrics import OTHER, OperatorMetrics
from workspace_operator.errors import ClusterUnavailable, StaleRevision
from workspace_operator.reconcile.model.outcomes import KSTATUSES, KStatus, Reason
from workspace_operator.resources.schema import ACCOUNT


@pytest.fixture
def metrics() -> OperatorMetrics:
    return OperatorMetrics()


@pytest.fixture
def env(metrics: OperatorMetrics) -> ControllerEnv:
    return ControllerEnv(observer=metrics)


def results(metrics: OperatorMetrics, env: ControllerEnv) -> dict[str, float]:
    """How many reconciles ended in each way, without those that none did."""
    counted = samples(metrics.text(env.controller))
    ends = {end: counted["reconciles_total", "Workspace", end] for end in ReconcileEnd}
    return {end: count for end, count in ends.items() if count}


def test_reconcile_counts_with_its_actions(metrics: OperatorMetrics, env: ControllerEnv) -> None:
    env.update(env.apply("shop"))

    counted = samples(metrics.text(env.controller))
    assert results(metrics, env) == {"done": 1}
    assert counted["reconcile_actions_total", "CreateWorkspace", "Workspace"] == 1
    assert counted["reconcile_duration_seconds_count", "Workspace"] == 1


def test_conflict_counts_as_repeated(metrics: OperatorMetrics, env: ControllerEnv) -> None:
    env.update(env.apply("shop"))
    env.update(env.apply("twin", displayName="shop"))

    counted = samples(metrics.text(env.controller))
    assert results(metrics, env) == {"done": 1, "requeued": 1}
    assert counted["workspaces", "InForce", "false"] == 1
    assert counted["workspaces", "NameConflict", "true"] == 1


@pytest.mark.parametrize(
    ("error", "end"),
    [
        (ClusterUnavailable("away"), "unavailable"),
        (StaleRevision("edited"), "outdated"),
        (ValueError("a fault"), "failed"),
    ],
)
def test_error_counts_by_its_kind(
    metrics: OperatorMetrics, env: ControllerEnv, monkeypatch: pytest.MonkeyPatch, error: Exception, end: str
) -> None:
    def fail(*_: object, **__: object) -> str:
        raise error

    monkeypatch.setattr(type(env.resources), "write_status", fail)
    env.update(env.apply("shop"))

    assert results(metrics, env) == {end: 1}


def test_deleted_resource_is_gone(metrics: OperatorMetrics, env: ControllerEnv) -> None:
    document = env.apply("shop")
    env.resources.documents.clear()
    env.update(document)

    assert results(metrics, env) == {"gone": 1}
    assert samples(metrics.text(env.controller))["workspaces", "Pending", "false"] == 0


def test_resource_waits_until_a_worker_takes_it(metrics: OperatorMetrics, env: ControllerEnv) -> None:
    env.controller.on_update(env.apply("shop"))
    waiting = samples(metrics.text(env.controller))
    env.drain()

    assert waiting["workqueue_depth", "Workspace"] == 1
    assert waiting["workspaces", "Pending", "false"] == 1
    assert samples(metrics.text(env.controller))["workqueue_depth", "Workspace"] == 0


def test_accounts_count_beside_workspaces(metrics: OperatorMetrics, env: ControllerEnv) -> None:
    accounts = Controller(
        resource=ACCOUNT,
        reconciler=env.controller.reconciler,
        workspaces=None,
        read=env.resources.get,
        monotonic=env.controller.monotonic,
        observer=metrics,
    )
    env.update(env.apply("shop"))
    accounts.on_update(env.resources.get("team-a", "shop"))
    waiting = samples(metrics.text(env.controller, accounts))
    accounts.work()

    counted = samples(metrics.text(env.controller, accounts))
    assert (waiting["workqueue_depth", "Account"], waiting["workqueue_depth", "Workspace"]) == (1, 0)
    assert (counted["accounts", "InForce", "false"], counted["workspaces", "InForce", "false"]) == (1, 1)
    assert (counted["reconciles_total", "Account", "done"], counted["reconciles_total", "Workspace", "done"]) == (1, 1)


def test_every_reason_has_a_sample(metrics: OperatorMetrics, env: ControllerEnv) -> None:
    counted = samples(metrics.text(env.controller))

    stalled: Mapping[Reason, str] = {
        reason: str(kstatus is KStatus.STALLED).lower() for reason, kstatus in KSTATUSES.items()
    }
    assert {key[1:] for key in counted if key[0] == "workspaces"} == {*stalled.items(), (OTHER, "false")}


def test_reason_of_another_version_makes_no_label(metrics: OperatorMetrics, env: ControllerEnv) -> None:
    document = {**env.apply("shop"), "status": {"conditions": [{"type": "Ready", "status": "False", "reason": "New"}]}}
    env.controller.on_update(document)

    counted = samples(metrics.text(env.controller))
    assert counted["workspaces", OTHER, "false"] == 1
    assert b"New" not in metrics.text(env.controller)
