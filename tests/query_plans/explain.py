"""The plan of one statement in a database with many people."""

from typing import Any, Final

import sqlalchemy as sa

from tests.query_plans.accesses import plan_nodes
from tests.store.backends import SentStatement
from workspace_operator.store.engine.databases import Database

WORKSPACE: Final = 7
WORKSPACES: Final = {WORKSPACE: 20_000, 8: 60_000}
"""People by workspace; for a single or small one, PostgreSQL may rightly scan the table."""


def sqlite_plan(database: Database, query: sa.Select[Any] | SentStatement) -> list[str]:
    """The steps of the plan."""
    return [row.detail for row in _explained(database, query, "EXPLAIN QUERY PLAN")]


def postgres_plan(
    database: Database, query: sa.Select[Any] | SentStatement, *, explain: str = "EXPLAIN (FORMAT JSON)"
) -> list[dict[str, Any]]:
    """All nodes of the plan."""
    [[[plan]]] = _explained(database, query, explain)
    return list(plan_nodes(plan["Plan"]))


def _explained(database: Database, query: sa.Select[Any] | SentStatement, explain: str) -> list[Any]:
    with database.reading() as connection:
        statement, parameters = query if isinstance(query, tuple) else (_text(connection, query), None)
        return list(connection.exec_driver_sql(f"{explain} {statement}", parameters))


def _text(connection: sa.Connection, query: sa.Select[Any]) -> str:
    bound = query.params(workspace_id=WORKSPACE)
    return str(bound.compile(connection, compile_kwargs={"literal_binds": True}))
