"""Distribution over Citus, on a double of it: all tables once, in any number of steps, and nothing half-way is used."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from types import MappingProxyType

import pytest
import sqlalchemy as sa

from tests.postgres import Postgres
from tests.store.backends import sql_store, upgraded
from tests.store.citus import install_citus
from tests.store.fixtures import WorkspaceEnv
from tests.threads import run_together
from workspace_operator.application.ports import PlacedTable
from workspace_operator.errors import InvalidInput, UnsupportedSchema
from workspace_operator.identity.values.rules import Mode
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.maintenance.distribution import SQLDistribution
from workspace_operator.store.maintenance.inspections import SQLInspection
from workspace_operator.store.schema import distribution, upgrades
from workspace_operator.store.schema.distribution import Placement, read_distribution
from workspace_operator.store.schema.sending_tables import mailroom
from workspace_operator.store.schema.tables import DIRECTORY_TABLES, WORKSPACE_TABLES
from workspace_operator.store.schema.upgrades import has_current_schema, known_revisions, upgrade

pytestmark = pytest.mark.postgres

SHARDS = {table.name for table in WORKSPACE_TABLES}
REFERENCES = {table.name for table in DIRECTORY_TABLES} - {mailroom.name}


@pytest.fixture
def citus(postgres_url: str) -> Iterator[Database]:
    """An empty database of Citus, without tables."""
    install_citus(postgres_url)
    with closing(Database(postgres_url)) as database:
        yield database


@pytest.fixture
def distributed(citus: Database) -> Database:
    distribute(citus)
    return citus


def distribute(database: Database, shards: int | None = None) -> list[PlacedTable]:
    return list(SQLDistribution(database).distribute(shards=shards, default_shards=32))


def placements(database: Database) -> dict[Placement, set[str]]:
    with database.reading() as connection:
        found = read_distribution(connection)
    assert found is not None
    return {each: {name for name, place in found.placements.items() if place is each} for each in Placement}


def execute(database: Database, *statements: str) -> None:
    for statement in statements:
        database.writing(lambda connection, statement=statement: connection.exec_driver_sql(statement))  # type: ignore[misc]


def test_all_tables_are_distributed(citus: Database) -> None:
    placed = distribute(citus, shards=48)

    assert {table.name for table in placed} == SHARDS | REFERENCES
    assert placements(citus) == {
        Placement.SHARDS: SHARDS,
        Placement.REFERENCE: REFERENCES,
        Placement.COORDINATOR: {mailroom.name},
        Placement.OTHER: set(),
    }
    assert SQLDistribution(citus).shards() == 48
    assert has_current_schema(citus)


def test_distributed_database_is_left_as_it_is(distributed: Database) -> None:
    assert distribute(distributed) == []
    assert distribute(distributed, shards=32) == []


def test_number_of_shards_is_not_changed(distributed: Database) -> None:
    with pytest.raises(InvalidInput, match=r"have 32 shards already.*alter_distributed_table"):
        distribute(distributed, shards=64)


def test_people_are_moved_without_a_hidden_copy(citus: Database) -> None:
    upgrade(citus)
    env = WorkspaceEnv.create(sql_store(citus), Mode.EMAIL_OR_ID)
    env.identify_person(id="1", body={"plan": "a"})

    distribute(citus)

    assert env.find(id="1") is not None
    with citus.reading() as connection:
        moved = set(connection.exec_driver_sql("SELECT CAST(relation AS text) FROM truncated_copies").scalars())
    assert {"workspace", "workspace_lock", "person", "identifier", "activity"} <= moved
    assert "delivery" not in moved


def test_interrupted_distribution_is_continued(citus: Database) -> None:
    steps = SQLDistribution(citus).distribute(shards=16, default_shards=32)
    first = list(islice(steps, len(REFERENCES) + 3))

    rest = distribute(citus)

    assert {table.name for table in first} | {table.name for table in rest} == SHARDS | REFERENCES
    assert not {table.name for table in first} & {table.name for table in rest}
    assert SQLDistribution(citus).shards() == 16


def test_distributions_may_come_at_once(citus: Database) -> None:
    url = citus.url.render_as_string(hide_password=False)

    def run() -> list[PlacedTable]:
        with closing(Database(url)) as database:
            return distribute(database)

    placed = [table.name for each in run_together(*[run] * 3) for table in each]

    assert sorted(placed) == sorted(SHARDS | REFERENCES)


def test_database_without_citus_is_refused_as_it_is(postgres_url: str) -> None:
    with closing(Database(postgres_url)) as database:
        with pytest.raises(InvalidInput, match="is not one of Citus: create the extension with"):
            distribute(database)

        assert not has_current_schema(database)


def test_sqlite_is_refused(tmp_path: Path) -> None:
    with (
        closing(Database(f"sqlite:///{tmp_path}/store.db")) as database,
        pytest.raises(InvalidInput, match="is a SQLite file, which is not distributed"),
    ):
        distribute(database)

    assert not list(tmp_path.iterdir())


def test_citus_whose_tables_are_not_distributed_is_used_as_it_is(citus: Database) -> None:
    upgrade(citus)

    assert upgrade(citus) is False
    assert has_current_schema(citus)
    assert SQLInspection(citus).describe().distribution is not None
    assert list(SQLInspection(citus).check()) == []


TWO = "WHERE logicalrelid IN ('delivery'::regclass, 'notice'::regclass)"
FORGET = f"DELETE FROM pg_dist_partition {TWO}"
KEEP = f"UPDATE pg_dist_partition SET partmethod = 'n', repmodel = 's', colocationid = 0, partkey = NULL {TWO}"


@pytest.mark.parametrize("undo", [FORGET, KEEP])
def test_database_that_is_distributed_in_part_is_refused_by_name(distributed: Database, undo: str) -> None:
    execute(distributed, undo)
    remedy = "distributed in part: notice, delivery on the coordinator only.*run `workspacectl database distribute`"

    for use in (upgrade, has_current_schema):
        with pytest.raises(UnsupportedSchema, match=remedy):
            use(distributed)
    state = SQLInspection(distributed).describe().distribution
    [finding] = SQLInspection(distributed).check()

    assert state is not None
    assert state.problem is not None
    assert state.problem in finding.remedy
    assert {table.name for table in distribute(distributed)} == {"notice", "delivery"}
    assert upgrade(distributed) is False


@pytest.mark.parametrize(
    "change",
    [
        "partkey = 'cio_id' WHERE logicalrelid = 'person'::regclass",
        "colocationid = 99 WHERE logicalrelid = 'person'::regclass",
        "partmethod = 'n', repmodel = 't' WHERE logicalrelid = 'person'::regclass",
        # A table of a schema that is distributed as a whole.
        "partmethod = 'n', repmodel = 's' WHERE logicalrelid = 'person'::regclass",
    ],
)
def test_table_that_is_distributed_otherwise_is_refused_by_name(distributed: Database, change: str) -> None:
    execute(distributed, f"UPDATE pg_dist_partition SET {change}")
    remedy = r"in another way than by workspace_id: person\..*undistribute_table"

    for use in (upgrade, has_current_schema, distribute):
        with pytest.raises(UnsupportedSchema, match=remedy):
            use(distributed)
    [finding] = SQLInspection(distributed).check()

    assert "undistribute_table" in finding.remedy


def test_mailroom_that_is_distributed_is_refused(distributed: Database) -> None:
    """Citus would lock the mailrooms of all workspaces together."""
    execute(distributed, "SELECT create_reference_table('mailroom')")

    with pytest.raises(UnsupportedSchema, match="in another way than by workspace_id: mailroom"):
        upgrade(distributed)


NEWEST = known_revisions()[-1]
NEW_TABLE = f"""
import sqlalchemy as sa
from alembic import op

revision = "9000"
down_revision = "{NEWEST}"


def upgrade():
    workspace = sa.Column("workspace_id", sa.BigInteger(), primary_key=True, autoincrement=False)
    op.create_table("note", workspace, sa.Column("number", sa.BigInteger(), primary_key=True, autoincrement=False))
"""


@pytest.fixture
def later_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Add a revision with a table of people."""

    def add() -> None:
        copy = tmp_path / "revisions"
        shutil.copytree(upgrades.REVISIONS, copy)
        (copy / "versions" / "9000_notes.py").write_text(NEW_TABLE)
        monkeypatch.setattr(upgrades, "REVISIONS", copy)
        wanted = MappingProxyType({**distribution._WANTED, "note": Placement.SHARDS})
        monkeypatch.setattr(distribution, "_WANTED", wanted)

    return add


def test_table_of_a_later_revision_is_distributed_by_the_upgrade(
    distributed: Database, later_revision: Callable[[], None]
) -> None:
    later_revision()

    assert upgrade(distributed) is True

    assert "note" in placements(distributed)[Placement.SHARDS]
    assert upgrade(distributed) is False


def test_upgrade_leaves_tables_alone_that_were_not_distributed(
    citus: Database, later_revision: Callable[[], None]
) -> None:
    upgrade(citus)
    later_revision()

    upgrade(citus)

    assert placements(citus)[Placement.SHARDS] == set()


def test_distribution_in_part_of_an_older_schema_is_finished(
    distributed: Database, later_revision: Callable[[], None]
) -> None:
    execute(distributed, FORGET)
    later_revision()
    with pytest.raises(UnsupportedSchema, match="in part: notice, delivery on the coordinator"):
        upgrade(distributed)

    placed = distribute(distributed)

    assert {table.name for table in placed} == {"notice", "delivery", "note"}


def test_failed_distribution_of_a_new_table_undoes_the_upgrade(
    distributed: Database, later_revision: Callable[[], None]
) -> None:
    later_revision()
    execute(distributed, "DROP FUNCTION create_distributed_table")

    with pytest.raises(sa.exc.ProgrammingError):
        upgrade(distributed)

    with distributed.reading() as connection:
        assert not sa.inspect(connection).has_table("note")


def test_role_waits_for_locks_as_briefly_on_all_machines(distributed: Database) -> None:
    assert SQLDistribution(distributed).limit_role() is None

    with distributed._statement_engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW lock_timeout").scalar_one() == "10s"


def test_role_that_may_not_be_changed_needs_an_administrator(distributed: Database) -> None:
    @sa.event.listens_for(distributed._writing_engine, "before_cursor_execute", retval=True)
    def refuse(_c: object, _cursor: object, statement: str, parameters: object, *_: object) -> tuple[str, object]:
        refusal = "DO $$ BEGIN RAISE insufficient_privilege; END $$"
        return (refusal if statement.startswith("ALTER ROLE") else statement), parameters

    statement = SQLDistribution(distributed).limit_role()

    assert statement == f"ALTER ROLE postgres IN DATABASE {distributed.url.database} SET lock_timeout = '10s'"


def test_plain_database_is_not_asked_for_its_distribution(postgres: Postgres) -> None:
    with postgres.database() as url, closing(upgraded(url)) as database:
        texts: list[str] = []
        sa.event.listen(database.engine, "before_cursor_execute", lambda *args: texts.append(args[2]))

        upgrade(database)
        has_current_schema(database)

    assert texts
    assert not any("pg_dist" in text for text in texts)
