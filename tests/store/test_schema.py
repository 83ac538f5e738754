"""The schema: revisions lead to exactly the metadata, once, whoever comes first; keys that can be spread."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext

from tests.store.adapters import upgraded
from workspace_operator.errors import InvalidInput
from workspace_operator.store.engines import Database
from workspace_operator.store.tables import DIRECTORY, PER_WORKSPACE, metadata
from workspace_operator.store.upgrades import REVISIONS, upgrade
from workspace_operator.store.violating import SQLExports


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of this test's own."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/schema.db"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = Database(url)
    yield database
    database.close()


def test_revisions_lead_to_the_metadata(database: Database) -> None:
    upgrade(database)

    with database.reading() as connection:
        # SQLite's columns do not say that they number rows by themselves; the next test looks at their definitions.
        options = {"compare_type": True, "compare_server_default": not database.is_sqlite}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []


def test_revisions_define_what_the_metadata_would(database: Database, tmp_path: Path) -> None:
    upgrade(database)

    assert definitions(database) == expected_definitions(database, tmp_path)


def definitions(database: Database) -> dict[str, str]:
    """Every table and index in the database's own words: partial indexes, collations, WITHOUT ROWID and all."""
    with database.reading() as connection:
        return _defined(connection)


def expected_definitions(database: Database, folder: Path) -> dict[str, str]:
    if database.is_sqlite:
        engine = sa.create_engine(f"sqlite:///{folder}/expected.db", poolclass=sa.NullPool)
        with engine.begin() as connection:
            metadata.create_all(connection)
            return _defined(connection)
    with database.engine.begin() as connection:
        connection.execute(sa.text("CREATE SCHEMA expected"))
        connection.execute(sa.text("SET LOCAL search_path TO expected"))
        metadata.create_all(connection)
        return {name: text.replace("expected.", "public.") for name, text in _defined(connection, "expected").items()}


def _defined(connection: sa.Connection, schema: str = "public") -> dict[str, str]:
    if connection.dialect.name == "sqlite":
        rows = connection.execute(sa.text("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL")).all()
        return {name: _in_one_form(text) for name, text in rows if not name.startswith(("alembic", "sqlite"))}
    indexes = connection.execute(
        sa.text("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = :schema"), {"schema": schema}
    ).all()
    columns = connection.execute(
        sa.text(
            "SELECT table_name || '.' || column_name, concat_ws(' ', ordinal_position, data_type, is_nullable,"
            " collation_name, identity_generation) FROM information_schema.columns WHERE table_schema = :schema"
        ),
        {"schema": schema},
    ).all()
    return {name: text for name, text in [*indexes, *columns] if not name.startswith("alembic")}


def _in_one_form(text: str) -> str:
    """One definition with its parts sorted: constraints and later columns may stand elsewhere."""
    lines = (line.strip().rstrip(",") for line in re.sub(r", (?=\w+ [A-Z])", "\n", text).splitlines())
    return "\n".join(sorted(line for line in lines if line))


def test_upgrading_twice_does_nothing(database: Database) -> None:
    assert upgrade(database) is True
    before = definitions(database)

    assert upgrade(database) is False

    assert definitions(database) == before


def test_upgrade_keeps_the_exports_there_are(database: Database) -> None:
    upgrade_to("0004", database)
    database.writing(put_an_export)

    upgrade(database)

    rows = list(SQLExports(database).violations(1, 2))
    assert [(row.cio_id, row.id, row.email, row.email_key, row.created_at, row.sharing) for row in rows] == [
        ("c3", "7", "no address", None, 9, 1),
        ("c2", None, "A@x.org", "a@x.org", 4, 2),
        ("c1", "5", "a@x.org", "a@x.org", 5, 2),
    ]
    assert [(row.invalid_email, row.suppressed_email, row.id_is_another_email) for row in rows] == [
        (True, False, False),
        (False, True, False),
        (False, True, True),
    ]


def test_upgrade_keeps_names_that_are_the_same_from_now_on(database: Database) -> None:
    upgrade_to("0006", database)
    database.writing(put_names)

    upgrade(database)

    with database.reading() as connection:
        rows = connection.execute(sa.text("SELECT display_name, name_key FROM workspace ORDER BY workspace_id")).all()
    assert [tuple(row) for row in rows] == [("Shop", "Shop"), ("Caf\xe9", "Caf\xe9"), ("Cafe\u0301", "Caf\xe9")]


def put_names(connection: sa.Connection) -> None:
    """As revision 0006 had them."""
    for number, name in enumerate(("Shop", "Caf\xe9", "Cafe\u0301")):
        values = f"(1, :name, 'c', 'n', 'w{number}', 'u', 'IDOnly', '', '', '', true, 'Normal', true, 1, false)"
        connection.execute(
            sa.text(
                "INSERT INTO workspace (account_id, display_name, owner_cluster, owner_namespace, owner_name,"
                " owner_uid, mode, color, email_updates, id_updates, merge_multi_identifier, send_mode, open_tracking,"
                f" row_version, tracks_changes) VALUES {values}"
            ),
            {"name": name},
        )


@pytest.mark.postgres
def test_upgrade_takes_tables_that_are_partitioned(postgres_url: str) -> None:
    database = Database(postgres_url)
    upgrade_to("0004", database)
    database.writing(partition_violations)
    database.writing(put_an_export)

    upgrade(database)

    assert [row.cio_id for row in SQLExports(database).violations(1, 2)] == ["c3", "c2", "c1"]
    with database.reading() as connection:
        key = sa.inspect(connection).get_pk_constraint("violation")["constrained_columns"]
        assert key == ["workspace_id", "export_number", "email_key", "created_at", "cio_id"]
    database.close()


def partition_violations(connection: sa.Connection) -> None:
    """As an administrator would who spreads them by workspace."""
    for statement in (
        "ALTER TABLE violation RENAME TO before",
        "CREATE TABLE violation (LIKE before INCLUDING DEFAULTS) PARTITION BY HASH (workspace_id)",
        "CREATE TABLE violation_0 PARTITION OF violation FOR VALUES WITH (MODULUS 2, REMAINDER 0)",
        "CREATE TABLE violation_1 PARTITION OF violation FOR VALUES WITH (MODULUS 2, REMAINDER 1)",
        "DROP TABLE before",
        "ALTER TABLE violation ADD CONSTRAINT violation_pkey PRIMARY KEY (workspace_id, export_number, cio_id)",
        "CREATE INDEX ix_violation_order ON violation (workspace_id, export_number, email_key, created_at, cio_id)",
    ):
        connection.exec_driver_sql(statement)


def upgrade_to(revision: str, database: Database) -> None:
    config = Config()
    config.set_main_option("script_location", str(REVISIONS))

    def to_revision(connection: sa.Connection) -> None:
        config.attributes.update(connection=connection, metadata=metadata)
        command.upgrade(config, revision)

    database.writing(to_revision)


def put_an_export(connection: sa.Connection) -> None:
    """As revision 0004 had them."""
    connection.execute(sa.text("INSERT INTO export VALUES (1, 2, 1, 0, 'people', 3)"))
    connection.execute(
        sa.text(
            "INSERT INTO violation VALUES"
            " (1, 2, 'c1', '5', 'a@x.org', 'a@x.org', 5, 2, false, true, true),"
            " (1, 2, 'c2', NULL, 'A@x.org', 'a@x.org', 4, 2, false, true, false),"
            " (1, 2, 'c3', '7', 'no address', NULL, 9, 1, true, false, false)"
        )
    )


def test_upgrades_may_come_at_once(url: str) -> None:
    failures: list[BaseException] = []
    together = threading.Barrier(4)

    def start() -> None:
        together.wait()
        try:
            upgraded(url).close()
        except BaseException as error:  # noqa: BLE001 - reported by the test
            failures.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert failures == []


def test_database_of_a_newer_version_is_refused(database: Database) -> None:
    upgrade(database)
    database.writing(lambda connection: connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'")))

    with pytest.raises(InvalidInput, match="newer version of workspacectl \\(revision 9999\\)"):
        upgrade(database)


def test_keys_of_workspace_data_start_with_the_workspace(database: Database) -> None:
    upgrade(database)
    with database.reading() as connection:
        inspector = sa.inspect(connection)
        for table in PER_WORKSPACE:
            keys = [inspector.get_pk_constraint(table.name)["constrained_columns"]]
            keys += [list(each["column_names"]) for each in inspector.get_unique_constraints(table.name)]
            keys += [
                list(map(str, each["column_names"])) for each in inspector.get_indexes(table.name) if each["unique"]
            ]

            assert [key[0] for key in keys] == ["workspace_id"] * len(keys)
            assert inspector.get_foreign_keys(table.name) == []


def test_every_table_is_of_a_workspace_or_the_directory() -> None:
    assert set(metadata.sorted_tables) == {*PER_WORKSPACE, *DIRECTORY}
