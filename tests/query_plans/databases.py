"""Databases for planning statements, with statistics that do not cover the workspace."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import sqlalchemy as sa

from tests.benchmarks.bulk_data import vacuum
from tests.query_plans.accesses import Access, SQLitePlan, aliases_of, postgresql_accesses
from tests.query_plans.recorder import SentStatement
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.engine.sql import insert_rows
from workspace_operator.store.schema.plan_statistics import ensure_pinned
from workspace_operator.store.schema.tables import WORKSPACE_TABLES

FIRST_TENANT: Final = 1_000_000
TENANTS: Final = 40
ROWS_EACH: Final = 1000

SPARSE: Final = frozenset({"due_at", "idempotency_key"})
"""Columns that few rows have: most deliveries are not due any more."""

Plan = tuple[tuple[Access, ...], bool]
"""Accesses, and whether SQLite sorts or copies rows, for which PostgreSQL uses files."""


def fill(database: Database) -> None:
    """Fill every per-workspace table with rows of other workspaces; a few are enough for SQLite."""
    rows_each = ROWS_EACH // 20 if database.is_sqlite else ROWS_EACH
    for table in WORKSPACE_TABLES:
        rows = [
            tuple(_value(column, FIRST_TENANT + tenant, number) for column in table.columns)
            for tenant in range(TENANTS)
            for number in range(16 if table.name == "workspace_lock" else rows_each)
        ]
        database.writing(lambda connection, table=table, rows=rows: insert_rows(connection, table, rows))  # type: ignore[misc]


def _value(column: sa.Column[Any], tenant: int, number: int) -> object:
    fixed = {"workspace_id": tenant, "kind": 1 + number % 2, "type": 1 + number % 9, "export_number": 1 + number % 3}
    if column.name in fixed:
        return fixed[column.name]
    if column.name in SPARSE and number % 100:
        return None
    if column.name == "segment":
        return number % 10
    if isinstance(column.type, sa.JSON):
        return '{"plan":"pro","city":"Oslo","score":12}'
    if isinstance(column.type, sa.Boolean):
        return number % 100 == 0
    if column.type.python_type is str:
        return f"{column.name}-{number * 7919 % ROWS_EACH:05d}"
    return number


def analyze(database: Database) -> None:
    """Run ANALYZE, as an administrator or autovacuum may at any time, then restart the program."""
    vacuum(database)
    ensure_pinned(database)


@contextmanager
def planning_connection(database: Database) -> Iterator[sa.Connection]:
    """A transaction for planning statements."""
    engine = database.engine if database.is_sqlite else database._writing_engine
    with engine.connect() as connection:
        yield connection
        connection.rollback()


def plans_of(connection: sa.Connection, sent: SentStatement) -> Iterator[Plan]:
    """The plans of a statement; on PostgreSQL also the generic plan, if permitted."""
    driver: Any = connection.connection.dbapi_connection
    if connection.dialect.name == "sqlite":
        rows = driver.execute(f"EXPLAIN QUERY PLAN {sent.text}", sent.parameters).fetchall()
        plan = SQLitePlan(rows=rows, aliases=aliases_of(sent.text))
        yield tuple(plan.accesses()), plan.sorts()
        return
    with connection.begin_nested() as savepoint:
        for each in sent.settings:
            driver.execute(each)
        explains: list[tuple[str, Any]] = [(f"EXPLAIN (VERBOSE, FORMAT JSON) {sent.text}", sent.parameters)]
        if not any("force_custom_plan" in each for each in sent.settings):
            explains.append((f"EXPLAIN (VERBOSE, FORMAT JSON, GENERIC_PLAN) {_numbered(sent.text)}", None))
        for explain, values in explains:
            [[[document]]] = driver.execute(explain, values, prepare=False).fetchall()
            yield tuple(postgresql_accesses(document["Plan"])), False
        savepoint.rollback()


def _numbered(statement: str) -> str:
    """Replace parameters by PostgreSQL's own placeholders."""
    names: dict[str, str] = {}
    text = re.sub(r"%\((\w+)\)s", lambda found: names.setdefault(found[1], f"${len(names) + 1}"), statement)
    return text.replace("%%", "%")
