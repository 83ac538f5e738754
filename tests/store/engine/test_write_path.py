"""The check of the write path: a regular write that leaves no rows, on the schema of this version."""

import time

import pytest
import sqlalchemy as sa

from tests.postgres import Postgres
from tests.store.backends import Store
from workspace_operator.errors import StoreUnavailable, UnsupportedSchema
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.repositories.write_path import SQLWritePath
from workspace_operator.store.schema.tables import cluster_heartbeat
from workspace_operator.store.schema.upgrades import _upgrade, known_revisions, upgrade


def test_store_that_takes_writes_passes(store: Store) -> None:
    store.write_path.check_writable()
    store.write_path.check_writable()


def test_check_leaves_nothing(sql: Store) -> None:
    sql.write_path.check_writable()

    with sql.sql_database.reading() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(cluster_heartbeat)).scalar_one() == 0


@pytest.mark.postgres
def test_upgrade_under_way_fails_at_once(postgres_url: str) -> None:
    database, upgrading = (Database(postgres_url, prepare=upgrade) for _ in range(2))
    path = SQLWritePath(database)
    path.check_writable()

    with upgrading.engine.begin() as connection:
        _upgrade(connection)
        started = time.monotonic()
        with pytest.raises(StoreUnavailable, match="another process is upgrading the schema of the database"):
            path.check_writable()

        assert time.monotonic() - started < 5

    path.check_writable()
    database.close()
    upgrading.close()


def test_schema_of_a_newer_version_fails(database_url: str) -> None:
    database = Database(database_url, prepare=upgrade)
    path = SQLWritePath(database)
    path.check_writable()
    database.writing(lambda connection: connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'")))

    with pytest.raises(UnsupportedSchema, match=f"revision 9999; this version needs {known_revisions()[-1]}"):
        path.check_writable()

    database.close()


@pytest.mark.postgres
def test_server_that_has_become_read_only_fails(postgres: Postgres) -> None:
    """A read-only server, like a standby; reads still work."""
    with postgres.database() as url:
        database = Database(url, prepare=upgrade)
        path = SQLWritePath(database)
        path.check_writable()
        with database.reading() as connection:
            connection.execute(
                sa.text(f"ALTER DATABASE {database.url.database} SET default_transaction_read_only = on")
            )
            connection.commit()
        database.engine.dispose()
        database._writing_engine.dispose()

        with pytest.raises(StoreUnavailable):
            path.check_writable()
        with database.reading() as connection:
            assert connection.execute(sa.text("SELECT 1")).scalar_one() == 1
        database.close()
