"""What a database is, whatever version made it: only what its schema has is read."""

from pathlib import Path
from typing import Any

import sqlalchemy as sa

from workspace_operator.application.ports import DatabaseDescription, DistributionState, SchemaState
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.maintenance.people_counts import count_people, estimate_people
from workspace_operator.store.schema.distribution import describe_misplaced, describe_missing, read_distribution
from workspace_operator.store.schema.upgrades import known_revisions, revision_of


def describe(database: Database, *, counts_people: bool = False) -> DatabaseDescription:
    """Describe a database in one snapshot; ``counts_people`` where an estimate would do. Raises StoreUnavailable."""
    with database.reading_one_snapshot() as connection:
        revision = revision_of(connection)
        return DatabaseDescription(
            name=database.name,
            engine="SQLite" if database.is_sqlite else "PostgreSQL",
            engine_version=_engine_version(connection),
            revision=revision,
            required_revision=known_revisions()[-1],
            schema=schema_state(revision),
            size_bytes=_size(connection, database),
            distribution=distribution_state(connection),
            **_contents(connection, counts_people=counts_people),
        )


def distribution_state(connection: sa.Connection) -> DistributionState | None:
    """How the tables are distributed; None without Citus."""
    found = read_distribution(connection)
    if found is None:
        return None
    problem = None
    if found.misplaced:
        problem = describe_misplaced(found)
    elif found.is_distributed and found.missing:
        problem = describe_missing(found)
    return DistributionState(shards=found.shards, problem=problem)


def schema_state(revision: str | None) -> SchemaState:
    """How a revision relates to this version."""
    known = known_revisions()
    if revision is None:
        return SchemaState.NONE
    if revision not in known:
        return SchemaState.FOREIGN
    return SchemaState.CURRENT if revision == known[-1] else SchemaState.OLDER


def _engine_version(connection: sa.Connection) -> str:
    query = "SHOW server_version" if connection.dialect.name == "postgresql" else "SELECT sqlite_version()"
    return str(connection.execute(sa.text(query)).scalar_one())


def _size(connection: sa.Connection, database: Database) -> int:
    """In bytes; that of SQLite with the log beside the file."""
    if not database.is_sqlite:
        return int(connection.execute(sa.text("SELECT pg_database_size(current_database())")).scalar_one())
    file = Path(str(database.url.database))
    parts = (file, file.with_name(f"{file.name}-wal"))
    return sum(part.stat().st_size for part in parts if part.exists())


def _contents(connection: sa.Connection, *, counts_people: bool) -> dict[str, Any]:
    """Identity and counts, as far as the schema has them."""
    contents: dict[str, Any] = {}
    inspector = sa.inspect(connection)
    if inspector.has_table("workspace"):
        contents["workspaces"] = connection.execute(sa.text("SELECT count(*) FROM workspace")).scalar_one()
    if inspector.has_table("person"):
        estimate = None if counts_people else estimate_people(connection)
        contents["people"] = count_people(connection) if estimate is None else estimate
        contents["are_people_counted"] = estimate is None
    if inspector.has_table("store_identity"):
        columns = {column["name"] for column in inspector.get_columns("store_identity")}
        for column in ("store_id", "root_key_fingerprint"):
            if column in columns:
                found = sa.select(sa.column(column, sa.Text)).select_from(sa.table("store_identity"))
                contents[column] = connection.execute(found).scalar_one_or_none()
    return contents
