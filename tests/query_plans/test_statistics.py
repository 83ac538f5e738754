"""The schema fixes planner statistics: workspaces are not counted."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.benchmarks.bulk_data import fill_people, vacuum
from tests.sqlite import NEWEST, sqlite_file
from tests.store.backends import partitioned, sql_store, upgraded
from tests.store.fixtures import WorkspaceEnv
from workspace_operator.identity.values.rules import Mode
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.schema import plan_statistics
from workspace_operator.store.schema.plan_statistics import SQLITE_STATISTICS, pin
from workspace_operator.store.schema.tables import WORKSPACE_TABLES
from workspace_operator.store.schema.upgrades import upgrade

PEOPLE = 500
UNPINNED = "ALTER TABLE person ALTER COLUMN workspace_id SET STATISTICS 100"
WORKSPACES_COUNTED = (
    "SELECT tablename FROM pg_stats WHERE attname = 'workspace_id' AND tablename LIKE 'person%' ORDER BY tablename"
)
TARGETS = (
    "SELECT attrelid::regclass::text, attstattarget FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid"
    " WHERE attname = 'workspace_id' AND relkind IN ('r', 'p') AND relname LIKE 'person%' ORDER BY 1"
)


@pytest.fixture
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with closing(upgraded(f"sqlite:///{tmp_path_factory.mktemp('statistics')}/store.db")) as database:
        yield database


@pytest.fixture
def postgresql(postgres_url: str) -> Iterator[Database]:
    with closing(upgraded(postgres_url)) as database:
        yield database


@pytest.fixture
def partitions(postgres_url: str) -> Iterator[Database]:
    with closing(partitioned(postgres_url)) as database:
        yield database


def rows(database: Database, query: str) -> list[tuple[object, ...]]:
    with database.reading() as connection:
        return [tuple(row) for row in connection.execute(sa.text(query))]


def run(database: Database, *statements: str) -> None:
    database.writing(lambda connection: [connection.execute(sa.text(each)) for each in statements])


def start_again(database: Database) -> None:
    """Upgrade the database, as each process does at its start."""
    assert upgrade(database) is False


def test_every_index_has_statistics_on_sqlite(sqlite: Database) -> None:
    """A new table or index needs fixed statistics."""
    inspector = sa.inspect(sqlite.engine)
    keys: dict[tuple[str, str], int] = {}
    for table in WORKSPACE_TABLES:
        keys[table.name, _name_of_key(table)] = len(table.primary_key)
        keys |= {(table.name, index.name or ""): len(index.columns) for index in table.indexes}
        unique = inspector.get_unique_constraints(table.name)
        keys |= {(table.name, f"sqlite_autoindex_{table.name}_2"): len(each["column_names"]) for each in unique}

    assert {key: len(stat.split()) - 1 for key, stat in SQLITE_STATISTICS.items()} == keys


def _name_of_key(table: sa.Table) -> str:
    without_rowid = table.dialect_options["sqlite"]["with_rowid"] is False
    return table.name if without_rowid else f"sqlite_autoindex_{table.name}_1"


def test_no_statistics_take_a_workspace_for_a_few_rows() -> None:
    large = [stat.split() for stat in SQLITE_STATISTICS.values() if stat.startswith("1000000 ")]

    assert large
    assert {int(rows) // int(of_workspace) for rows, of_workspace, *_ in large} == {200}


def counted_by_sqlite(database: Database) -> dict[tuple[object, object], object]:
    return {(table, index): stat for table, index, stat in rows(database, "SELECT * FROM sqlite_stat1 ORDER BY 1, 2")}


def test_new_sqlite_file_has_them(sqlite: Database) -> None:
    assert SQLITE_STATISTICS.items() <= counted_by_sqlite(sqlite).items()


def test_sqlite_file_that_was_analyzed_has_them_after_the_next_start(sqlite: Database) -> None:
    fill_people(sqlite, 1, PEOPLE)
    vacuum(sqlite)
    assert counted_by_sqlite(sqlite)["person", "person"] == f"{PEOPLE} {PEOPLE} 1"

    start_again(sqlite)

    assert SQLITE_STATISTICS.items() <= counted_by_sqlite(sqlite).items()


def test_migration_fixes_statistics_counted_since_the_start(sqlite: Database) -> None:
    env = WorkspaceEnv.create(sql_store(sqlite), Mode.ID_ONLY)
    env.add("1", "ann@example.com")
    vacuum(sqlite)
    env.request()

    assert env.work()

    assert SQLITE_STATISTICS.items() <= counted_by_sqlite(sqlite).items()


def test_sqlite_file_without_any_has_them_after_the_next_start(sqlite: Database) -> None:
    run(sqlite, "DROP TABLE sqlite_stat1")

    start_again(sqlite)

    assert SQLITE_STATISTICS.items() <= counted_by_sqlite(sqlite).items()


@pytest.mark.parametrize("module", NEWEST)
def test_samples_of_newer_sqlite_are_dropped(tmp_path: Path, module: str) -> None:
    with closing(sqlite_file(tmp_path, module)) as database:
        fill_people(database, 1, PEOPLE)
        vacuum(database)
        assert rows(database, "SELECT DISTINCT tbl FROM sqlite_stat4 WHERE tbl = 'person'") == [("person",)]

        start_again(database)

        assert rows(database, "SELECT * FROM sqlite_stat4") == []
        assert SQLITE_STATISTICS.items() <= counted_by_sqlite(database).items()


def test_analyze_does_not_count_workspaces(postgresql: Database) -> None:
    fill_people(postgresql, 1, PEOPLE)

    vacuum(postgresql)

    assert rows(postgresql, WORKSPACES_COUNTED) == []
    assert rows(postgresql, WORKSPACES_COUNTED.replace("'workspace_id'", "'email_key'")) == [("person",)]


def test_partitions_do_not_count_workspaces(partitions: Database) -> None:
    fill_people(partitions, 1, PEOPLE)

    vacuum(partitions)

    assert rows(partitions, WORKSPACES_COUNTED) == []
    assert rows(partitions, TARGETS) == [(name, 0) for name in ("person", *(f"person_{n}" for n in range(4)))]


@pytest.mark.parametrize(
    "clears_since", [plan_statistics.MIN_VERSION_CLEARING_STATISTICS, (99,)], ids=["function", "older"]
)
def test_what_was_counted_is_dropped_at_the_next_start(
    postgresql: Database, monkeypatch: pytest.MonkeyPatch, clears_since: tuple[int]
) -> None:
    monkeypatch.setattr(plan_statistics, "MIN_VERSION_CLEARING_STATISTICS", clears_since)
    run(postgresql, UNPINNED)
    fill_people(postgresql, 1, PEOPLE)
    assert rows(postgresql, WORKSPACES_COUNTED) == [("person",)]

    start_again(postgresql)

    assert rows(postgresql, WORKSPACES_COUNTED) == []
    assert rows(postgresql, TARGETS) == [("person", 0)]


def test_what_was_counted_of_partitions_is_dropped(partitions: Database) -> None:
    run(partitions, UNPINNED)
    fill_people(partitions, 1, PEOPLE)
    assert rows(partitions, WORKSPACES_COUNTED)

    partitions.writing(pin)

    assert rows(partitions, WORKSPACES_COUNTED) == []


def test_partitions_of_older_servers_go_on_being_counted(partitions: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """These statistics cannot be removed, and without renewal would be wrong forever."""
    monkeypatch.setattr(plan_statistics, "MIN_VERSION_CLEARING_STATISTICS", (99,))
    run(partitions, UNPINNED)
    fill_people(partitions, 1, PEOPLE)
    counted = rows(partitions, WORKSPACES_COUNTED)

    partitions.writing(pin)

    assert rows(partitions, WORKSPACES_COUNTED) == counted
    assert ("person", 100) in rows(partitions, TARGETS)


def test_new_partition_is_found(partitions: Database) -> None:
    run(
        partitions,
        "ALTER TABLE person DETACH PARTITION person_3",
        "CREATE TABLE person_new PARTITION OF person FOR VALUES WITH (MODULUS 4, REMAINDER 3)",
    )
    assert ("person_new", None) in rows(partitions, TARGETS)

    partitions.writing(pin)

    assert ("person_new", 0) in rows(partitions, TARGETS)


def test_user_who_does_not_own_the_tables_starts(postgresql: Database) -> None:
    run(postgresql, UNPINNED, "DROP ROLE IF EXISTS reader", "CREATE ROLE reader LOGIN PASSWORD 'reader'")
    run(postgresql, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
    url = postgresql.url.set(username="reader", password="reader")

    with closing(Database(url.render_as_string(hide_password=False))) as database:
        start_again(database)

    assert rows(postgresql, TARGETS) == [("person", 100)]
    run(postgresql, "DROP OWNED BY reader", "DROP ROLE reader")


def test_maintenance_under_way_holds_no_start_up(postgresql: Database) -> None:
    run(postgresql, UNPINNED)

    with postgresql.engine.connect() as maintaining, maintaining.begin():
        maintaining.execute(sa.text("LOCK TABLE person IN SHARE UPDATE EXCLUSIVE MODE"))  # the lock of VACUUM
        start_again(postgresql)

    assert rows(postgresql, TARGETS) == [("person", 100)]
    start_again(postgresql)
    assert rows(postgresql, TARGETS) == [("person", 0)]
