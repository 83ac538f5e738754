"""The backup file that people are written to before they are deleted, in the format of an import."""

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Self

from workspace_operator.application.people.backup_rows import BackupAction, backup_lines
from workspace_operator.cli.support.files import translate_file_errors
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.model.person import Person

_OPTION = "--undo-file"


def default_backup_path(workspace: str, now: datetime) -> Path:
    """Return the default name of a backup file, unique per workspace and second."""
    return Path(f"{workspace.replace('/', '-')}-{now:%Y%m%dT%H%M%SZ}.undo.csv")


class BackupFile:
    """A new CSV file of people before a change. It replaces no file, and is removed again if it stays empty.

    ``attributes`` are the columns beside the identifiers. On entering, raises InvalidInput if the file exists or
    cannot be created.
    """

    def __init__(self, path: Path, attributes: Iterable[str]) -> None:
        self.path = path
        self.count = 0
        self._attributes = sorted(attributes)
        self._descriptor = -1
        self._size = 0

    def __enter__(self) -> Self:
        """Create the file with its header, durably: a crash of the machine does not lose it."""
        with translate_file_errors(self.path, _OPTION):
            try:
                self._descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError as error:
                message = f"{self.path} exists, and may be the only copy of deleted people: choose another file"
                raise InvalidInput(f"{message} with {_OPTION}", field=_OPTION) from error
            try:
                self._write(islice(backup_lines((), BackupAction.DELETED, self._attributes), 1))
                _fsync_directory(self.path.parent)
            except OSError:
                self._close()
                raise
        return self

    def __exit__(self, *error: object) -> None:
        """Close the file, and remove it if it holds no people."""
        with translate_file_errors(self.path, _OPTION):
            self._close()

    def write(self, people: Sequence[Person], action: BackupAction) -> None:
        """Append people; they are on disk when this returns. Raises InvalidInput."""
        with translate_file_errors(self.path, _OPTION):
            self._write(islice(backup_lines(people, action, self._attributes), 1, None))
            self.count += len(people)

    def _close(self) -> None:
        os.close(self._descriptor)
        if not self.count:
            self.path.unlink(missing_ok=True)

    def _write(self, lines: Iterable[str]) -> None:
        """Append all lines or none: half a line would make the file unreadable."""
        text = "".join(lines).encode()
        try:
            written = 0
            while written < len(text):
                written += os.write(self._descriptor, text[written:])
            os.fsync(self._descriptor)
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._descriptor, self._size)
            raise
        self._size += len(text)


def _fsync_directory(directory: Path) -> None:
    """Make the name of a new file durable."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
