"""A double of Citus on plain PostgreSQL: its catalogue, and its functions, which note what they are asked.

Tables stay where they are. What the functions refuse is what Citus refuses; how statements run on shards is shown by
hash partitions (`pruning`) and by Citus alone.
"""

import sqlalchemy as sa

from tests.store.backends import partitioned
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.schema.distribution import place_table, read_distribution

INSTALL = """
CREATE TABLE public.pg_dist_partition (
    logicalrelid regclass PRIMARY KEY, partmethod "char", partkey text, colocationid integer, repmodel "char"
);
CREATE TABLE public.pg_dist_colocation (colocationid integer PRIMARY KEY, shardcount integer);
ALTER TABLE public.pg_dist_partition SET SCHEMA pg_catalog;
ALTER TABLE public.pg_dist_colocation SET SCHEMA pg_catalog;
GRANT SELECT ON pg_catalog.pg_dist_partition, pg_catalog.pg_dist_colocation TO PUBLIC;

CREATE FUNCTION pg_catalog.column_to_column_name(relation regclass, key text) RETURNS text
    LANGUAGE sql STABLE AS 'SELECT key';

CREATE FUNCTION pg_catalog.require_local(relation regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM pg_dist_partition WHERE logicalrelid = relation AND (partmethod, repmodel) <> ('n', 's')
    ) THEN
        RAISE EXCEPTION 'table "%" is already distributed', relation USING ERRCODE = '42P16';
    END IF;
    DELETE FROM pg_dist_partition WHERE logicalrelid = relation;
END $$;

CREATE FUNCTION pg_catalog.create_reference_table(table_name regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM require_local(table_name);
    INSERT INTO pg_dist_partition VALUES (table_name, 'n', NULL, 1, 't');
END $$;

CREATE FUNCTION pg_catalog.create_distributed_table(
    table_name regclass, distribution_column text, distribution_type text DEFAULT 'hash',
    colocate_with text DEFAULT 'default', shard_count integer DEFAULT NULL
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    colocation integer;
BEGIN
    PERFORM require_local(table_name);
    IF EXISTS (
        SELECT FROM pg_index
        JOIN pg_attribute ON attrelid = indrelid AND attname = distribution_column
        WHERE indrelid = table_name AND indisunique AND NOT attnum = ANY (indkey)
    ) THEN
        RAISE EXCEPTION 'cannot create constraint on "%"', table_name
            USING DETAIL = 'Distributed relations cannot have UNIQUE constraints without the distribution column',
            ERRCODE = '0A000';
    END IF;
    IF colocate_with = 'default' THEN
        SELECT coalesce(max(colocationid), 1) + 1 FROM pg_dist_colocation INTO colocation;
        INSERT INTO pg_dist_colocation VALUES (colocation, coalesce(shard_count, 32));
    ELSE
        SELECT colocationid FROM pg_dist_partition WHERE logicalrelid = colocate_with::regclass AND partmethod = 'h'
            INTO STRICT colocation;
    END IF;
    INSERT INTO pg_dist_partition VALUES (table_name, 'h', distribution_column, colocation, 's');
END $$;

CREATE TABLE public.truncated_copies (relation regclass);
CREATE FUNCTION pg_catalog.truncate_local_data_after_distributing_table(table_name regclass) RETURNS void
    LANGUAGE sql AS 'INSERT INTO public.truncated_copies VALUES (table_name)';
"""


def install_citus(url: str) -> None:
    """Give a database the double, as a superuser."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        driver = connection.connection.dbapi_connection
        assert driver is not None
        driver.execute(INSTALL)
        driver.commit()


def distributed(url: str) -> Database:
    """A database with the double, and partitions that pass for shards."""
    install_citus(url)
    database = partitioned(url)
    mark_distributed(database)
    return database


def mark_distributed(database: Database) -> None:
    """Register the tables of a database, which has the double, as distributed."""

    def work(connection: sa.Connection) -> None:
        distribution = read_distribution(connection)
        assert distribution is not None
        for name in distribution.missing:
            place_table(connection, name, shards=32)

    database.writing(work)
