"""Plans of both databases for previews of many people: all use index order."""

from typing import Any

import pytest
import sqlalchemy as sa

from tests.query_plans.explain import postgres_plan, sqlite_plan
from tests.query_plans.test_counts import fill as fill  # noqa: PLC0414 - for the fixtures
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.repositories import previews

QUERIES: dict[str, sa.Select[Any]] = {
    "merges": previews.MERGES,
    "suppressed alone": previews.SUPPRESSED_ALONE,
    "another beside": previews.ANOTHER_BESIDE,
    "another alone": previews.ANOTHER_ALONE,
    "shared keys": previews.SHARED_KEYS,
    "suppressed keys": previews.SUPPRESSED_KEYS,
    "invalid people": previews.INVALID_PEOPLE,
    "another people": previews.ANOTHER_PEOPLE,
    "oldest of a key": previews.OLDEST_OF_KEY,
    "people of a key": previews.PEOPLE_OF_KEY,
}
VALUES = {"samples": 3, "key": "shared1@example.com"}
WHOLE_SCANS = ("merges", "shared keys")
"""Queries that read all addresses once, without reading rows of people."""

COPIES = {"Seq Scan", "Materialize", "CTE Scan"}
queries = pytest.mark.parametrize("name", QUERIES)


@queries
def test_sqlite_searches_and_copies_nothing(large_sqlite: Database, name: str) -> None:
    plan = sqlite_plan(large_sqlite, QUERIES[name].params(VALUES))

    tables = [step for step in plan if step.split()[1] in {"person", "other", "suppression"}]
    assert tables
    assert all(step.startswith("SEARCH") for step in tables)
    assert not any("MATERIALIZE" in step or "FOR GROUP BY" in step or "FOR DISTINCT" in step for step in plan)
    # The few people of one address are sorted by age; nothing else is sorted.
    assert any("TEMP B-TREE" in step for step in plan) is (name == "oldest of a key")


@pytest.mark.parametrize("name", WHOLE_SCANS)
def test_sqlite_groups_by_a_covering_index(large_sqlite: Database, name: str) -> None:
    plan = sqlite_plan(large_sqlite, QUERIES[name].params(VALUES))

    [scan] = [step for step in plan if step.startswith("SEARCH person ")]
    assert scan.startswith("SEARCH person USING COVERING INDEX ix_person_email ")


@queries
def test_postgres_reads_people_by_an_index(large_postgres: Database, name: str) -> None:
    nodes = postgres_plan(large_postgres, QUERIES[name].params(VALUES))

    people = [node for node in nodes if node.get("Relation Name") == "person"]
    assert people
    assert not any(node["Node Type"] in COPIES for node in people)


@pytest.mark.parametrize("name", WHOLE_SCANS)
def test_postgres_groups_in_the_order_of_an_index(large_postgres: Database, name: str) -> None:
    nodes = postgres_plan(large_postgres, QUERIES[name].params(VALUES))

    [grouping] = [node for node in nodes if node["Node Type"] == "Aggregate" and "Group Key" in node]
    assert grouping["Strategy"] == "Sorted"
    [scan] = [node for node in grouping["Plans"] if node.get("Relation Name") == "person"]
    assert (scan["Node Type"], scan["Index Name"]) == ("Index Only Scan", "ix_person_email")
