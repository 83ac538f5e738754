"""The plan of one statement in a database with many people."""

import re
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A read of a table in a plan.

    Attributes:
        index: name of the index; empty for a scan of the table.
        covers: whether the index alone is read.
        condition: the condition on the index, as the database shows it.
    """

    index: str
    covers: bool
    condition: str


def reads(database: Database, query: sa.Select[Any] | SentStatement, table: str) -> list[Read]:
    """All reads of a table in the plan of either database."""
    if not database.is_sqlite:
        scans = [node for node in postgres_plan(database, query) if node.get("Relation Name") == table]
        return [
            Read(
                index=node.get("Index Name", ""),
                covers=node["Node Type"] == "Index Only Scan",
                condition=node.get("Index Cond", "").replace(" ", ""),
            )
            for node in scans
        ]
    steps = [step for step in sqlite_plan(database, query) if re.match(rf"(SCAN|SEARCH) {table}\b", step)]
    found = [re.search(r"USING (COVERING )?(?:INDEX )?(PRIMARY KEY|\w+) \((.*)\)$", step) for step in steps]
    return [
        Read(index=each[2].replace("PRIMARY KEY", f"{table}_pkey"), covers=bool(each[1]), condition=each[3])
        if each
        else Read(index="", covers=False, condition="")
        for each in found
    ]


def _explained(database: Database, query: sa.Select[Any] | SentStatement, explain: str) -> list[Any]:
    with database.reading() as connection:
        statement, parameters = query if isinstance(query, tuple) else (_text(connection, query), None)
        return list(connection.exec_driver_sql(f"{explain} {statement}", parameters))


def _text(connection: sa.Connection, query: sa.Select[Any]) -> str:
    bound = query.params(workspace_id=WORKSPACE)
    return str(bound.compile(connection, compile_kwargs={"literal_binds": True}))
