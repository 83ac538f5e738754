"""A database that goes and comes back; PostgreSQL, since a SQLite file does not go away."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.controlplane.kubectl import Kubectl
from tests.e2e.clusters import MakeOperator, namespace
from tests.e2e.fixtures import NamespaceEnv, condition_is_stable
from tests.e2e.operators import Operator
from tests.e2e.status_recorder import StatusRecorder
from tests.e2e.waiting import wait_until
from tests.postgres import OwnPostgres


@pytest.fixture
def operator(make_operator: MakeOperator, own_postgres: OwnPostgres) -> Operator:
    """On PostgreSQL; not started yet."""
    return make_operator("--resync-seconds", "2", database=own_postgres.create_database("store"))


@pytest.fixture
def env(cluster: Kubectl, operator: Operator, recorder: StatusRecorder, tmp_path: Path) -> Iterator[NamespaceEnv]:
    with namespace(cluster, recorder) as name:
        yield NamespaceEnv(kubectl=cluster, operator=operator, namespace=name, folder=tmp_path, recorder=recorder)


def test_lost_database_is_reported_and_waited_for(env: NamespaceEnv, own_postgres: OwnPostgres) -> None:
    env.operator.start()
    env.apply()
    env.wait_until_ready()
    own_postgres.stop()

    env.apply(color="123456")
    document = env.wait_for_reason("StoreUnavailable")

    assert condition_is_stable(document) == {"Ready": "False", "Reconciling": "True", "IdentifiersApplied": "Unknown"}
    assert env.operator.is_alive(within=1)
    own_postgres.start()
    env.wait_until_ready(within=10)
    assert env.stored().settings.color == "123456"


def test_resync_notices_a_lost_database(env: NamespaceEnv, own_postgres: OwnPostgres) -> None:
    env.operator.start()
    env.apply()
    env.wait_until_ready()

    own_postgres.kill()
    env.wait_for_reason("StoreUnavailable")
    own_postgres.start()

    env.wait_until_ready(within=10)


def test_operator_starts_without_its_database(env: NamespaceEnv, own_postgres: OwnPostgres) -> None:
    own_postgres.stop()
    env.operator.start()
    env.apply(deletionPolicy="Delete")

    document = env.wait_for_reason("StoreUnavailable")

    assert "workspaceID" not in document["status"]
    wait_until(lambda: env.operator.is_alive(within=1))
    own_postgres.start()
    env.wait_until_ready(within=10)


def test_migration_outlives_its_database(env: NamespaceEnv, own_postgres: OwnPostgres) -> None:
    env.operator.start()
    env.apply(identifiers={"mode": "IDOnly"})
    env.wait_until_ready()
    env.import_people([(str(number), f"{number}@example.com") for number in range(2000)])

    env.apply(identifiers={"mode": "EmailOrID"})
    own_postgres.kill()
    own_postgres.start()

    document = env.wait_until_ready(within=60)
    assert document["status"]["identifiers"]["mode"] == "EmailOrID"
