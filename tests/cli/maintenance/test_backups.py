"""``workspacectl database backup`` and ``restore``: whole, private, and never over something else."""

import json
import sqlite3
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import Crm, Run
from tests.cli.sending.outbox import opened_outbox
from tests.store.backends import sql_store, upgraded
from tests.store.fixtures import WorkspaceEnv
from tests.store.invariants import assert_sound
from workspace_operator.bootstrap import back_up
from workspace_operator.identity.values.rules import Mode
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.schema.upgrades import known_revisions

PEOPLE = "id,email\n1,ann@shop.example\n2,bob@shop.example\n"
HOLD_OPEN = """
import sqlite3, sys
connection = sqlite3.connect("store.db")
connection.execute("SELECT count(*) FROM person").fetchone()
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def backed_up(run: Run, crm: Crm) -> Path:
    """A backup of a database with two people and a root key."""
    crm(people=PEOPLE)
    assert run("sending", "make-key", "store.db.root-key").code == 0
    assert run("sending", "adopt-database", "--keep-waiting").code == 0
    assert run("database", "backup", "crm.backup").code == 0
    return Path("crm.backup")


def people(run: Run) -> int:
    count: int = json.loads(run("database", "status", "-o", "json").out)["people"]
    return count


def lose_database() -> None:
    for file in Path.cwd().glob("store.db*"):
        file.unlink()


@contextmanager
def used_by_another_process() -> Iterator[None]:
    command = [sys.executable, "-c", HOLD_OPEN]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        yield


def test_lost_database_comes_back_with_its_root_key(run: Run, backed_up: Path) -> None:
    key = Path("store.db.root-key").read_text()
    lose_database()

    restored = run("database", "restore", backed_up)

    assert (restored.code, people(run)) == (0, 2)
    assert Path("store.db.root-key").read_text() == key
    assert json.loads(run("database", "status", "-o", "json").out)["rootKey"] == "as the database"
    assert run("database", "check").code == 0


def test_only_the_owner_can_read_backup_and_restored_files(run: Run, backed_up: Path) -> None:
    lose_database()
    assert run("database", "restore", backed_up).code == 0

    modes = {file.name: file.stat().st_mode & 0o777 for file in Path.cwd().iterdir() if "store" in file.name}

    assert backed_up.stat().st_mode & 0o777 == 0o600
    assert set(modes.values()) == {0o600}


def test_backup_is_an_archive_with_digests(backed_up: Path) -> None:
    with tarfile.open(backed_up) as archive:
        names = archive.getnames()
        manifest = json.load(archive.extractfile("backup.json"))  # type: ignore[arg-type]

    assert names == ["workspaces.db", "root-key", "backup.json"]
    assert manifest["sha256"].keys() == {"workspaces.db", "root-key"}
    assert manifest["revision"] == known_revisions()[-1]


def test_no_file_is_overwritten_by_a_backup(run: Run, crm: Crm) -> None:
    crm(people=PEOPLE)
    Path("notes").write_text("important")

    refused = run("database", "backup", "notes")

    assert refused.failure.startswith("error: notes exists")
    assert Path("notes").read_text() == "important"


@pytest.mark.usefixtures("backed_up")
def test_backup_needs_the_root_key_of_the_database(run: Run) -> None:
    Path("store.db.root-key").rename("kept")
    assert run("sending", "make-key", "other").code == 0

    missing = run("database", "backup", "again.backup")
    other = run("database", "backup", "again.backup", "--root-key-file", "other")
    without = run("database", "backup", "without.backup", "--without-root-key")

    assert "the root key of the database was not found" in missing.error
    assert "the root key is not that of the database" in other.error
    assert not Path("again.backup").exists()
    assert without.code == 0
    lose_database()
    assert "the backup has no root key" in run("database", "restore", "without.backup").err


@pytest.mark.usefixtures("backed_up")
def test_backup_in_a_pod_finds_the_mounted_root_key(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mounted = tmp_path / "mounted" / "root-key"
    mounted.parent.mkdir()
    Path("store.db.root-key").rename(mounted)
    monkeypatch.setenv("WORKSPACE_OPERATOR_ROOT_KEY_FILE", str(mounted))

    done = run("database", "backup", "again.backup")

    assert done.code == 0
    assert json.loads(run("database", "status", "-o", "json").out)["rootKey"] == "as the database"
    with tarfile.open("again.backup") as archive:
        assert "root-key" in archive.getnames()


def test_backups_of_a_database_in_use_are_consistent(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/busy.db"
    stopping = threading.Event()
    with closing(upgraded(url)) as database:
        env = WorkspaceEnv.create(sql_store(database), Mode.EMAIL_OR_ID)
        env.add("0")

        def write() -> None:
            number = 0
            while not stopping.is_set():
                number += 1
                env.add(str(number), f"p{number}@shop.example")

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for name in ("a", "b", "c"):
                back_up(url, tmp_path / name, key_file=None, with_key=True)
        finally:
            stopping.set()
            writer.join()
    for name in ("a", "b", "c"):
        with tarfile.open(tmp_path / name) as archive:
            archive.extract("workspaces.db", tmp_path / f"{name}.d", filter="data")
        with closing(Database(f"sqlite:///{tmp_path}/{name}.d/workspaces.db")) as copy:
            assert_sound(copy)
            with copy.reading() as connection:
                ids = set(connection.exec_driver_sql("SELECT id FROM person").scalars())
            assert ids == {str(number) for number in range(len(ids))}  # every write up to a moment, and none after


def test_database_in_use_is_not_replaced(run: Run, backed_up: Path) -> None:
    with used_by_another_process():
        refused = run("database", "restore", backed_up, "--replace", "--keep-waiting")

    assert "is in use: stop all processes" in refused.failure
    assert people(run) == 2
    assert run("database", "restore", backed_up, "--replace").code == 0


def test_database_in_place_is_replaced_only_on_request(run: Run, backed_up: Path) -> None:
    assert run("people", "delete", "1", "-w", "default/crm").code == 0

    refused = run("database", "restore", backed_up)
    assert people(run) == 1
    replaced = run("database", "restore", backed_up, "--replace")

    assert "add --replace" in refused.failure
    assert people(run) == 2
    [aside] = Path.cwd().glob("store.db.replaced-*")
    assert str(aside) in replaced.err
    with closing(sqlite3.connect(aside)) as earlier:
        assert earlier.execute("SELECT count(*) FROM person").fetchone() == (1,)


def test_another_database_with_workspaces_is_not_replaced(run: Run, crm: Crm, backed_up: Path) -> None:
    lose_database()
    crm()

    refused = run("database", "restore", backed_up, "--replace")

    assert "is a backup of the database" in refused.failure
    assert people(run) == 0


def test_empty_database_of_another_identity_is_replaced_on_request(run: Run, backed_up: Path) -> None:
    lose_database()
    assert run("database", "upgrade").code == 0

    refused = run("database", "restore", backed_up)
    replaced = run("database", "restore", backed_up, "--replace")

    assert "add --replace" in refused.failure
    assert (replaced.code, people(run)) == (0, 2)
    [aside] = Path.cwd().glob("store.db.replaced-*")
    assert str(aside) in replaced.err


def test_damaged_database_is_replaced(run: Run, backed_up: Path) -> None:
    Path("store.db").write_bytes(b"this is no database any more" * 500)
    Path("store.db-wal").write_bytes(b"nor a log" * 500)

    assert run("database", "restore", backed_up, "--replace").code == 0

    assert people(run) == 2
    assert run("database", "check").code == 0


def test_earlier_root_key_is_moved_aside(run: Run, backed_up: Path) -> None:
    Path("store.db.root-key").unlink()
    Path("store.db").unlink()
    assert run("sending", "make-key", "store.db.root-key").code == 0
    other = Path("store.db.root-key").read_text()

    refused = run("database", "restore", backed_up)
    assert run("database", "restore", backed_up, "--replace").code == 0

    assert "has another root key" in refused.failure
    assert [file.read_text() for file in Path.cwd().glob("store.db.root-key.replaced-*")] == [other]


@pytest.mark.parametrize("fraction", [0.0, 0.1, 0.5, 0.9, 0.97])
def test_changed_byte_is_noticed(run: Run, backed_up: Path, fraction: float) -> None:
    content = bytearray(backed_up.read_bytes())
    content[int(len(content) * fraction)] ^= 0x40
    backed_up.write_bytes(content)
    before = Path("store.db").read_bytes()

    refused = run("database", "restore", backed_up, "--replace")

    assert refused.code == 1
    assert "damaged" in refused.error or "not a backup" in refused.error
    assert Path("store.db").read_bytes() == before


@pytest.mark.parametrize("kept", [0, 100, 5000, -12_000])
def test_backup_that_was_cut_off_is_refused(run: Run, backed_up: Path, kept: int) -> None:
    backed_up.write_bytes(backed_up.read_bytes()[:kept])

    refused = run("database", "restore", backed_up, "--replace")

    assert "damaged, or was cut off" in refused.failure
    assert people(run) == 2


def test_other_archives_are_refused(run: Run, crm: Crm, tmp_path: Path) -> None:
    crm(people=PEOPLE)
    with tarfile.open("other.tar", "w") as archive:
        archive.add("crm.yaml", "../crm.yaml")

    refused = run("database", "restore", "other.tar", "--replace")

    assert "is not a backup of workspacectl" in refused.failure
    assert not (tmp_path.parent / "crm.yaml").exists()


def test_backup_of_a_newer_schema_is_refused(run: Run, backed_up: Path) -> None:
    with closing(sqlite3.connect("store.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    refused_backup = run("database", "backup", "newer.backup")

    assert "back it up with the version of workspacectl that made it" in refused_backup.failure
    assert backed_up.exists()


def test_older_schema_is_backed_up_and_restored(run: Run, crm: Crm) -> None:
    crm(people=PEOPLE)
    with closing(sqlite3.connect("store.db")) as connection, connection:
        connection.execute(f"UPDATE alembic_version SET version_num = '{known_revisions()[0]}'")
    assert run("database", "backup", "older.backup").code == 0
    lose_database()

    assert "upgrades it" in run("database", "restore", "older.backup").err
    assert run("database", "status").code == 2


@pytest.mark.parametrize(("option", "state"), [("--discard-waiting", "cancelled"), ("--keep-waiting", "waiting")])
def test_messages_that_wait_are_decided_on(run: Run, crm: Crm, option: str, state: str) -> None:
    crm("EmailOrID", "email,id\nada@example.com,1\n")
    with opened_outbox() as outbox:
        delivery_id = outbox.accept()
    assert run("database", "backup", "crm.backup").code == 0
    lose_database()

    undecided = run("database", "restore", "crm.backup")
    decided = run("database", "restore", "crm.backup", option)

    assert "1 message waits in the backup" in undecided.failure
    assert decided.code == 0
    [message] = json.loads(run("messages", "list", "-w", "default/crm", "-o", "json").out)
    assert (message["delivery_id"], message["state"]) == (delivery_id, state)


def test_notices_that_wait_are_decided_on(run: Run, crm: Crm) -> None:
    crm("EmailOrID", "email,id\nada@example.com,1\n")
    with closing(sqlite3.connect("store.db")) as connection, connection:
        connection.execute(
            "INSERT INTO notice (workspace_id, kind, subject, created_at, due_at, state, details) "
            "VALUES (1, 'MigrationBlocked', '1', 0, 0, 'waiting', '{}')"
        )
    assert run("database", "backup", "crm.backup").code == 0
    lose_database()

    undecided = run("database", "restore", "crm.backup")
    decided = run("database", "restore", "crm.backup", "--discard-waiting")

    assert "1 message waits in the backup" in undecided.failure
    assert decided.code == 0
    with closing(sqlite3.connect("store.db")) as connection:
        assert connection.execute("SELECT state, due_at FROM notice").fetchall() == [("failed", None)]


def test_backup_through_a_pipe_is_restored(run: Run, backed_up: Path, tmp_path: Path) -> None:
    program = [sys.executable, "-m", "workspace_operator", "database"]
    piped = subprocess.run([*program, "backup", "-"], capture_output=True, check=True).stdout
    target = ("--database", f"sqlite:///{tmp_path}/elsewhere/copy.db")

    subprocess.run([*program, "restore", "-", *target], input=piped, check=True)

    assert json.loads(run("database", "status", "-o", "json", *target).out)["people"] == 2
    assert backed_up.exists()


@pytest.mark.parametrize(("command", "instead"), [("backup", "pg_dump"), ("restore", "pg_restore")])
def test_servers_have_commands_of_their_own(run: Run, command: str, instead: str) -> None:
    Path("file.backup").touch()
    name = "new.backup" if command == "backup" else "file.backup"

    refused = run("database", command, name, "--database", "postgresql://localhost/shop")

    assert instead in refused.failure
    assert "root key file" in refused.failure


@pytest.mark.parametrize("command", ["backup", "restore"])
def test_missing_files_are_errors(run: Run, tmp_path: Path, command: str) -> None:
    assert run("database", command, "missing.backup").code == 1

    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == []
