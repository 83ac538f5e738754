"""Replacement of a SQLite file that no process uses: what was there is moved aside, and a file is always there.

A process that opens the file at this moment waits for its locks, and then detects that it opened the earlier file
(`DatabaseFile.on_open`).
"""

import errno
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from workspace_operator.errors import Conflict
from workspace_operator.store.engine.private_files import new_private_file, sync_file

PENDING_BYTE: Final = 0x40000000
LOCK_BYTES: Final = 512
"""Where SQLite locks a file: a connection in WAL mode holds a shared lock as long as it is open
(https://www.sqlite.org/src/file/src/os.h)."""


def swap_files(new: Path, file: Path, *, key: bytes | None, key_file: Path, suffix: str) -> list[Path]:
    """Put a database in the place of another, and its root key, unless that is there; return what was moved aside.

    The key comes first: a database with another key sends nothing. Raises Conflict if a process uses the file.
    """
    moved = []
    with exclusive(file):
        if key is not None and not (key_file.exists() and key_file.read_bytes() == key):
            if key_file.exists():
                moved.append(_move_aside(key_file, suffix))
            with new_private_file(key_file) as stream:
                stream.write(key)
            sync_file(key_file.parent)
        log = file.with_name(f"{file.name}-wal")
        if log.exists():  # of a damaged file: SQLite would apply it to the new one
            log.rename(file.with_name(f"{file.name}{suffix}-wal"))
        if file.exists():
            moved.append(_keep_aside(file, suffix))
        new.replace(file)
        sync_file(file.parent)
    return moved


@contextmanager
def exclusive(file: Path) -> Iterator[None]:
    """Keep every other process from using a SQLite file. Raises Conflict if one has it open."""
    if not file.exists():
        yield
        return
    _apply_log(file)
    with file.open("r+b") as stream:
        try:
            fcntl.lockf(stream, fcntl.LOCK_EX | fcntl.LOCK_NB, LOCK_BYTES, PENDING_BYTE)
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EAGAIN):
                raise _in_use(file) from error
            raise
        yield


def _apply_log(file: Path) -> None:
    """Copy the log beside the file into it; leave a damaged file as it is. Raises Conflict."""
    try:
        with closing(sqlite3.connect(file, timeout=0)) as connection:
            [mode] = connection.execute("PRAGMA journal_mode=DELETE").fetchone()
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorname.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            raise _in_use(file) from error
        return
    if mode == "wal":
        raise _in_use(file)


def _in_use(file: Path) -> Conflict:
    return Conflict(f"the database {file} is in use: stop all processes that use it (operator, API, worker, sender)")


def _move_aside(file: Path, suffix: str) -> Path:
    target = file.with_name(file.name + suffix)
    file.rename(target)
    return target


def _keep_aside(file: Path, suffix: str) -> Path:
    """Give a file a second name; on a file system without links, its only one."""
    target = file.with_name(file.name + suffix)
    try:
        os.link(file, target)
    except OSError:
        return _move_aside(file, suffix)
    return target
