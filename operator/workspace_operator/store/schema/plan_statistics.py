"""Planner statistics that the schema fixes, so that plans do not depend on ANALYZE.

A planner that has never counted a workspace expects a single row, and reads the whole workspace once per person. So
neither database counts workspaces: each expects a workspace to be one part in 200 of a table. That is too small for a
large workspace, but large enough that every index with a further column looks cheaper than a scan of the workspace.

PostgreSQL assumes one part in 200 for a column without statistics. SQLite uses the rows of sqlite_stat1, which this
program never recomputes.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import sqlalchemy as sa

from workspace_operator.errors import Conflict, StoreUnavailable
from workspace_operator.store.engine.citus import is_citus
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.schema.tables import WORKSPACE_TABLES

COLUMN = "workspace_id"

SQLITE_STATISTICS: dict[tuple[str, str], str] = {
    ("workspace_lock", "workspace_lock"): "16000 16 1",
    ("person", "person"): "1000000 5000 1",
    ("person", "ix_person_email"): "1000000 5000 2 1",
    ("person", "ix_person_email_is_invalid"): "10000 50 50",
    ("person", "ix_person_id_is_another_email"): "10000 50 50",
    ("person", "ix_person_without_id"): "10000 50 50",
    ("identifier", "identifier"): "1000000 5000 2500 1",
    ("suppression", "suppression"): "1000000 5000 2500 2 1",
    ("suppression", "ix_suppression_group"): "1000000 5000 2",
    ("migration_change_log", "migration_change_log"): "1000000 5000 1",
    ("shared_email", "shared_email"): "1000000 5000 1",
    ("export", "sqlite_autoindex_export_1"): "600 3 1",
    ("violation", "violation"): "1000000 5000 2000 2 2 1",
    ("violation", "ix_violation_suppressed_email"): "100000 500 200 2 2 1",
    ("violation", "ix_violation_id_is_another_email"): "100000 500 200 2 2 1",
    ("export_person", "export_person"): "1000000 5000 2000 1",
    ("activity", "activity"): "1000000 5000 1000 1",
    ("activity", "ix_activity_person"): "1000000 5000 20 5 1",
    ("activity", "ix_activity_event"): "1000000 5000 1",
    ("activity", "ix_activity_anonymous"): "1000000 5000 10",
    ("device", "device"): "1000000 5000 2 1",
    ("membership", "membership"): "1000000 5000 1000 1",
    ("membership", "ix_membership_person"): "1000000 5000 5",
    ("segment", "segment"): "20000 100 1",
    ("segment", "sqlite_autoindex_segment_2"): "20000 100 1",
    ("merge", "merge"): "1000000 5000 1",
    ("merge", "ix_merge_holder"): "1000000 5000 5",
    ("merge", "ix_merge_primary"): "1000000 5000 5",
    ("merge", "ix_merge_secondary"): "1000000 5000 2",
    ("merge", "ix_merge_migration_number"): "1000000 5000 2000 1",
    ("cleanup_rule", "cleanup_rule"): "20000 100 10 1",
    ("cleanup_decision", "cleanup_decision"): "1000000 5000 2500 1",
    ("cleanup_decision", "ix_cleanup_decision_survivor"): "1000000 5000 2500 2 1",
    ("cleanup_decision", "ix_cleanup_decision_outcome"): "1000000 5000 2500 2000 1000 1",
    ("cleanup_decision", "ix_cleanup_decision_person"): "1000000 5000 2",
    ("cleanup_group", "cleanup_group"): "1000000 5000 2500 2500 1",
    ("cleanup_record", "cleanup_record"): "1000000 5000 2500 1",
    ("cleanup_record", "ix_cleanup_record_person"): "1000000 5000 2",
    ("cleanup_record", "ix_cleanup_record_id"): "1000000 5000 2",
    ("cleanup_record", "ix_cleanup_record_email_key"): "1000000 5000 2",
    ("import_chunk", "import_chunk"): "20000 100 50 1",
    ("import_reject", "import_reject"): "20000 100 50 1",
    ("import_record", "import_record"): "1000000 5000 2500 1",
    ("import_record", "ix_import_record_first_row"): "1000000 5000 2500 1",
    ("import_record", "ix_import_record_person"): "1000000 5000 2",
    ("import_record", "ix_import_record_id"): "1000000 5000 2",
    ("import_record", "ix_import_record_email_key"): "1000000 5000 2",
    ("listed_call", "listed_call"): "1000000 5000 1",
    ("audit_entry", "audit_entry"): "1000000 5000 1",
    ("template", "template"): "20000 100 1",
    ("template", "sqlite_autoindex_template_2"): "20000 100 1",
    ("template_content", "template_content"): "200000 1000 10 2 1",
    ("delivery", "delivery"): "1000000 5000 1",
    ("delivery", "ix_delivery_person"): "1000000 5000 5 1",
    ("delivery", "ix_delivery_template"): "1000000 5000 1000 1",
    ("delivery", "ix_delivery_due"): "100000 500 2 1",
    ("delivery", "ix_delivery_request_digest"): "1000000 5000 1",
    ("delivery", "ix_delivery_idempotency_key"): "1000000 5000 1",
    ("delivery_content", "delivery_content"): "1000000 5000 1",
    ("attachment", "attachment"): "1000000 5000 2 1",
    ("attempt", "attempt"): "1000000 5000 2 1",
    ("attempt", "ix_attempt_in_flight"): "10000 50 2",
    ("message_usage", "message_usage"): "20000 100 1",
    ("address_block", "address_block"): "1000000 5000 1000 1",
}
"""By table and index: number of rows, then rows per value of each key prefix. The primary key of a table without rowid
has the name of its table."""


def pin(connection: sa.Connection) -> None:
    """Fix the statistics, in a write transaction."""
    if connection.dialect.name == "sqlite":
        _pin_on_sqlite(connection)
    else:
        _pin_on_postgresql(connection)


def ensure_pinned(database: Database) -> None:
    """Fix the statistics again if an ANALYZE or a new partition has changed them.

    A table that is locked for maintenance is left for the next start: results stay correct.
    """
    with database.reading() as connection:
        pinned = _is_pinned(connection)
    if not pinned:
        with suppress(StoreUnavailable, Conflict):
            database.writing(_pin_if_unlocked)


def _pin_if_unlocked(connection: sa.Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(_WAIT_BRIEFLY)
    pin(connection)


_WAIT_BRIEFLY = sa.text("SELECT set_config('lock_timeout', '500ms', true)")


def _is_pinned(connection: sa.Connection) -> bool:
    if connection.dialect.name == "sqlite":
        return _sqlite_statistics(connection) == SQLITE_STATISTICS
    return not _unpinned(connection)


def _sqlite_statistics(connection: sa.Connection) -> dict[tuple[str, str], str]:
    """SQLite's statistics of this program's tables, with a marker entry for samples."""
    names = set(sa.inspect(connection).get_table_names(sqlite_include_internal=True))
    tables = {table.name for table in WORKSPACE_TABLES}
    if "sqlite_stat1" not in names:
        return {}
    rows = connection.execute(sa.text("SELECT tbl, idx, stat FROM sqlite_stat1"))
    counted = {(row.tbl, row.idx): row.stat for row in rows if row.tbl in tables}
    if "sqlite_stat4" in names and connection.execute(_SAMPLES).first() is not None:
        counted[("sqlite_stat4", "")] = ""
    return counted


_SAMPLES = sa.text("SELECT 1 FROM sqlite_stat4 LIMIT 1")


def _pin_on_sqlite(connection: sa.Connection) -> None:
    connection.execute(sa.text("ANALYZE sqlite_schema"))  # creates the statistics tables, and counts nothing
    if "sqlite_stat4" in sa.inspect(connection).get_table_names(sqlite_include_internal=True):
        connection.execute(sa.text("DELETE FROM sqlite_stat4"))
    names = [table.name for table in WORKSPACE_TABLES]
    delete = sa.text("DELETE FROM sqlite_stat1 WHERE tbl IN :names").bindparams(sa.bindparam("names", expanding=True))
    connection.execute(delete, {"names": names})
    connection.execute(
        sa.text("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (:tbl, :idx, :stat)"),
        [{"tbl": table, "idx": index, "stat": stat} for (table, index), stat in SQLITE_STATISTICS.items()],
    )
    connection.execute(sa.text("ANALYZE sqlite_schema"))  # makes every connection reload them


def _pin_on_postgresql(connection: sa.Connection) -> None:
    version = connection.dialect.server_version_info or (0,)
    for row in _unpinned(connection):
        if row.counted and version < MIN_VERSION_CLEARING_STATISTICS:
            if row.is_key_of_partitions:
                continue  # existing statistics of a partition key cannot be removed in these versions
            # The type stays the same, so that nothing is rewritten; only the statistics are dropped.
            connection.execute(sa.text(f"ALTER TABLE {row.name} ALTER COLUMN {COLUMN} TYPE bigint"))
        elif row.counted:
            connection.execute(_CLEAR, {"schema": row.schema, "table": row.relation, "column": COLUMN})
        connection.execute(sa.text(f"ALTER TABLE ONLY {row.name} ALTER COLUMN {COLUMN} SET STATISTICS 0"))


def _unpinned(connection: sa.Connection) -> Sequence[sa.Row[Any]]:
    """Tables and partitions for which PostgreSQL has, or collects, statistics of workspaces."""
    if is_citus(connection):
        return []  # the tables are on other machines, and Citus does not propagate this
    return connection.execute(_UNPINNED, {"tables": [table.name for table in WORKSPACE_TABLES], "column": COLUMN}).all()


MIN_VERSION_CLEARING_STATISTICS = (18,)
"""The first version with a function that removes statistics."""

_CLEAR = sa.text(
    "SELECT pg_clear_attribute_stats(:schema, :table, :column, inherited)"
    " FROM (VALUES (false), (true)) AS kinds (inherited)"
)
_UNPINNED = sa.text(
    """
    WITH roots AS (
        SELECT to_regclass(name) AS oid FROM unnest(CAST(:tables AS text[])) AS name
    ), relations AS (
        SELECT oid FROM roots UNION SELECT part.relid FROM roots CROSS JOIN LATERAL pg_partition_tree(roots.oid) AS part
    )
    SELECT
        format('%I.%I', namespace.nspname, class.relname) AS name,
        namespace.nspname AS schema,
        class.relname AS relation,
        class.relispartition OR class.relkind = 'p' AS is_key_of_partitions,
        counted.exist AS counted
    FROM relations
    JOIN pg_class AS class ON class.oid = relations.oid
    JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
    JOIN pg_attribute AS attribute ON attribute.attrelid = class.oid AND attribute.attname = :column
    CROSS JOIN LATERAL (
        SELECT count(*) > 0 AS exist FROM pg_stats AS stats
        WHERE stats.schemaname = namespace.nspname AND stats.tablename = class.relname AND stats.attname = :column
    ) AS counted
    WHERE pg_has_role(class.relowner, 'USAGE') AND (attribute.attstattarget IS DISTINCT FROM 0 OR counted.exist)
    ORDER BY name
    """
)
