"""SQLite connections, the lock of writers, and the check that the file is still the same."""

import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

import sqlalchemy as sa

from workspace_operator.errors import InvalidInput, StoreRefused, StoreUnavailable


class _Descriptors:
    """One descriptor per database file, open as long as a connection may use the file.

    Closing any descriptor of a file releases all POSIX locks of the process on it, including SQLite's: another process
    would then delete the WAL that this one still writes (sqlite.org/howtocorrupt.html, 2.2).
    So the file is opened once, and closed only after its last use.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[tuple[int, int], tuple[int, int]] = {}  # by device and inode: descriptor, users

    def acquire(self, path: Path, inode: tuple[int, int]) -> int:
        with self._lock:
            descriptor, users = self._open.get(inode) or (os.open(path, os.O_RDONLY | os.O_CLOEXEC), 0)
            self._open[inode] = descriptor, users + 1
            return descriptor

    def release(self, inode: tuple[int, int]) -> None:
        with self._lock:
            descriptor, users = self._open.pop(inode)
            if users > 1:
                self._open[inode] = descriptor, users - 1
            else:
                os.close(descriptor)


_descriptors = _Descriptors()


class DatabaseFile:
    """Checks that a database file is still the file that this process opened first.

    A file that was moved away stays usable through its open descriptors, and writes to it would be lost.
    For a file that was truncated or overwritten, the page caches still hold the old pages.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._opened: tuple[int, int] | None = None
        self._descriptor: int | None = None
        self._state: tuple[int, int] = (0, 0)
        self._mark = _NO_MARK

    def identity(self) -> tuple[int, int] | None:
        """Device and inode of the file now; None without a file."""
        with suppress(OSError):
            status = self._path.stat()
            return status.st_dev, status.st_ino
        return None

    def on_open(self, connection: sqlite3.Connection, before: tuple[int, int] | None = None) -> None:
        """Remember the file of the first connection. Raises StoreRefused if it was replaced.

        ``before`` is its identity before it was opened: a connection waits while a restore replaces the file.
        """
        connection.execute("PRAGMA schema_version").fetchone()  # SQLite opens the file with the first statement
        status = self._status()
        self._check_identity(status)
        if before not in (None, (status.st_dev, status.st_ino)):
            raise self._replaced_error()
        self._opened = (status.st_dev, status.st_ino)
        if self._descriptor is None:
            self._descriptor = _descriptors.acquire(self._path, self._opened)

    def on_close(self) -> None:
        """Release the file after its last connection was closed."""
        if self._opened is not None and self._descriptor is not None:
            self._descriptor = None
            _descriptors.release(self._opened)

    def check(self, connection: sqlite3.Connection) -> None:
        """In a transaction, raise StoreRefused if the file was moved away, replaced or truncated."""
        status = self._status()
        self._check_identity(status)
        state = (status.st_size, status.st_mtime_ns)
        if state != self._state:  # SQLite writes to the file itself only at a checkpoint of the WAL
            self._check_size(connection, status.st_size)
            self._check_mark()
            self._state = state

    def _status(self) -> os.stat_result:
        try:
            return self._path.stat()
        except OSError as error:
            message = f"the database file {self._path} was moved away or removed while it was in use"
            raise StoreRefused(f"{message} ({error.strerror}). {_REMEDY}") from error

    def _check_identity(self, status: os.stat_result) -> None:
        if self._opened not in (None, (status.st_dev, status.st_ino)):
            raise self._replaced_error()

    def _check_size(self, connection: sqlite3.Connection, size: int) -> None:
        if size >= self._state[0]:
            return
        # VACUUM also makes a file smaller, but then SQLite's own page count matches.
        pages, page_size = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
        if size < pages * page_size:
            raise StoreRefused(f"the database file {self._path} was truncated while it was in use. {_REMEDY}")

    def _check_mark(self) -> None:
        """Compare the mark of `file_marks` in the file itself, since SQLite may cache it."""
        if self._descriptor is None:
            return
        try:
            mark = os.pread(self._descriptor, len(_NO_MARK), _MARK_OFFSET)
        except OSError as error:
            raise StoreRefused(f"the database file {self._path} cannot be read: {error.strerror}") from error
        if self._mark not in (_NO_MARK, mark):
            raise self._replaced_error()
        self._mark = mark

    def _replaced_error(self) -> StoreRefused:
        return StoreRefused(f"the database file {self._path} was replaced while it was in use. {_REMEDY}")


_MARK_OFFSET = 68
_NO_MARK = bytes(4)

_REMEDY = "Reads and writes are refused until the file is back; to use another file, stop all processes first"


def create_file(path: Path) -> None:
    """Create an empty, private database file and its folder, unless they exist.

    Raises:
        InvalidInput: the file cannot be created, or exists and cannot be written.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():  # opening and closing a file that is in use would release SQLite's locks
            path.touch(mode=0o600)  # the file will hold personal data
    except OSError as error:
        if not path.exists():
            raise InvalidInput(f"the database {path} cannot be created: {error.strerror}", field="database") from error
    for needed in (path, path.parent):
        if not os.access(needed, os.W_OK):
            reason = "SQLite keeps its log beside the file" if needed == path.parent else "permission denied"
            message = f"the database {path} cannot be written: {needed} is read-only ({reason})"
            raise InvalidInput(message, field="database")


class FileLock:
    """A lock between processes and threads, with a fair queue in the kernel.

    SQLite's own busy wait is unfair enough to starve the worker (trials §2). Each holder opens the file
    anew, so that threads exclude each other like processes.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._threads = threading.Lock()

    @contextmanager
    def acquire(self) -> Iterator[None]:
        """Hold the lock."""
        with self._threads, self._opened() as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _opened(self) -> BinaryIO:
        try:
            return open(self._path, "ab", opener=lambda path, flags: os.open(path, flags, 0o600))
        except OSError as error:
            message = f"the lock file {self._path}, which each write needs, cannot be opened: {error.strerror}"
            raise StoreUnavailable(message) from error


def sqlite_engine(url: sa.URL, *, cache_megabytes: int, lock_seconds: float, read_only: bool) -> sa.Engine:
    """Make an engine for a file; with the execution option ``writing``, BEGIN is IMMEDIATE.

    Each connection has a page cache of ``cache_megabytes``. A statement waits ``lock_seconds`` for another program's
    lock. With ``read_only``, not even a remaining WAL is copied into the file.
    """
    file = DatabaseFile(Path(str(url.database)))
    arguments = {"timeout": lock_seconds, "check_same_thread": False}
    if read_only:
        url = url.set(database=f"file:{quote(str(url.database))}", query={"mode": "ro", "uri": "true"})
    engine = sa.create_engine(url, connect_args=arguments, hide_parameters=True)

    _remember_identity(engine, file)

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, record: Any) -> None:
        # Python's own transaction handling would start transactions late and never IMMEDIATE.
        connection.isolation_level = None
        try:
            for pragma in ("synchronous=FULL", f"cache_size={-1000 * cache_megabytes}", "temp_store=MEMORY"):
                connection.execute(f"PRAGMA {pragma}")
            if not read_only:
                _enable_wal(connection, lock_seconds)
            file.on_open(connection, record.info.get("identity"))
        except BaseException:
            connection.close()  # the pool does not own it yet
            raise

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        immediate = connection.get_execution_options().get("writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
        file.check(connection.connection.dbapi_connection)  # type: ignore[arg-type]

    @sa.event.listens_for(engine, "engine_disposed")
    def disposed(_engine: sa.Engine) -> None:
        file.on_close()

    return engine


def _remember_identity(engine: sa.Engine, file: DatabaseFile) -> None:
    """Note which file there is before each connection opens it."""

    @sa.event.listens_for(engine, "do_connect")
    def remember(_dialect: Any, record: Any, _arguments: Any, _options: Any) -> None:
        record.info["identity"] = file.identity()


@contextmanager
def sort_on_disk(connection: sa.Connection) -> Iterator[None]:
    """Have SQLite sort on disk in the block, which contains the whole transaction."""
    driver: Any = connection.connection.dbapi_connection
    driver.execute("PRAGMA temp_store=FILE")
    try:
        yield
    finally:
        driver.execute("PRAGMA temp_store=MEMORY")


@contextmanager
def limit_statements(connection: sa.Connection, seconds: float) -> Iterator[None]:
    """Have SQLite interrupt each statement in the block that runs for longer, time between its rows included."""
    driver: Any = connection.connection.dbapi_connection
    deadline = time.monotonic() + seconds

    def begin(_statement: str) -> None:
        nonlocal deadline
        deadline = time.monotonic() + seconds

    driver.set_trace_callback(begin)
    driver.set_progress_handler(lambda: time.monotonic() > deadline, _INSTRUCTIONS)
    try:
        yield
    finally:
        driver.set_progress_handler(None, 0)
        driver.set_trace_callback(None)


_INSTRUCTIONS = 10_000
"""Of SQLite's virtual machine, between two looks at the clock: less than a millisecond."""


def _enable_wal(connection: sqlite3.Connection, seconds: float) -> None:
    """Put a new database into WAL mode; retry, since SQLite does not wait for others here."""
    deadline = time.monotonic() + seconds
    while connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        if time.monotonic() > deadline:
            raise sqlite3.OperationalError(
                "the file cannot be put into WAL mode: is it locked by another program, or on a network file system?"
            )
        with suppress(sqlite3.OperationalError):
            connection.execute("PRAGMA journal_mode=WAL")
        time.sleep(0.01)
