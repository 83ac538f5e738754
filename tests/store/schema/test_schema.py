"""The schema: revisions produce the metadata, once if concurrent; distributable keys."""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from tests.store.backends import upgraded
from tests.threads import run_together
from workspace_operator.errors import InvalidInput, UnsupportedSchema
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.repositories.exports import SQLExports
from workspace_operator.store.schema import upgrades
from workspace_operator.store.schema.tables import DIRECTORY_TABLES, WORKSPACE_TABLES, metadata
from workspace_operator.store.schema.upgrades import has_current_schema, known_revisions, upgrade


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with closing(Database(database_url)) as database:
        yield database


def test_revisions_lead_to_the_metadata(database: Database) -> None:
    upgrade(database)

    with database.reading() as connection:
        # SQLite's reflection does not show autoincrement; the next test compares the definitions.
        options = {"compare_type": True, "compare_server_default": not database.is_sqlite}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []


def test_revisions_define_what_the_metadata_would(database: Database, tmp_path: Path) -> None:
    upgrade(database)

    assert definitions(database) == expected_definitions(database, tmp_path)


def definitions(database: Database) -> dict[str, str]:
    """The database's full definitions of all tables and indexes."""
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
    """A definition with its parts sorted, since constraints and later columns may be elsewhere."""
    lines = (line.strip().rstrip(",") for line in re.sub(r", (?=\w+ [A-Z])", "\n", text).splitlines())
    return "\n".join(sorted(line for line in lines if line))


def test_upgrading_twice_does_nothing(database: Database) -> None:
    assert upgrade(database) is True
    before = definitions(database)

    assert upgrade(database) is False

    assert definitions(database) == before


NEWEST = known_revisions()[-1]
SECOND_REVISION = """
import sqlalchemy as sa
from alembic import op

revision = "9000"
down_revision = "{newest}"


def upgrade():
    op.add_column("violation", sa.Column("note", sa.Text(), nullable=False, server_default="none"))
    op.create_index("ix_violation_note", "violation", ["workspace_id", "note"])
"""


@pytest.fixture
def second_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Add a second revision."""
    copy = tmp_path / "revisions"
    shutil.copytree(upgrades.REVISIONS, copy)
    (copy / "versions" / "9000_notes.py").write_text(SECOND_REVISION.replace("{newest}", NEWEST))
    return lambda: monkeypatch.setattr(upgrades, "REVISIONS", copy)


def test_later_revision_keeps_the_rows_there_are(database: Database, second_revision: Callable[[], None]) -> None:
    upgrade(database)
    database.writing(put_an_export)
    second_revision()

    with pytest.raises(
        UnsupportedSchema, match=rf"older version \(revision {NEWEST}; .*`workspacectl database upgrade`"
    ):
        has_current_schema(database)
    assert upgrade(database) is True
    assert has_current_schema(database)
    assert upgrade(database) is False

    assert notes_of(database) == [("c1", "none"), ("c2", "none"), ("c3", "none")]
    assert [row.cio_id for row in SQLExports(database).violations(1, 2)] == ["c3", "c2", "c1"]


@pytest.mark.postgres
def test_later_revision_takes_tables_that_are_partitioned(
    postgres_url: str, second_revision: Callable[[], None]
) -> None:
    with closing(Database(postgres_url)) as database:
        upgrade(database)
        database.writing(partition_violations)
        database.writing(put_an_export)
        second_revision()

        upgrade(database)

        assert notes_of(database) == [("c1", "none"), ("c2", "none"), ("c3", "none")]
        with database.reading() as connection:
            indexes = {index["name"] for index in sa.inspect(connection).get_indexes("violation")}
        assert "ix_violation_note" in indexes


def test_database_of_a_later_revision_is_refused_by_an_earlier_version(
    database: Database, second_revision: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = upgrades.REVISIONS
    second_revision()
    upgrade(database)
    monkeypatch.setattr(upgrades, "REVISIONS", first)

    with pytest.raises(UnsupportedSchema, match="newer version of workspacectl \\(revision 9000\\)"):
        upgrade(database)


@pytest.mark.parametrize("revision", ["0001", "0008"])
def test_database_of_an_unreleased_version_is_refused_with_the_way(database: Database, revision: str) -> None:
    upgrade(database)
    database.writing(
        lambda connection: connection.execute(
            sa.text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision}
        )
    )
    way = "export its people with that version, and import them into a new database with this one"

    with pytest.raises(UnsupportedSchema, match=f"unreleased version of workspacectl \\(revision {revision}\\).*{way}"):
        upgrade(database)


def notes_of(database: Database) -> list[tuple[str, str]]:
    with database.reading() as connection:
        rows = connection.execute(sa.text("SELECT cio_id, note FROM violation ORDER BY cio_id"))
        return [(row.cio_id, row.note) for row in rows]


def partition_violations(connection: sa.Connection) -> None:
    """Partition the tables by workspace, as an administrator could."""
    for statement in (
        "ALTER TABLE violation RENAME TO before",
        "CREATE TABLE violation (LIKE before INCLUDING DEFAULTS) PARTITION BY HASH (workspace_id)",
        "CREATE TABLE violation_0 PARTITION OF violation FOR VALUES WITH (MODULUS 2, REMAINDER 0)",
        "CREATE TABLE violation_1 PARTITION OF violation FOR VALUES WITH (MODULUS 2, REMAINDER 1)",
        "DROP TABLE before",
        "ALTER TABLE violation ADD PRIMARY KEY (workspace_id, export_number, email_key, created_at, cio_id)",
    ):
        connection.exec_driver_sql(statement)


def put_an_export(connection: sa.Connection) -> None:
    connection.execute(sa.text("INSERT INTO export VALUES (1, 2, 1, 0, 'people', 3)"))
    columns = (
        "workspace_id, export_number, cio_id, id, email, email_key, created_at, sharing,"
        " invalid_email, suppressed_email, id_is_another_email"
    )
    connection.execute(
        sa.text(
            f"INSERT INTO violation ({columns}) VALUES"
            " (1, 2, 'c1', '5', 'a@x.org', 'a@x.org', 5, 2, false, true, true),"
            " (1, 2, 'c2', NULL, 'A@x.org', 'a@x.org', 4, 2, false, true, false),"
            " (1, 2, 'c3', '7', 'no address', '', 9, 1, true, false, false)"
        )
    )


def test_upgrades_may_come_at_once(database_url: str) -> None:
    run_together(*[lambda: upgraded(database_url).close()] * 4)


def test_database_of_a_newer_version_is_refused(database: Database) -> None:
    upgrade(database)
    database.writing(lambda connection: connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'")))

    with pytest.raises(InvalidInput, match="newer version of workspacectl \\(revision 9999\\)"):
        upgrade(database)


def test_keys_of_workspace_data_start_with_the_workspace(database: Database) -> None:
    upgrade(database)
    with database.reading() as connection:
        inspector = sa.inspect(connection)
        for table in WORKSPACE_TABLES:
            keys = [inspector.get_pk_constraint(table.name)["constrained_columns"]]
            keys += [list(each["column_names"]) for each in inspector.get_unique_constraints(table.name)]
            keys += [
                list(map(str, each["column_names"])) for each in inspector.get_indexes(table.name) if each["unique"]
            ]

            assert [key[0] for key in keys] == ["workspace_id"] * len(keys)
            assert inspector.get_foreign_keys(table.name) == []


def test_every_table_is_of_a_workspace_or_the_directory() -> None:
    assert set(metadata.sorted_tables) == {*WORKSPACE_TABLES, *DIRECTORY_TABLES}
