"""Backups and restores of an embedded database, with the root key of its installation."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO

from workspace_operator.application.ports import DatabaseDescription
from workspace_operator.bootstrap.keys import embedded_key_file, find_root_key
from workspace_operator.errors import InvalidInput
from workspace_operator.store.engine.clocks import utc_now
from workspace_operator.store.engine.databases import Database
from workspace_operator.store.engine.private_files import new_private_file, sync_file
from workspace_operator.store.engine.urls import parse_database_url
from workspace_operator.store.maintenance.archives import BackupManifest, read_archive, write_archive
from workspace_operator.store.maintenance.backups import copy_database, private_folder, require_key_of
from workspace_operator.store.maintenance.restores import Restored, RestoreRequest, restore
from workspace_operator.store.schema.upgrades import missing_database_error

_BACKUP_OF_A_SERVER = (
    "this command copies SQLite files; for PostgreSQL run `pg_dump --format=custom --file=FILE URL`, and keep the root "
    "key file with it (docs/disasters.md)"
)
_RESTORE_OF_A_SERVER = (
    "this command restores SQLite files; for PostgreSQL run `pg_restore --exit-on-error --single-transaction "
    "--dbname=URL FILE` on an empty database, and give the senders the same root key file (docs/disasters.md)"
)


def back_up(url: str, target: Path | BinaryIO, *, key_file: Path | None, with_key: bool) -> DatabaseDescription:
    """Write a backup of a SQLite database, which may be in use, to a new file or a stream.

    Raises:
        InvalidInput: the database is a server's, or missing, the file exists, or the root key is missing or another.
        StoreUnavailable: the database cannot be read, or is damaged.
    """
    file = _embedded_file(url, _BACKUP_OF_A_SERVER)
    if not file.exists():
        raise missing_database_error(file)
    parent = target.resolve().parent if isinstance(target, Path) else file.parent
    with private_folder(parent) as folder, closing(Database(url, read_only=True)) as database:
        description = copy_database(database, folder / "copy.db")
        key = None
        if with_key:
            require_key_of(description, find_root_key(url, key_file))
            key = _key_text(key_file or embedded_key_file(file))
        manifest = BackupManifest(
            created_at=utc_now(),
            store_id=str(description.store_id),
            revision=str(description.revision),
            program_version=version("workspace-operator"),
        )
        with _opened(target, folder / "backup") as stream:
            write_archive(stream, folder / "copy.db", key, manifest)
    return description


def restore_backup(
    url: str,
    source: BinaryIO,
    *,
    name: str,
    key_file: Path | None,
    replace: bool,
    discard_waiting: bool | None,
) -> Restored:
    """Restore a SQLite database from a backup; ``name`` is what messages call it.

    Raises:
        InvalidInput: the database is a server's, or the backup is damaged, of a newer version or of another database.
        Conflict: the database in place is in use, or may not be replaced.
    """
    file = _embedded_file(url, _RESTORE_OF_A_SERVER)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with private_folder(file.parent) as folder:
        request = RestoreRequest(
            name=name,
            file=file,
            key_file=key_file or embedded_key_file(file),
            replace=replace,
            discard_waiting=discard_waiting,
        )
        return restore(read_archive(source, folder, name=name), request, now=utc_now())


def _embedded_file(url: str, refusal: str) -> Path:
    file = parse_database_url(url).file
    if file is None:
        raise InvalidInput(refusal, field="database")
    return file


def _key_text(file: Path) -> bytes | None:
    return file.read_bytes() if file.exists() else None


@contextmanager
def _opened(target: Path | BinaryIO, temporary: Path) -> Iterator[BinaryIO]:
    """The stream to write to; a file appears as a whole at the end, and never takes the place of another."""
    if not isinstance(target, Path):
        yield target
        return
    try:
        with new_private_file(target):
            pass  # reserves the name
    except FileExistsError as error:
        raise InvalidInput(f"{target} exists: choose another name, or delete that backup", field="FILE") from error
    try:
        with new_private_file(temporary) as stream:
            yield stream
        temporary.replace(target)
        sync_file(target.resolve().parent)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
