"""How many people a database has: counted, or as PostgreSQL estimates them, since a count reads the whole table."""

import sqlalchemy as sa

from workspace_operator.store.engine.citus import is_citus

_COUNT = sa.text("SELECT count(*) FROM person")

# A table without statistics has -1 rows; an empty one counts as known.
_ESTIMATE = sa.text(
    """
    SELECT
        CAST(sum(greatest(class.reltuples, 0)) AS bigint) AS people,
        bool_and(class.reltuples >= 0 OR pg_relation_size(class.oid) = 0) AS is_known
    FROM pg_class AS class
    WHERE class.relkind = 'r' AND (
        class.oid = to_regclass('person')
        OR class.oid IN (SELECT relid FROM pg_partition_tree(to_regclass('person')))
    )
    """
)


def count_people(connection: sa.Connection) -> int:
    """Count the people of all workspaces."""
    return int(connection.execute(_COUNT).scalar_one())


def estimate_people(connection: sa.Connection) -> int | None:
    """The people as of PostgreSQL's last ANALYZE, without reading them; None where it does not know.

    That is SQLite, a table that was not analyzed yet, and Citus, whose tables are on other machines.
    """
    if connection.dialect.name != "postgresql" or is_citus(connection):
        return None
    row = connection.execute(_ESTIMATE).one()
    return int(row.people) if row.is_known else None
