"""A change of a workspace that no statistics know, against the same with fresh ones."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median
from unittest.mock import patch

import pytest
import sqlalchemy as sa

from tests.benchmarks.bulk_data import ViolationShares, fill_ready, vacuum
from tests.benchmarks.measurement import at_most, print_table, seconds
from tests.benchmarks.migrations.environments import NAME, Environment
from tests.benchmarks.migrations.processes import percentile_99, work, writers
from tests.postgres import DURABLE, own_postgres
from tests.sqlite import MODULES, sqlite_file
from tests.store.backends import sql_store, upgraded
from tests.store.fixtures import WorkspaceEnv, create, owner
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import OnConflict
from workspace_operator.migrations.state_machine import Stage
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.repositories import migrations
from workspace_operator.store.schema.tables import WORKSPACE_TABLES

PEOPLE = int(os.environ.get("WORKSPACE_OPERATOR_BENCH_UNCOUNTED", "60000"))
OTHERS = PEOPLE // 2
RUNS = 3
PAIRS = ViolationShares(sharing=2)
"""Half of them share an address with one other."""

MOST_RATIO = 1.5
LONGEST_WAIT_MS = 300
TITLES = [f"SQLite {module.partition('.')[0]}" for module in MODULES]
databases = pytest.mark.parametrize("title", [*TITLES, pytest.param("PostgreSQL", marks=pytest.mark.postgres)])


@contextmanager
def databases_of(title: str, folder: Path) -> Iterator[Database]:
    """A new database, which nobody counts but we."""
    if title in TITLES:
        with closing(sqlite_file(folder, MODULES[TITLES.index(title)])) as database:
            yield database
        return
    with (
        own_postgres(settings=DURABLE | {"autovacuum": "off"}) as server,
        closing(upgraded(server.create_database())) as database,
    ):
        yield database


def filled(database: Database) -> WorkspaceEnv:
    """Another tenant whom the statistics know, and the people whom they do not."""
    store = sql_store(database)
    other, large = (create(store, owner(name), mode=Mode.ID_ONLY, display_name=name) for name in ("other", NAME))
    fill_ready(database, other.workspace_id, OTHERS, PAIRS)
    fill_ready(database, large.workspace_id, PEOPLE, PAIRS, counting=False)
    return WorkspaceEnv(store=store, owner=owner(NAME), workspace_id=large.workspace_id)


def counted(database: Database) -> None:
    """Fresh statistics of everything, as they would be without the fixed ones."""
    if database.is_sqlite:
        vacuum(database)
        return
    unpinned = [f"ALTER TABLE {table.name} ALTER COLUMN workspace_id SET STATISTICS -1" for table in WORKSPACE_TABLES]
    database.writing(lambda connection: [connection.execute(sa.text(each)) for each in (*unpinned, "ANALYZE")])


def migration(title: str, folder: Path, on_conflict: OnConflict, *, fresh: bool) -> float:
    """Seconds of a whole change."""
    folder.mkdir()
    with databases_of(title, folder) as database:
        env = filled(database)
        if not fresh:
            return seconds(lambda: end(env, on_conflict))
        counted(database)
        with patch.object(migrations, "ensure_pinned"):
            return seconds(lambda: end(env, on_conflict))


def end(env: WorkspaceEnv, on_conflict: OnConflict) -> None:
    env.request(on_conflict=on_conflict)
    while env.work():
        pass
    assert env.stage is (Stage.COMPLETED if on_conflict is OnConflict.MERGE else Stage.BLOCKED)


@pytest.mark.bench
@databases
@pytest.mark.parametrize("on_conflict", OnConflict)
def test_migration_that_no_statistics_know(title: str, on_conflict: OnConflict, tmp_path: Path) -> None:
    pairs = [
        tuple(migration(title, tmp_path / f"{run}{fresh}", on_conflict, fresh=fresh) for fresh in (True, False))
        for run in range(RUNS)
    ]

    ratio = median(lacking / fresh for fresh, lacking in pairs)
    print_table(
        f"{on_conflict}: {PEOPLE:,} people, half of them in pairs, in no statistics, {title}",
        [
            ("whole change, fresh statistics", "", f"{min(fresh for fresh, _ in pairs):.2f} s"),
            ("whole change, statistics without them", "", f"{min(lacking for _, lacking in pairs):.2f} s"),
            at_most("ratio, median of the pairs", ratio, MOST_RATIO),
        ],
    )


@pytest.mark.bench
@databases
@pytest.mark.parametrize("on_conflict", OnConflict)
def test_writers_beside_a_migration_that_no_statistics_know(
    title: str, on_conflict: OnConflict, tmp_path: Path
) -> None:
    with databases_of(title, tmp_path) as database:
        env = filled(database)
        url = database.url.render_as_string(hide_password=False)
        target = Environment(url=url, database=database, workspace_id=env.workspace_id, newest=title in TITLES[1:])
        with writers(target, PEOPLE) as beside:
            report = work(target, on_conflict)

    calls = beside.latencies(report.start, report.end)
    print_table(
        f"{on_conflict}: the same with 4 writers, {title}",
        [
            ("whole change", "", f"{report.seconds:.2f} s"),
            ("calls of writers, p99", "", f"{len(calls):,}, {1000 * percentile_99(calls):.0f} ms"),
            at_most("longest call, ms", 1000 * calls[-1], LONGEST_WAIT_MS, "{:.0f}"),
        ],
    )
