"""A database that goes and comes back; PostgreSQL, since a SQLite file does not go away."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.controlplane.kubectl import Kubectl
from tests.e2e.clusters import MakeOperator, namespace
from tests.e2e.operators import Operator
from tests.e2e.scenes import Scene, condition_stands
from tests.e2e.statuses import StatusRecorder
from tests.e2e.waiting import until
from tests.postgres import OwnPostgres


@pytest.fixture
def operator(make_operator: MakeOperator, own_postgres: OwnPostgres) -> Operator:
    """On PostgreSQL; not started yet."""
    return make_operator("--resync-seconds", "2", database=own_postgres.create_database("store"))


@pytest.fixture
def scene(cluster: Kubectl, operator: Operator, recorder: StatusRecorder, tmp_path: Path) -> Iterator[Scene]:
    with namespace(cluster, recorder) as name:
        yield Scene(kubectl=cluster, operator=operator, namespace=name, folder=tmp_path, recorder=recorder)


def test_lost_database_is_told_and_waited_for(scene: Scene, own_postgres: OwnPostgres) -> None:
    scene.operator.start()
    scene.apply()
    scene.until_ready()
    own_postgres.stop()

    scene.apply(color="123456")
    document = scene.until_reason("StoreUnavailable")

    assert condition_stands(document) == {"Ready": "False", "Reconciling": "True", "IdentifiersApplied": "Unknown"}
    assert scene.operator.is_alive(within=1)
    own_postgres.start()
    scene.until_ready(within=10)
    assert scene.stored().settings.color == "123456"


def test_resync_notices_a_lost_database(scene: Scene, own_postgres: OwnPostgres) -> None:
    scene.operator.start()
    scene.apply()
    scene.until_ready()

    own_postgres.kill()
    scene.until_reason("StoreUnavailable")
    own_postgres.start()

    scene.until_ready(within=10)


def test_operator_starts_without_its_database(scene: Scene, own_postgres: OwnPostgres) -> None:
    own_postgres.stop()
    scene.operator.start()
    scene.apply(deletionPolicy="Delete")

    document = scene.until_reason("StoreUnavailable")

    assert "workspaceID" not in document["status"]
    until(lambda: scene.operator.is_alive(within=1))
    own_postgres.start()
    scene.until_ready(within=10)


def test_identifier_change_outlives_its_database(scene: Scene, own_postgres: OwnPostgres) -> None:
    scene.operator.start()
    scene.apply(identifiers={"mode": "IDOnly"})
    scene.until_ready()
    scene.import_people([(str(number), f"{number}@example.com") for number in range(2000)])

    scene.apply(identifiers={"mode": "EmailOrID"})
    own_postgres.kill()
    own_postgres.start()

    document = scene.until_ready(within=60)
    assert document["status"]["identifiers"]["mode"] == "EmailOrID"
