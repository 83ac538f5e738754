"""Activities are found by an index whatever is asked for: the plans of both databases, with a rare type among many."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.benchmarks.crowds import vacuum
from tests.postgres import Postgres
from tests.store.adapters import START, Sent, hearing, sql_store, upgraded
from tests.store.scenes import Scene
from workspace_operator.identity.people import Person
from workspace_operator.identity.rules import Mode
from workspace_operator.identity.trail import Absorbed, ActivityType, Gone, Noted, Recognized, Step
from workspace_operator.store.engines import Database

PEOPLE, ACTIVITIES_EACH, MERGES, TIMES = 200, 50, 1000, 3


@pytest.fixture(scope="module")
def crowded_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    database = upgraded(f"sqlite:///{tmp_path_factory.mktemp('plans')}/plans.db")
    yield filled(database)
    database.close()


@pytest.fixture(scope="module")
def crowded_postgres(postgres: Postgres) -> Iterator[Scene]:
    with postgres.database() as url:
        database = upgraded(url)
        yield filled(database)
        database.close()


@pytest.fixture(params=["crowded_sqlite", pytest.param("crowded_postgres", marks=pytest.mark.postgres)])
def crowd(request: pytest.FixtureRequest) -> Scene:
    scene: Scene = request.getfixturevalue(request.param)
    return scene


def filled(database: Database) -> Scene:
    """Three workspaces full of events and changes, the one that is looked at with a single refusal, long ago."""
    store = sql_store(database)
    scenes = [Scene.create(store, Mode.EMAIL_OR_ID) for _ in range(TIMES)]
    refused = Noted(type=ActivityType.FAILED_ATTRIBUTE_CHANGE, cio_id="p1", at=1, data={})
    store.leave(scenes[0].workspace_id, [refused])
    store.clock.forward(60)
    for scene in scenes:
        store.leave(scene.workspace_id, list(crowded_steps()))
    vacuum(database)
    return scenes[0]


def crowded_steps() -> Iterator[Step]:
    for number in range(PEOPLE * ACTIVITIES_EACH):
        type_ = ActivityType.EVENT if number % 3 else ActivityType.ATTRIBUTE_CHANGE
        person = number % PEOPLE
        known = f"p{person}" if person % 5 else None
        yield Noted(type=type_, cio_id=known, at=1, anonymous_id=f"x{person}", event_id=f"e{number}", data={})
    for number in range(MERGES):
        one, other = (Person(cio_id=f"{side}{number}", attributes={}, stored_at=1, created_at=1) for side in "mn")
        yield Absorbed(primary=one, secondary=other, survivor=one, automatic=True, at=1)


QUESTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "all": ({}, "activity_pkey"),
    "of a rare type": ({"type": ActivityType.FAILED_ATTRIBUTE_CHANGE}, "activity_pkey"),
    "of a frequent type": ({"type": ActivityType.EVENT, "before": "0"}, "activity_pkey"),
    "of a person": ({"cio_id": "p1"}, "ix_activity_person"),
    "of a person and type": ({"cio_id": "p1", "type": ActivityType.FAILED_ATTRIBUTE_CHANGE}, "ix_activity_person"),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_activities_are_read_from_the_end_of_an_index(crowd: Scene, question: str) -> None:
    asked, index = QUESTIONS[question]

    with hearing(database_of(crowd)) as sent:
        crowd.store.belongings.activities(crowd.workspace_id, limit=50, **asked)

    [looked] = [each for each in sent if "activity" in each[0]]
    assert_found_by(database_of(crowd), looked, index)


def test_old_activities_are_found_by_the_key(crowd: Scene) -> None:
    with hearing(database_of(crowd)) as sent:
        assert crowd.store.belongings.forget_activities(before=START + timedelta(seconds=1), size=10) == 1

    looked = [each for each in sent if "activity" in each[0]]
    assert len(looked) == TIMES + 1
    for each in looked:
        assert_found_by(database_of(crowd), each, "activity_pkey")


@pytest.mark.parametrize(
    ("step", "words", "index"),
    [
        (Recognized(anonymous_id="x5", cio_id="p5"), {"UPDATE activity"}, "ix_activity_anonymous"),
        (Gone(cio_id="p7"), {"DELETE FROM activity"}, "ix_activity_person"),
        (Gone(cio_id="p7"), {"DELETE FROM merge", "primary_cio_id"}, "ix_merge_primary"),
        (Gone(cio_id="p7"), {"DELETE FROM merge", "secondary_cio_id"}, "ix_merge_secondary"),
    ],
)
def test_writing_finds_rows_by_an_index(crowd: Scene, step: Step, words: set[str], index: str) -> None:
    with hearing(database_of(crowd)) as sent:
        crowd.store.leave(crowd.workspace_id, [step])

    [statement] = [each for each in sent if all(word in each[0] for word in words)]
    assert_found_by(database_of(crowd), statement, index)


def assert_found_by(database: Database, sent: Sent, index: str) -> None:
    """No row of the table is looked at that the index does not lead to."""
    table = "merge" if index.startswith("ix_merge") else "activity"
    statement, parameters = sent
    with database.reading() as connection:
        if database.is_sqlite:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            steps = [row.detail for row in plan if f" {table} " in row.detail or row.detail.endswith(f" {table}")]
            by = "PRIMARY KEY" if index == "activity_pkey" else index
            assert steps
            assert all(step.startswith("SEARCH") and by in step for step in steps), steps
            return
        [plan] = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters).scalar_one()
    scans = [node for node in nodes(plan["Plan"]) if "Scan" in node["Node Type"] and "Index Name" in node]
    assert not any(node["Node Type"] == "Seq Scan" and node["Relation Name"] == table for node in nodes(plan["Plan"]))
    assert any(node["Index Name"].startswith(index) for node in scans), plan
    # An update looks again at what its partial index has said already.
    assert {node.get("Filter") for node in scans} <= {None, "(cio_id IS NULL)"}, plan


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for inner in node.get("Plans", ()):
        yield from nodes(inner)


def database_of(scene: Scene) -> Database:
    assert scene.store.database is not None
    return scene.store.database
