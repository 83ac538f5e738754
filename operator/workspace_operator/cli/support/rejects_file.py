"""The file of the rows that an import rejects."""

import csv
import errno
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Self

from workspace_operator.application.people.csv_files.injection import escape
from workspace_operator.cli.support.files import is_special, translate_file_errors
from workspace_operator.errors import InvalidInput

_REJECTS = "--rejects"
_match_rejects_header = re.compile(
    rb'(?:\xef\xbb\xbf)?"?_line"?[,;\t]"?_outcome"?[,;\t]"?_reason"?(?:[,;\t\r\n]|$)'
).match


class RejectsFile:
    """The rejected rows of an import. The file is created with the first row.

    The rejects file of an earlier import is replaced when the first row is written, or removed when the import ends;
    an import that cannot start leaves it alone. A file of any other kind is never replaced or removed.

    Without a path, rows are only counted. A byte order mark tells UTF-8 from the encoding of the source file. Raises
    InvalidInput if the path is the source file, or a file that is not a rejects file.
    """

    def __init__(self, path: Path | None, *, source_file: Path, with_bom: bool = False) -> None:
        self.path = path
        self.rows = 0
        self._with_bom = with_bom
        self._file: IO[str] | None = None
        if path is not None:
            self._check_path(path, source_file)

    def __enter__(self) -> Self:
        """Open nothing yet."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the file if it was created."""
        if self._file is not None and self.path is not None:
            with translate_file_errors(self.path, _REJECTS):
                self._file.close()

    def write(self, cells: Sequence[str]) -> None:
        """Write one row. Raises InvalidInput if the file cannot be written."""
        self.rows += 1
        if self.path is None:
            return
        with translate_file_errors(self.path, _REJECTS):
            if self._file is None:
                self._file = self._create(self.path)
            csv.writer(self._file).writerow([escape(cell) for cell in cells])

    def finish(self) -> None:
        """Remove the rejects file of an earlier import if this one rejected nothing."""
        if self._file is None and self.path is not None:
            with translate_file_errors(self.path, _REJECTS):
                _remove_rejects(self.path)

    def _check_path(self, path: Path, source_file: Path) -> None:
        if path.exists() and path.samefile(source_file):
            raise InvalidInput(f"{path} is the file to import: choose another file with {_REJECTS}", field=_REJECTS)
        with translate_file_errors(path, _REJECTS):
            if not path.parent.is_dir():  # refused before the import begins
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
            _check_replaceable(path)

    def _create(self, path: Path) -> IO[str]:
        _remove_rejects(path)
        flags = os.O_WRONLY | (0 if is_special(path) else os.O_CREAT | os.O_EXCL)
        descriptor = os.open(path, flags, 0o600)
        return os.fdopen(descriptor, "w", encoding="utf-8-sig" if self._with_bom else "utf-8", newline="")


def _remove_rejects(path: Path) -> None:
    """Remove a rejects file of an earlier import. Raises InvalidInput if the file is of another kind."""
    _check_replaceable(path)
    if not is_special(path):
        path.unlink(missing_ok=True)


def _check_replaceable(path: Path) -> None:
    """Raise InvalidInput for a folder, and for a file with content that is not a rejects file."""
    if path.is_dir():
        raise InvalidInput(f"{path} is a folder: give a file with {_REJECTS}", field=_REJECTS)
    if not path.is_file():
        return
    with path.open("rb") as file:
        start = file.read(1024)
    if start and not _match_rejects_header(start):
        message = f"{path} exists and is not a rejects file of an import, so it is not replaced"
        raise InvalidInput(f"{message}: choose another file with {_REJECTS}", field=_REJECTS)
