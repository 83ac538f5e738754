"""Plans of both databases for the worker's batches: each reads only its range."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from tests.benchmarks.bulk_data import fill_people, vacuum
from tests.query_plans.accesses import plan_nodes
from tests.store.backends import START, SentStatement, recorded_statements
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import Migration, OnConflict
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.engine.sql import force_custom_plan, insert_rows
from workspace_operator.store.migrations import backfill
from workspace_operator.store.pending_merges.view import next_pending_groups
from workspace_operator.store.schema.tables import migration_change_log, person, shared_email

WORKSPACE = 7
WORKSPACES = {WORKSPACE: 20_000, 8: 60_000}
LARGE = ("person", "identifier")
CHANGE = Migration(
    workspace_id=WORKSPACE,
    number=1,
    from_mode=Mode.ID_ONLY,
    to_mode=Mode.EMAIL_OR_ID,
    on_conflict=OnConflict.MERGE,
    requested_at=START,
)


def send_backfill_statements(connection: sa.Connection) -> None:
    backfill.backfill_range(connection, CHANGE, after="2", size=500)


def backfill_rest(connection: sa.Connection) -> None:
    backfill.backfill_range(connection, CHANGE, after="shared1", size=100_000)


def apply_change_log(connection: sa.Connection) -> None:
    keys = connection.execute(
        sa.select(person.c.email_key)
        .where(person.c.workspace_id == WORKSPACE, person.c.email_key > "1")
        .order_by(person.c.email_key)
        .limit(100)
    ).scalars()
    insert_rows(
        connection, migration_change_log, [(WORKSPACE, f"{number}", key, "x") for number, key in enumerate(keys)]
    )
    assert backfill.apply_change_log(connection, CHANGE, size=1000) == 100


def look_for_conflicts(connection: sa.Connection) -> None:
    backfill.has_violations(connection, CHANGE)
    next_pending_groups(connection, WORKSPACE, after="", size=20)


STEPS = (send_backfill_statements, backfill_rest, apply_change_log, look_for_conflicts)
steps = pytest.mark.parametrize("step", STEPS)
Step = Callable[[sa.Connection], None]


def fill(database: Database) -> None:
    for workspace_id, people in WORKSPACES.items():
        fill_people(database, workspace_id, people)
    vacuum(database)


@steps
def test_sqlite_searches_by_an_index(large_sqlite: Database, step: Step) -> None:
    plans = [each for statement in explained(large_sqlite, step, "EXPLAIN QUERY PLAN") for each in statement]

    accesses = [row.detail for row in plans if any(f" {name}" in row.detail for name in LARGE)]
    assert accesses
    assert [access for access in accesses if not access.startswith("SEARCH")] == []


@pytest.mark.postgres
@steps
def test_postgres_searches_by_an_index(large_postgres: Database, step: Step) -> None:
    plans = [rows[0][0][0]["Plan"] for rows in explained(large_postgres, step, "EXPLAIN (FORMAT JSON)")]

    scans = [node for plan in plans for node in plan_nodes(plan) if node.get("Relation Name") in LARGE]
    assert scans
    assert [scan for scan in scans if scan["Node Type"] == "Seq Scan"] == []


@pytest.mark.postgres
def test_postgres_sorts_no_groups_that_were_just_found(large_postgres: Database) -> None:
    """Otherwise each batch of a few hundred would sort all remaining rows."""

    def find_groups(connection: sa.Connection) -> None:
        rows = [(WORKSPACE, f"{number:06}@x.org", 2, 2, False, False) for number in range(20_000)]
        insert_rows(connection, shared_email, rows)
        force_custom_plan(connection)
        assert len(next_pending_groups(connection, WORKSPACE, after="000001", size=600)) == 600

    *_, [row] = explained(large_postgres, find_groups, "EXPLAIN (FORMAT JSON)")

    kinds = {node["Node Type"] for node in plan_nodes(row[0][0]["Plan"])}
    assert kinds == {"Limit", "Index Scan"}


def explained(database: Database, step: Step, how: str) -> list[list[Any]]:
    """The plans of all statements of a step, in a transaction that is rolled back."""
    engine = database.engine if database.is_sqlite else database._writing_engine
    with recorded_statements(database) as sent, engine.connect() as connection:
        step(connection)
        statements: list[SentStatement] = list(sent)
        plans = [
            list(connection.exec_driver_sql(f"{how} {statement}", parameters))
            for statement, parameters in statements
            if statement.startswith(("SELECT", "INSERT", "UPDATE", "DELETE"))
        ]
        connection.rollback()
    assert plans
    return plans
