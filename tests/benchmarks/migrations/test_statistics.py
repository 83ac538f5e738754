"""A change of a workspace that no statistics know, against the same with fresh ones (issue 12, A3 and A4)."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median
from unittest.mock import patch

import pytest
import sqlalchemy as sa

from tests.benchmarks.crowds import Spoilt, fill_ready, vacuum
from tests.benchmarks.measuring import at_most, seconds, tell
from tests.benchmarks.migrations.grounds import NAME, Ground
from tests.benchmarks.migrations.processes import percentile_99, work, writers
from tests.postgres import DURABLE, own_postgres
from tests.sqlite import MODULES, sqlite_file
from tests.store.adapters import sql_store, upgraded
from tests.store.scenes import Scene, create, owner
from workspace_operator.identity.rules import Mode
from workspace_operator.migrations.records import OnConflict
from workspace_operator.migrations.stages import Stage
from workspace_operator.store import migrating
from workspace_operator.store.engines import Database
from workspace_operator.store.tables import PER_WORKSPACE

PEOPLE = int(os.environ.get("WORKSPACE_OPERATOR_BENCH_UNCOUNTED", "60000"))
OTHERS = PEOPLE // 2
RUNS = 3
PAIRS = Spoilt(sharing=2)
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


def filled(database: Database) -> Scene:
    """Another tenant whom the statistics know, and the people whom they do not."""
    store = sql_store(database)
    other, crowd = (create(store, owner(name), mode=Mode.ID_ONLY, display_name=name) for name in ("other", NAME))
    fill_ready(database, other.workspace_id, OTHERS, PAIRS)
    fill_ready(database, crowd.workspace_id, PEOPLE, PAIRS, counting=False)
    return Scene(store=store, owner=owner(NAME), workspace_id=crowd.workspace_id)


def counted(database: Database) -> None:
    """Fresh statistics of everything, as they would be without the fixed ones."""
    if database.is_sqlite:
        vacuum(database)
        return
    unpinned = [f"ALTER TABLE {table.name} ALTER COLUMN workspace_id SET STATISTICS -1" for table in PER_WORKSPACE]
    database.writing(lambda connection: [connection.execute(sa.text(each)) for each in (*unpinned, "ANALYZE")])


def change(title: str, folder: Path, on_conflict: OnConflict, *, fresh: bool) -> float:
    """Seconds of a whole change."""
    folder.mkdir()
    with databases_of(title, folder) as database:
        scene = filled(database)
        if not fresh:
            return seconds(lambda: end(scene, on_conflict))
        counted(database)
        with patch.object(migrating, "keep_pinned"):
            return seconds(lambda: end(scene, on_conflict))


def end(scene: Scene, on_conflict: OnConflict) -> None:
    scene.request(on_conflict=on_conflict)
    while scene.work():
        pass
    assert scene.stage is (Stage.COMPLETED if on_conflict is OnConflict.MERGE else Stage.BLOCKED)


@pytest.mark.bench
@databases
@pytest.mark.parametrize("on_conflict", OnConflict)
def test_change_that_no_statistics_know(title: str, on_conflict: OnConflict, tmp_path: Path) -> None:
    pairs = [
        tuple(change(title, tmp_path / f"{run}{fresh}", on_conflict, fresh=fresh) for fresh in (True, False))
        for run in range(RUNS)
    ]

    ratio = median(lacking / fresh for fresh, lacking in pairs)
    tell(
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
def test_writers_beside_a_change_that_no_statistics_know(title: str, on_conflict: OnConflict, tmp_path: Path) -> None:
    with databases_of(title, tmp_path) as database:
        scene = filled(database)
        url = database.url.render_as_string(hide_password=False)
        crowd = Ground(url=url, database=database, workspace_id=scene.workspace_id, newest=title in TITLES[1:])
        with writers(crowd, PEOPLE) as beside:
            told = work(crowd, on_conflict)

    calls = beside.latencies(told.start, told.end)
    tell(
        f"{on_conflict}: the same with 4 writers, {title}",
        [
            ("whole change", "", f"{told.seconds:.2f} s"),
            ("calls of writers, p99", "", f"{len(calls):,}, {1000 * percentile_99(calls):.0f} ms"),
            at_most("longest call, ms", 1000 * calls[-1], LONGEST_WAIT_MS, "{:.0f}"),
        ],
    )
