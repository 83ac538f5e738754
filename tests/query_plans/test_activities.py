"""Plans of both databases for activities, also of a rare type: all use an index."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.benchmarks.bulk_data import vacuum
from tests.query_plans.explain import postgres_plan, sqlite_plan
from tests.store.backends import START, SentStatement, recorded_statements, sql_store
from tests.store.fixtures import WorkspaceEnv
from workspace_operator.identity.model.person import Person
from workspace_operator.identity.model.person_events import (
    ActivityLogged,
    ActivityType,
    PeopleMerged,
    PersonEvent,
)
from workspace_operator.identity.values.rules import Mode
from workspace_operator.store.engine.databases import Database

PEOPLE, ACTIVITIES_EACH, MERGES, TIMES = 200, 50, 1000, 3


def fill(database: Database) -> WorkspaceEnv:
    """Three workspaces full of events and changes, the one that is looked at with a single refusal, long ago."""
    store = sql_store(database)
    environments = [WorkspaceEnv.create(store, Mode.EMAIL_OR_ID) for _ in range(TIMES)]
    refused = ActivityLogged(type=ActivityType.FAILED_ATTRIBUTE_CHANGE, cio_id="p1", at=1, data={})
    store.append_events(environments[0].workspace_id, [refused])
    store.clock.advance(60)
    for env in environments:
        store.append_events(env.workspace_id, list(planned_steps()))
    vacuum(database)
    return environments[0]


def planned_steps() -> Iterator[PersonEvent]:
    for number in range(PEOPLE * ACTIVITIES_EACH):
        type_ = ActivityType.EVENT if number % 3 else ActivityType.ATTRIBUTE_CHANGE
        person = number % PEOPLE
        known = f"p{person}" if person % 5 else None
        yield ActivityLogged(type=type_, cio_id=known, at=1, anonymous_id=f"x{person}", event_id=f"e{number}", data={})
    for number in range(MERGES):
        one, other = (Person(cio_id=f"{side}{number}", attributes={}, inserted_at=1, created_at=1) for side in "mn")
        yield PeopleMerged(primary=one, secondary=other, survivor=one, automatic=True, at=1)


QUESTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "all": ({}, "activity_pkey"),
    "of a rare type": ({"type": ActivityType.FAILED_ATTRIBUTE_CHANGE}, "activity_pkey"),
    "of a frequent type": ({"type": ActivityType.EVENT, "before": "0"}, "activity_pkey"),
    "of a person": ({"cio_id": "p1"}, "ix_activity_person"),
    "of a person and type": ({"cio_id": "p1", "type": ActivityType.FAILED_ATTRIBUTE_CHANGE}, "ix_activity_person"),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_activities_are_read_from_the_end_of_an_index(large: WorkspaceEnv, question: str) -> None:
    arguments, index = QUESTIONS[question]

    with recorded_statements(large.store.sql_database) as sent:
        large.store.person_records.activities(large.workspace_id, limit=50, **arguments)

    [query] = [statement for statement in sent if "activity" in statement[0]]
    assert_found_by(large.store.sql_database, query, index)


def test_old_activities_are_found_by_the_key(large: WorkspaceEnv) -> None:
    with recorded_statements(large.store.sql_database) as sent:
        assert large.store.person_records.purge_activities(before=START + timedelta(seconds=1), size=10) == 1

    queries = [statement for statement in sent if "activity" in statement[0]]
    assert len(queries) == TIMES + 1
    for query in queries:
        assert_found_by(large.store.sql_database, query, "activity_pkey")


def assert_found_by(database: Database, query: SentStatement, index: str) -> None:
    """Check that the plan reads no rows besides those of the index condition."""
    if database.is_sqlite:
        steps = [step for step in sqlite_plan(database, query) if " activity" in step]
        by = "PRIMARY KEY" if index == "activity_pkey" else index
        assert steps
        assert all(step.startswith("SEARCH") and by in step for step in steps), steps
        return
    nodes = postgres_plan(database, query)
    scans = [node for node in nodes if "Scan" in node["Node Type"] and "Index Name" in node]
    assert not any(node["Node Type"] == "Seq Scan" and node["Relation Name"] == "activity" for node in nodes)
    assert any(node["Index Name"].startswith(index) for node in scans), nodes
    assert {node.get("Filter") for node in scans} <= {None}, nodes
