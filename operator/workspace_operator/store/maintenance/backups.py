"""Backups of a SQLite database in use: one consistent copy, checked, with the root key of its installation."""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from workspace_operator.application.ports import DatabaseDescription, SchemaState
from workspace_operator.errors import InvalidInput, StoreUnavailable
from workspace_operator.sending.keys import RootKey
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.engine.error_translation import translate_errors
from workspace_operator.store.engine.private_files import new_private_file
from workspace_operator.store.maintenance import descriptions, integrity

NO_KEY: Final = (
    "the root key of the database was not found, and without it a restored database sends nothing: name its file with "
    "--root-key-file, or add --without-root-key if you keep that file yourself"
)
OTHER_KEY: Final = (
    "the root key is not that of the database, and with it a restored database would send nothing: name the right file "
    "with --root-key-file, or add --without-root-key"
)


@contextmanager
def private_folder(parent: Path) -> Iterator[Path]:
    """A temporary folder that only its owner can enter, on the disk of ``parent``."""
    with tempfile.TemporaryDirectory(prefix=".workspacectl-", dir=parent, ignore_cleanup_errors=True) as name:
        yield Path(name)


def copy_database(database: Database, copy: Path) -> DatabaseDescription:
    """Copy a database that may be in use to a new file, check the copy, and describe it.

    The copy is one snapshot, read in one step: with SQLite's write-ahead log, writers go on meanwhile.

    Raises:
        InvalidInput: the database has no schema, or that of another version.
        StoreUnavailable: it cannot be read, or is damaged.
    """
    with new_private_file(copy), translate_errors(database.name), database.engine.connect() as connection:
        source: Any = connection.connection.dbapi_connection
        with closing(sqlite3.connect(copy)) as target:
            source.backup(target)
    with closing(Database(f"sqlite:///{copy}", read_only=True)) as copied:
        if faults := integrity.file_faults(copied):
            raise StoreUnavailable(
                f"the database {database.name} is damaged, so that a copy of it is no backup: {faults[0]}. Look at "
                "`workspacectl database check`, and restore an earlier backup"
            )
        description = descriptions.describe(copied)
    if description.schema not in (SchemaState.CURRENT, SchemaState.OLDER):
        raise InvalidInput(
            f"the database {database.name} has the schema of another version, or none ({description.revision}): back "
            "it up with the version of workspacectl that made it",
            field="database",
        )
    return replace(description, name=database.name)


def require_key_of(description: DatabaseDescription, key: RootKey | None) -> None:
    """Raise InvalidInput unless a root key is that of the database, which has none before its first sender."""
    fingerprint = description.root_key_fingerprint
    if fingerprint is None:
        return
    if key is None:
        raise InvalidInput(NO_KEY, field="--root-key-file")
    if key.fingerprint() != fingerprint:
        raise InvalidInput(OTHER_KEY, field="--root-key-file")
