"""Metrics of worker and sender: leases, and the stages that migrations entered, each of which is a line of the log."""

import logging
from dataclasses import replace

import pytest

from tests.api.observability.test_metrics import samples
from tests.fakes.database import InMemoryDatabase
from tests.fakes.sending.sending_queue import FakeSendingQueue
from tests.monitoring.exports import NOW
from tests.store.backends import memory_store
from tests.store.fault_injection import InterruptedMigrations, interrupted_worker, with_people
from tests.store.fixtures import WorkspaceEnv
from workspace_operator.application.migrations.worker import MigrationWorker
from workspace_operator.application.migrations.worker_metrics import MigrationWorkerMetrics
from workspace_operator.application.sending.handover.metrics import SenderMetrics
from workspace_operator.identity.values.rules import Mode
from workspace_operator.mail.pools import SMTPTransportPool

LOGGER = "workspace_operator.application.migrations.worker"


@pytest.fixture
def metrics() -> MigrationWorkerMetrics:
    return MigrationWorkerMetrics()


@pytest.fixture
def env() -> WorkspaceEnv:
    return with_people(memory_store(), Mode.ID_ONLY, 3)


def worker(env: WorkspaceEnv, metrics: MigrationWorkerMetrics) -> MigrationWorker:
    return replace(env.worker(), observer=metrics)


def entered(metrics: MigrationWorkerMetrics) -> dict[str, float]:
    """The stages that migrations entered."""
    counted = samples(metrics.text())
    return {key[1]: value for key, value in counted.items() if key[0].endswith("entered_total") and value}


def test_stages_count_and_are_logged(
    env: WorkspaceEnv, metrics: MigrationWorkerMetrics, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger=LOGGER)
    env.request()

    assert worker(env, metrics).work_once()

    logged = [message.rpartition("stage=")[2] for message in caplog.messages]
    assert entered(metrics) == dict.fromkeys(logged, 1)
    assert logged[-1] == env.stage.value
    assert caplog.messages[0].startswith(f"workspace={env.workspace_id} migration=1 stage=")


def test_blocked_migration_counts_once(env: WorkspaceEnv, metrics: MigrationWorkerMetrics) -> None:
    env.add("one", "same@example.com")
    env.add("two", "same@example.com")
    env.request()

    worker(env, metrics).work_once()

    assert entered(metrics)["Blocked"] == 1


def test_lease_ends_with_the_work(env: WorkspaceEnv, metrics: MigrationWorkerMetrics) -> None:
    env.request()
    worker(env, metrics).work_once()

    counted = samples(metrics.text())
    assert (counted["migration_leases",], counted["migration_leases_lost_total",]) == (0, 0)


def test_cancelled_migration_is_a_lost_lease(env: WorkspaceEnv, metrics: MigrationWorkerMetrics) -> None:
    env.request()

    interposed = InterruptedMigrations(env.store.migrations, after=1, what=env.cancel)

    replace(interrupted_worker(env, interposed), observer=metrics).work_once()

    assert samples(metrics.text())["migration_leases_lost_total",] == 1


@pytest.mark.parametrize("is_lost", [True, False])
def test_lease_of_a_sender_counts_until_it_ends(is_lost: bool) -> None:
    pool = SMTPTransportPool(())
    sender = SenderMetrics(queue=FakeSendingQueue(InMemoryDatabase()), transports=pool, clock=lambda: NOW)
    sender.leased()
    during = samples(sender.text())
    sender.lease_ended(is_lost=is_lost)
    after = samples(sender.text())
    pool.close()

    assert (during["sending_leases",], after["sending_leases",]) == (1, 0)
    assert after["sending_leases_lost_total",] == is_lost
