"""The root key of the installation: from a file, or made beside an embedded database."""

import os
import secrets
from pathlib import Path

from workspace_operator.errors import InvalidInput
from workspace_operator.sending.keys import ROOT_KEY_BYTES, RootKey
from workspace_operator.store.engine.private_files import new_private_file
from workspace_operator.store.engine.urls import parse_database_url

KEY_FILE_OPTION = "--root-key-file"
_MAX_FILE_BYTES = 4096


def load_root_key(file: Path | None, database_file: Path | None = None) -> RootKey | None:
    """Read the root key.

    Without a ``file``, an embedded database (SQLite) has its key in a file beside it, which is made if there is none.
    Returns None for a server database without a file: then nothing is sent (sending §4.2).

    Raises:
        InvalidInput: the file cannot be read or made, or has no key.
    """
    if file is not None:
        return _read(file)
    if database_file is None:
        return None
    beside = embedded_key_file(database_file)
    if not beside.exists():
        write_new_key(beside)
    return _read(beside)


def find_root_key(url: str, file: Path | None) -> RootKey | None:
    """Read the root key for the database of a URL, from a ``file`` or from beside a SQLite file; never make one.

    Returns None without one. Raises InvalidInput.
    """
    if file is not None:
        return _read(file)
    database_file = parse_database_url(url).file
    if database_file is None or not embedded_key_file(database_file).exists():
        return None
    return _read(embedded_key_file(database_file))


def embedded_key_file(database_file: Path) -> Path:
    """The file of an embedded database's root key."""
    return database_file.with_name(database_file.name + ".root-key")


def write_new_key(file: Path) -> None:
    """Make a key in a new file that only its owner can read; a file that exists stays. Raises InvalidInput."""
    temporary = file.with_name(f"{file.name}.{os.getpid()}.new")
    try:
        with new_private_file(temporary) as stream:
            stream.write(f"{secrets.token_hex(ROOT_KEY_BYTES)}\n".encode())
        try:
            os.link(temporary, file)  # of two processes that start at once, one makes the key for both
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
    except OSError as error:
        raise InvalidInput(f"the root key {file} cannot be made: {error.strerror}", field=KEY_FILE_OPTION) from error


def _read(file: Path) -> RootKey:
    try:
        with file.open("rb") as stream:
            text = stream.read(_MAX_FILE_BYTES).decode("ascii", "replace")
    except OSError as error:
        raise InvalidInput(f"the root key {file} cannot be read: {error.strerror}", field=KEY_FILE_OPTION) from error
    return RootKey.from_text(text, source=f"the root key {file}")
