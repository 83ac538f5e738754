"""The file of a SQLite database: detection of replacement, and errors if unwritable."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.store.backends import sql_store, upgraded
from tests.store.fixtures import WorkspaceEnv
from workspace_operator.errors import InvalidInput, LockTimeout, StoreRefused, StoreUnavailable
from workspace_operator.identity.model.results import Effect
from workspace_operator.identity.values.rules import Mode
from workspace_operator.store.engine import databases
from workspace_operator.store.engine.databases import MAX_LOCK_ATTEMPTS, Database
from workspace_operator.store.engine.sqlite import DatabaseFile, create_file
from workspace_operator.store.schema.upgrades import upgrade

ROOT = Path(__file__).parents[3]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def env(path: Path) -> Iterator[WorkspaceEnv]:
    """A database in use, with content in the WAL."""
    upgraded(f"sqlite:///{path}").close()
    with closing(Database(f"sqlite:///{path}", prepare=upgrade)) as database:
        env = WorkspaceEnv.create(sql_store(database), Mode.EMAIL_OR_ID)
        env.identify_person(id="1")
        yield env


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """Another database of this program."""
    path = tmp_path / "other.db"
    database = upgraded(f"sqlite:///{path}")
    WorkspaceEnv.create(sql_store(database), Mode.EMAIL_OR_ID)
    database.close()
    return path


def moved(path: Path, _other: Path) -> None:
    path.rename(path.with_suffix(".moved"))


def removed(path: Path, _other: Path) -> None:
    path.unlink()


def replaced(path: Path, other: Path) -> None:
    other.replace(path)


def written_over(path: Path, other: Path) -> None:
    shutil.copyfile(other, path)


def emptied(path: Path, _other: Path) -> None:
    os.truncate(path, 0)


def cut_short(path: Path, _other: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def overwritten(path: Path, _other: Path) -> None:
    path.write_bytes(b"no database" * path.stat().st_size)


Lose = Callable[[Path, Path], None]
LOSSES: dict[Lose, str] = {
    moved: "moved away or removed",
    removed: "moved away or removed",
    replaced: "replaced",
    written_over: "replaced",
    emptied: "truncated",
    cut_short: "truncated",
    overwritten: "replaced",
}


@pytest.mark.parametrize("lose", LOSSES)
def test_file_that_is_another_one_is_noticed(env: WorkspaceEnv, path: Path, other: Path, lose: Lose) -> None:
    lose(path, other)

    with pytest.raises(StoreRefused, match=LOSSES[lose]):
        env.identify_person(id="2")
    with pytest.raises(StoreRefused, match=LOSSES[lose]):
        env.store.people.count(env.workspace_id)
    with pytest.raises(StoreRefused, match=r"stop all processes first"):
        env.store.write_path.check_writable()


def test_file_that_comes_back_is_used(env: WorkspaceEnv, path: Path, other: Path) -> None:
    moved(path, other)
    with pytest.raises(StoreRefused):
        env.identify_person(id="2")

    path.with_suffix(".moved").rename(path)

    assert env.identify_person(id="2").effect is Effect.CREATED


def test_new_connections_do_not_take_the_other_file(env: WorkspaceEnv, path: Path, other: Path) -> None:
    replaced(path, other)
    env.store.sql_database.engine.dispose()

    with pytest.raises(StoreRefused, match="replaced"):
        env.identify_person(id="2")


def test_work_of_other_programs_is_no_loss(env: WorkspaceEnv, path: Path) -> None:
    env.add_many({str(number): f"{number}@example.com" for number in range(2000)})
    env.store.people.count(env.workspace_id)
    with closing(sqlite3.connect(path, isolation_level=None)) as tool:
        tool.execute("DELETE FROM person")
        tool.execute("DELETE FROM identifier")
        tool.execute("VACUUM")
        tool.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size = path.stat().st_size

    assert env.identify_person(id="new").effect is Effect.CREATED
    assert path.stat().st_size <= size


def test_mark_stays(path: Path) -> None:
    marks = []
    for _ in range(2):
        upgraded(f"sqlite:///{path}").close()
        marks.append(path.read_bytes()[68:72])

    assert marks[0] == marks[1] != bytes(4)


def test_file_and_folder_are_made_for_their_user_only(tmp_path: Path) -> None:
    create_file(tmp_path / "new" / "folder" / "store.db")

    assert (tmp_path / "new" / "folder").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "new" / "folder" / "store.db").stat().st_mode & 0o777 == 0o600


BOUND_BY_MODES = """
import ctypes, os, sys
for capability in (1, 2):  # to override the modes of files, and of folders
    ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)  # only for this process
os.execv(sys.executable, [sys.executable, "-m", "workspace_operator", *sys.argv[1:]])
"""
"""A command that respects file modes, although root runs it."""


def bound_by_modes(*arguments: str) -> subprocess.CompletedProcess[str]:
    """``workspacectl``, run without privileges."""
    command = [sys.executable, "-c", BOUND_BY_MODES, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "operator")}
    return subprocess.run(command, env=environment, capture_output=True, text=True)


MANIFEST = """\
apiVersion: workspace-operator.dev/v1alpha1
kind: Workspace
metadata: {name: crm}
spec: {displayName: CRM}
"""
"""Arguments of `apply` and `plan`."""


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Path]:
    """A folder with a database and a manifest in it."""
    folder = tmp_path / "shared"
    folder.mkdir()
    upgraded(f"sqlite:///{folder}/store.db").close()
    (folder / "crm.yaml").write_text(MANIFEST)
    yield folder
    folder.chmod(0o755)


@pytest.mark.parametrize(("folder_mode", "file_mode"), [(0o555, 0o444), (0o777, 0o444), (0o555, 0o666)])
def test_database_that_is_read_only_is_reported(shared: Path, folder_mode: int, file_mode: int) -> None:
    (shared / "store.db").chmod(file_mode)
    shared.chmod(folder_mode)

    done = bound_by_modes("apply", "-f", f"{shared}/crm.yaml", "--database", f"sqlite:///{shared}/store.db")

    assert done.returncode == 1
    assert f"error: the database {shared}/store.db cannot be written: " in done.stderr
    assert done.stderr.count("\n") == 1


def test_commands_that_only_read_need_no_more(shared: Path) -> None:
    (shared / "store.db").chmod(0o444)
    shared.chmod(0o777)

    done = bound_by_modes("workspaces", "list", "--database", f"sqlite:///{shared}/store.db")

    assert (done.returncode, done.stderr) == (0, "")


def test_plan_needs_to_read_only(shared: Path) -> None:
    (shared / "store.db").chmod(0o444)
    shared.chmod(0o777)

    done = bound_by_modes("plan", "-f", f"{shared}/crm.yaml", "--database", f"sqlite:///{shared}/store.db")

    assert (done.returncode, done.stderr) == (2, "")


def test_plan_says_what_it_needs(shared: Path) -> None:
    (shared / "store.db").chmod(0o444)
    shared.chmod(0o555)

    done = bound_by_modes("plan", "-f", f"{shared}/crm.yaml", "--database", f"sqlite:///{shared}/store.db")

    assert done.returncode == 1
    assert "cannot be opened: its folder must exist and be writable, for the files -wal and -shm" in done.stderr


def test_file_that_cannot_be_created_is_reported(shared: Path) -> None:
    shared.chmod(0o555)

    done = bound_by_modes("apply", "-f", f"{shared}/crm.yaml", "--database", f"sqlite:///{shared}/none.db")

    assert done.returncode == 1
    assert f"the database {shared}/none.db cannot be created: Permission denied" in done.stderr


def test_folder_in_the_place_of_the_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(InvalidInput, match="cannot be created"):
        create_file(tmp_path / "file" / "store.db")


@pytest.mark.usefixtures("env")
def test_lock_of_another_program_is_waited_for_as_long_as_on_postgresql(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two attempts, 20 seconds in total."""
    monkeypatch.setattr(databases, "LOCK_TIMEOUT_SECONDS", 0.05)
    with closing(Database(f"sqlite:///{path}")) as impatient:
        tries: list[int] = []

        @contextmanager
        def counted() -> Iterator[None]:
            tries.append(1)
            yield

        monkeypatch.setattr(impatient, "_exclusive", counted)
        with closing(sqlite3.connect(path, isolation_level=None)) as program:
            program.execute("BEGIN IMMEDIATE")
            with pytest.raises(LockTimeout, match="another session holds a lock on the database"):
                impatient.writing(lambda _: None)

        assert len(tries) == MAX_LOCK_ATTEMPTS


def test_damaged_file_is_reported(path: Path) -> None:
    path.write_text("this is not a database, whatever its name says" * 100)
    with (
        closing(Database(f"sqlite:///{path}")) as database,
        pytest.raises(StoreUnavailable, match="is not a SQLite database"),
        database.reading(),
    ):
        pass


def test_full_disk_is_reported(env: WorkspaceEnv) -> None:
    def write(connection: sa.Connection) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")  # as if the disk was full
        connection.exec_driver_sql("CREATE TABLE another (text)")
        connection.exec_driver_sql("INSERT INTO another VALUES (zeroblob(100000))")

    with pytest.raises(StoreRefused, match="has no disk space left"):
        env.store.sql_database.writing(write)


def in_another_process(path: Path, statement: str) -> str:
    """Open the file like another program, run a query, and close it."""
    program = "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchone()[0])"
    command = [sys.executable, "-c", program, str(path), statement]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_checking_the_file_keeps_the_locks_on_it(env: WorkspaceEnv, path: Path) -> None:
    count = "SELECT count(*) FROM person"
    env.identify_person(id="2")  # the file changes in between, and is checked
    with env.store.sql_database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")
    env.identify_person(id="3")
    create_file(path)
    in_another_process(path, count)

    env.identify_person(id="4")

    assert path.with_name("store.db-wal").exists()
    assert in_another_process(path, count) == "4"


def test_file_is_let_go_with_its_last_user(path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    databases = [upgraded(f"sqlite:///{path}") for _ in range(2)]
    for database in databases:
        with database.reading() as connection:
            connection.execute(sa.text("SELECT 1"))
    for database in databases:
        database.close()

    assert len(list(Path("/proc/self/fd").iterdir())) == before


FILE, MEMORY = 1, 2
"""SQLite's numbers of the settings."""


def temporary_store(database: Database, *, sorts: bool) -> int:
    with database.reading_one_snapshot(sorts=sorts) as connection:
        number: int = connection.exec_driver_sql("PRAGMA temp_store").scalar_one()
        return number


def test_sqlite_sorts_in_files_only_while_it_is_asked_to(tmp_path: Path) -> None:
    with closing(upgraded(f"sqlite:///{tmp_path}/some.db")) as database:
        stores = [temporary_store(database, sorts=sorts) for sorts in (False, True, False)]

        assert stores == [MEMORY, FILE, MEMORY]


def test_connection_that_opened_an_earlier_file_is_refused(path: Path) -> None:
    upgraded(f"sqlite:///{path}").close()
    earlier = DatabaseFile(path).identity()
    shutil.copy(path, f"{path}.new")
    Path(f"{path}.new").replace(path)

    with closing(sqlite3.connect(path)) as connection, pytest.raises(StoreRefused, match="was replaced"):
        DatabaseFile(path).on_open(connection, earlier)
