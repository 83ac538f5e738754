"""The check of a database finds each kind of damage, and nothing in a sound one."""

import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.store.backends import sql_store, upgraded
from tests.store.fixtures import WorkspaceEnv
from tests.store.sending_builders import accept
from workspace_operator.application.ports import Finding
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.rules import Mode
from workspace_operator.migrations.model import OnConflict
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.maintenance import integrity
from workspace_operator.store.maintenance.invariants import INVARIANTS
from workspace_operator.store.schema.tables import WORKSPACE_TABLES

ANN = "(SELECT cio_id FROM person WHERE id = '1')"
NEW_IDENTIFIER = "INSERT INTO identifier (workspace_id, kind, value_key, cio_id) VALUES"
NEW_ATTACHMENT = "INSERT INTO attachment (workspace_id, delivery_id, position, name, media_type, content) VALUES"
NEW_ATTEMPT = """INSERT INTO attempt (workspace_id, delivery_id, number, begun_at, deadline, send_version, mode,
transport, worker, recipients, ended_at) VALUES (1, 'none', 1, 0, 0, 1, 'Normal', 'd', 'w', 1, 1)"""
NEW_NOTICE = """INSERT INTO notice (workspace_id, kind, subject, created_at, state, details)
VALUES (9, 'k', '1', 0, 'sent', '{}')"""
NEW_MEMBER = """INSERT INTO account_member (account_id, email_key, email, role, workspaces)
VALUES (9, 'a', 'a', 'Viewer', '[]')"""
DAMAGE: Mapping[str, Sequence[str]] = {
    "store-identity": ("DELETE FROM store_identity",),
    "ids-missing": ("DELETE FROM identifier WHERE kind = 1 AND value_key = '1'",),
    "emails-missing": ("DELETE FROM identifier WHERE kind = 2 AND value_key = 'ann@shop.example'",),
    "ids-of-others": (f"{NEW_IDENTIFIER} (1, 1, 'x', 'nobody')",),
    "emails-of-others": (
        "INSERT INTO identifier (workspace_id, kind, value_key, cio_id) VALUES (1, 2, 'x', 'nobody')",
    ),
    "emails-shared": ("UPDATE person SET email_key = 'ann@shop.example' WHERE id = '2'",),
    "suppressed-in-use": (
        "INSERT INTO suppression (workspace_id, kind, value_key, suppression_id) VALUES (1, 1, '1', 's')",
    ),
    "migrations-open": (
        "UPDATE migration SET stage = 'Requested'",
        "CREATE TEMPORARY TABLE copied AS SELECT * FROM migration",
        "UPDATE copied SET number = number + 1",
        "INSERT INTO migration SELECT * FROM copied",
        "DROP TABLE copied",
    ),
    "modes": ("UPDATE workspace SET mode = 'EmailOnly'",),
    "merges-pending": ("UPDATE workspace SET merges_pending = true",),
    "credentials-newest": tuple(
        "INSERT INTO credential (workspace_id, number, site_id_digest, api_key_digest, app_key_digest, created_at, "
        f"request) VALUES (1, {number}, '{number}', '', '{number}', 0, '')"
        for number in (1, 2)
    ),
    "workspace-locks": ("DELETE FROM workspace_lock WHERE slot = 3",),
    "merged-people": (f"UPDATE merge SET secondary_cio_id = {ANN}",),
    "events-repeated": (
        "DROP INDEX ix_activity_event",
        "UPDATE activity SET event_id = 'e'",
    ),
    "orphans-activity-person": ("UPDATE activity SET cio_id = 'nobody', type = 1",),
    "orphans-device-person": (
        "INSERT INTO device (workspace_id, cio_id, token, platform, attributes) VALUES (1, 'nobody', 't', 'ios', '{}')",
    ),
    "orphans-membership-person": ("INSERT INTO membership (workspace_id, segment, cio_id) VALUES (1, 1, 'nobody')",),
    "orphans-merge-person": ("UPDATE merge SET holder = 'nobody'",),
    "orphans-delivery-person": ("UPDATE delivery SET cio_id = 'nobody'",),
    "orphans-delivery_content-delivery": ("UPDATE delivery_content SET delivery_id = 'none'",),
    "orphans-attachment-delivery": (f"{NEW_ATTACHMENT} (1, 'none', 0, 'a', 'text/plain', 'x')",),
    "orphans-attempt-delivery": (NEW_ATTEMPT,),
    "orphans-notice": (NEW_NOTICE,),
    "orphans-account_admin": ("INSERT INTO account_admin (account_id, email_key, email) VALUES (9, 'a', 'a')",),
    "orphans-account_member": (NEW_MEMBER,),
}

OF_WORKSPACES = (
    *(table.name for table in WORKSPACE_TABLES),
    "migration",
    "cleanup",
    "import_job",
    "credential",
    "mailroom",
    "notice",
)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(upgraded(f"sqlite:///{tmp_path}/store.db")) as database:
        yield database


@pytest.fixture
def env(database: Database) -> WorkspaceEnv:
    """Ann, Bob, a merge, a migration that has ended, and a message that waits."""
    env = WorkspaceEnv.create(sql_store(database), Mode.ID_ONLY)
    env.add("1", "ann@shop.example")
    env.add("2", "bob@shop.example")
    env.add("3", "bob@shop.example")
    env.migrate_to(Mode.EMAIL_OR_ID, OnConflict.MERGE)
    env.work()
    accept(env)
    return env


def damage(database: Database, statements: Sequence[str]) -> None:
    def work(connection: sa.Connection) -> None:
        for statement in statements:
            connection.exec_driver_sql(statement)

    database.writing(work)


def findings(database: Database) -> Mapping[str, Finding]:
    return {finding.check: finding for finding in integrity.check(database)}


def test_sound_database_has_no_findings(env: WorkspaceEnv) -> None:
    assert findings(env.store.sql_database) == {}


@pytest.mark.parametrize("check", DAMAGE)
def test_damage_is_found(env: WorkspaceEnv, check: str) -> None:
    database = env.store.sql_database
    assert env.workspace_id == 1
    damage(database, DAMAGE[check])

    found = findings(database)[check]

    assert found.count >= 1
    assert found.meaning
    assert found.remedy
    assert "@" not in "".join(found.samples)


def test_rows_without_workspace_are_found(env: WorkspaceEnv) -> None:
    database = env.store.sql_database
    damage(database, ("DELETE FROM workspace",))

    found = findings(database)

    with database.reading() as connection:
        counts = {
            name: connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one() for name in OF_WORKSPACES
        }
    assert {name for name in OF_WORKSPACES if f"orphans-{name}" in found} == {name for name in counts if counts[name]}
    assert {"person", "identifier", "delivery", "migration", "mailroom"} <= {name for name in counts if counts[name]}


def test_every_invariant_has_damage_that_breaks_it() -> None:
    of_tables = {f"orphans-{name}" for name in OF_WORKSPACES}

    assert DAMAGE.keys() | of_tables == {invariant.check for invariant in INVARIANTS}


OF_FEW_ROWS = frozenset({"migration", "workspace_lock"})
STATISTICS: Mapping[str, Sequence[str]] = {
    "pinned": (),
    "none": ("DELETE FROM sqlite_stat1",),
    # What ANALYZE writes of one workspace that has merged nobody yet.
    "one workspace": (
        "DELETE FROM sqlite_stat1",
        "INSERT INTO sqlite_stat1 VALUES ('person', 'person', '20000 20000 1')",
        "INSERT INTO sqlite_stat1 VALUES ('person', 'ix_person_email', '20000 20000 2 1')",
    ),
}


@pytest.mark.parametrize("statistics", STATISTICS)
def test_no_check_compares_all_rows_with_all_rows(statistics: str, tmp_path: Path) -> None:
    file = tmp_path / "store.db"
    upgraded(f"sqlite:///{file}").close()
    with closing(sqlite3.connect(file)) as connection, connection:
        for statement in STATISTICS[statistics]:
            connection.execute(statement)

    with closing(sqlite3.connect(file)) as connection:
        searches = [
            (invariant.check, table, step)
            for invariant in INVARIANTS
            for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {invariant.violations}")
            if (table := searched_by_workspace_only(invariant.violations, step)) is not None
        ]

    assert {table for _, table, _ in searches} == OF_FEW_ROWS, searches


def searched_by_workspace_only(query: str, step: str) -> str | None:
    """The table of which a step of a plan reads all rows of a workspace for each row of another one."""
    aliases = {alias: table for table, alias in re.findall(r"(?:FROM|JOIN) (\w+) ([a-z])\b", query)}
    found = re.match(r"SEARCH (\w+) USING .*\(workspace_id=\?\)$", step)
    return None if found is None else aliases[found[1]]


def test_violations_are_counted_and_few_are_shown(env: WorkspaceEnv) -> None:
    env.add_many({f"more-{number}": None for number in range(20)})
    damage(env.store.sql_database, ("DELETE FROM identifier WHERE value_key LIKE 'more-%'",))

    found = findings(env.store.sql_database)["ids-missing"]

    assert found.count == 20
    assert len(found.samples) == integrity.SAMPLES


def test_damaged_file_is_found(env: WorkspaceEnv, tmp_path: Path) -> None:
    env.add_many({f"more-{number}": f"p{number}@shop.example" for number in range(2000)})
    env.store.sql_database.close()
    content = bytearray((tmp_path / "store.db").read_bytes())
    for page in range(20, len(content) // 4096):
        content[page * 4096 : page * 4096 + 8] = bytes(8)
    copy = tmp_path / "damaged.db"
    copy.write_bytes(content)

    with closing(Database(f"sqlite:///{copy}", read_only=True)) as damaged:
        found = findings(damaged)

    assert list(found) == ["file"]
    assert "restore a backup" in found["file"].remedy


def test_file_of_another_kind_is_found(tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_text("these are notes, and no database at all, " * 100)

    with closing(Database(f"sqlite:///{tmp_path}/notes.db", read_only=True)) as other:
        found = findings(other)

    assert found["file"].samples == ("file is not a database",)


def test_database_without_schema_cannot_be_checked(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()

    with closing(Database(f"sqlite:///{tmp_path}/empty.db", read_only=True)) as empty, pytest.raises(InvalidInput):
        findings(empty)


def test_running_migration_is_sound(env: WorkspaceEnv) -> None:
    env.migrate_to(Mode.ID_ONLY)
    env.add("4", "ann@shop.example")
    env.migrate_to(Mode.EMAIL_OR_ID)

    assert findings(env.store.sql_database) == {}


def test_deleted_people_leave_nothing_behind(env: WorkspaceEnv) -> None:
    accept(env, reference=env.reference(id="2"))
    env.suppress(email="ann@shop.example")
    env.delete(id="2")

    assert findings(env.store.sql_database) == {}


def test_every_kind_of_database_is_checked(sql_env: WorkspaceEnv) -> None:
    sql_env.add("1", "ann@shop.example")
    database = sql_env.store.sql_database
    assert list(integrity.check_rows(database)) == []
    damage(database, ("DELETE FROM identifier",))

    found = {finding.check for finding in integrity.check_rows(database)}

    assert found == {"ids-missing"}
