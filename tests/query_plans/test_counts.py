"""Plans of both databases for statements on many people: all use indexes."""

import re
from collections.abc import Generator
from contextlib import closing
from typing import Any, cast

import pytest
import sqlalchemy as sa

from tests.benchmarks.bulk_data import fill_people
from tests.query_plans.accesses import plan_nodes
from tests.query_plans.explain import WORKSPACE, WORKSPACES, postgres_plan, reads, sqlite_plan
from tests.store.backends import START, SentStatement, recorded_statements
from tests.store.fixtures import LEASE
from workspace_operator.application.ports import FIRST_EMAIL, EmailPosition, Lease, ViolationRow
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.engine.sql import force_custom_plan, insert_rows
from workspace_operator.store.migrations import backfill, export_writer
from workspace_operator.store.pending_merges.view import next_pending_groups
from workspace_operator.store.queries import counts, duplicates
from workspace_operator.store.repositories.exports import SQLExports
from workspace_operator.store.repositories.migrations import SQLMigrations
from workspace_operator.store.repositories.people_search import emails_with_prefix, ids_with_prefix
from workspace_operator.store.repositories.workspaces import SQLWorkspaces
from workspace_operator.store.schema.tables import export, export_person, person, shared_email, violation

QUERIES: dict[str, tuple[sa.Select[Any], str]] = {
    "sharing": (counts.SHARING, "ix_person_email"),
    "with key": (counts.WITH_KEY, "ix_person_email"),
    "without key": (counts.WITHOUT_KEY, "ix_person_email"),
    "without id": (counts.WITHOUT_ID, "ix_person_without_id"),
    "invalid": (counts.INVALID, "ix_person_email_is_invalid"),
    "id is another": (counts.ID_IS_ANOTHER, "ix_person_id_is_another_email"),
    "suppressed": (counts.SUPPRESSED, "ix_person_email"),
}
EXPORT = 3
SHARERS = duplicates.duplicates_with_keys(
    WORKSPACE, [f"shared{number}@example.com" for number in range(200)], newest_first=True
)
queries = pytest.mark.parametrize("name", QUERIES)


def fill(database: Database) -> None:
    for workspace_id, people in WORKSPACES.items():
        fill_people(database, workspace_id, people)
        database.writing(lambda connection, workspace_id=workspace_id: list_people(connection, workspace_id))  # type: ignore[misc]


def list_people(connection: sa.Connection, workspace_id: int) -> None:
    """Insert all people into an export."""
    name = {"workspace_id": workspace_id, "number": EXPORT, "migration_number": 1, "description": "", "total": 0}
    connection.execute(sa.insert(export).values(created_at=START, **name))
    values = {"export_number": EXPORT, "sharing": 2, "suppressed_email": False, "invalid_email": False}
    listed = {each.name: person.c.get(each.name, sa.literal(values.get(each.name))) for each in violation.columns}
    people = sa.select(*listed.values()).where(person.c.workspace_id == workspace_id, person.c.email_key.is_not(None))
    connection.execute(sa.insert(violation).from_select(list(listed), people))
    names = export_person.columns.keys()
    places = sa.select(*(violation.c[name] for name in names)).where(violation.c.workspace_id == workspace_id)
    connection.execute(sa.insert(export_person).from_select(names, places))


@queries
def test_counts_read_a_covering_index_alone(large: Database, name: str) -> None:
    query, index = QUERIES[name]

    found = reads(large, query, "person")

    assert {(each.index, each.covers) for each in found} == {(index, True)}


def test_only_people_without_id_are_read(large: Database) -> None:
    found = reads(large, counts.WITHOUT_IDENTIFIER, "person")

    assert [each.index for each in found] == ["ix_person_without_id"]


def test_suppressions_are_driven_into_people(large: Database) -> None:
    assert any("email_key=" in each.condition for each in reads(large, counts.SUPPRESSED, "person"))


def test_sqlite_sorts_no_addresses(large_sqlite: Database) -> None:
    assert "TEMP B-TREE" not in "\n".join(sqlite_plan(large_sqlite, counts.SHARING))


def test_sharers_are_found_by_the_index(large: Database) -> None:
    [groups] = reads(large, duplicates.SHARED_KEYS, "person")
    [people] = reads(large, SHARERS, "person")

    assert (groups.index, groups.covers) == ("ix_person_email", True)
    assert people.index == "ix_person_email"
    assert "email_key=" in people.condition
    if large.is_sqlite:
        # It sorts one group at a time.
        assert sqlite_plan(large, SHARERS)[-1] == "USE TEMP B-TREE FOR RIGHT PART OF ORDER BY"


def test_sqlite_exports_duplicates_without_a_copy_of_their_addresses(large_sqlite: Database) -> None:
    """A hash of half a million addresses took 28 MB."""
    steps = sqlite_plan(large_sqlite, export_writer.DUPLICATES.params(export_number=1))

    assert steps[0] == "CO-ROUTINE shared"
    assert not any("MATERIALIZE" in step or "TEMP B-TREE" in step for step in steps)


def test_sqlite_reads_an_export_as_it_lies(large_sqlite: Database) -> None:
    [step] = sqlite_plan(large_sqlite, reading_an_export(large_sqlite))

    assert step == "SEARCH violation USING PRIMARY KEY (workspace_id=? AND export_number=?)"


def test_postgres_reads_an_export_in_the_order_of_its_key(large_postgres: Database) -> None:
    """Plan as for a cursor, for which PostgreSQL optimizes the first rows."""
    cursor = "EXPLAIN (FORMAT JSON) DECLARE reading CURSOR FOR"
    [node] = postgres_plan(large_postgres, reading_an_export(large_postgres), explain=cursor)

    assert (node["Node Type"], node["Index Name"]) == ("Index Scan", "violation_pkey")


def reading_an_export(database: Database) -> SentStatement:
    rows = SQLExports(database).violations(WORKSPACE, EXPORT)
    with recorded_statements(database) as sent, closing(cast("Generator[ViolationRow]", rows)):
        next(rows)
    [statement] = [each for each in sent if "ORDER BY violation" in each[0]]
    return statement


ANA = EmailPosition("ana@example.com", "0" * 24)
SEARCHES = {
    "id": (ids_with_prefix(WORKSPACE, "m-1", after="", limit=10), "identifier", "identifier_pkey"),
    "id, next page": (ids_with_prefix(WORKSPACE, "m-1", after="m-10", limit=10), "identifier", "identifier_pkey"),
    "email": (emails_with_prefix(WORKSPACE, "ana@", after=FIRST_EMAIL, limit=10), "person", "ix_person_email"),
    "email, next page": (emails_with_prefix(WORKSPACE, "ana@", after=ANA, limit=10), "person", "ix_person_email"),
}


@pytest.mark.parametrize("kind", SEARCHES)
def test_people_are_searched_in_an_index(large: Database, kind: str) -> None:
    query, table, index = SEARCHES[kind]

    [found] = reads(large, query, table)

    assert found.index == index
    assert re.search("_key.*>", found.condition)
    if large.is_sqlite:
        assert "TEMP B-TREE" not in "\n".join(sqlite_plan(large, query))


def test_range_of_a_batch_is_found_by_the_index(large: Database) -> None:
    for query in finding_a_range(large):
        [found] = reads(large, query, "person")
        assert (found.index, found.covers) == ("ix_person_email", True)


def finding_a_range(database: Database) -> list[SentStatement]:
    beyond = sa.and_(person.c.workspace_id == WORKSPACE, person.c.email_key > "2")
    with recorded_statements(database) as sent, database.reading() as connection:
        backfill._range_end(connection, beyond, size=500)
    return [each for each in sent if "FROM person" in each[0]]


def test_postgres_sorts_no_groups_that_were_just_found(large_postgres: Database) -> None:
    """Otherwise each batch of a few hundred would sort all remaining rows."""
    rows = [(WORKSPACE, f"{number:06}@x.org", 2, 2, False, False) for number in range(20_000)]
    with (
        recorded_statements(large_postgres) as sent,
        large_postgres._writing_engine.connect() as connection,
        connection.begin() as transaction,
    ):
        insert_rows(connection, shared_email, rows)
        force_custom_plan(connection)
        assert len(next_pending_groups(connection, WORKSPACE, after="000001", size=600)) == 600
        statement, parameters = sent[-1]
        [plan] = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters).scalar_one()
        transaction.rollback()

    assert {node["Node Type"] for node in plan_nodes(plan["Plan"])} == {"Limit", "Index Scan"}


def test_sweeps_use_an_index(large_sqlite: Database) -> None:
    with recorded_statements(large_sqlite) as sent:
        SQLWorkspaces(large_sqlite).pending_status_updates()
        SQLMigrations(large_sqlite).claim(Lease(worker="w", duration=LEASE), now=START)

    plans = ["\n".join(sqlite_plan(large_sqlite, query)) for query in sent if query[0].startswith("SELECT")]

    assert any("ix_migration_status_pending" in plan for plan in plans)
    assert any("ix_migration_due_at" in plan for plan in plans)
