"""Options of commands that read a CSV file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

from workspace_operator.application.people.csv_files.columns import parse_mapping
from workspace_operator.application.people.csv_files.encoding import parse_encoding
from workspace_operator.application.people.csv_files.reader import CsvOptions
from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.rules import IdentifierKind

ByColumn = Annotated[
    IdentifierKind | None,
    typer.Option("--by", help="The column that identifies people. Default: the first with a value in the row."),
]
ColumnMapping = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="COLUMN=TARGET",
        help="What a column holds: id, email, cio_id, created_at, unsubscribed, attribute, ignore, or the name of an "
        "attribute. Can be given several times.",
    ),
]
Encoding = Annotated[
    str, typer.Option("--encoding", metavar="NAME", help="The encoding of the file, such as windows-1252 or utf-16.")
]
RejectsPath = Annotated[
    Path | None,
    typer.Option(
        "--rejects", metavar="REJECTS", help="The file for rejected rows.", show_default="NAME.rejects.csv beside FILE"
    ),
]

_DEVICE_DIRECTORIES: Final = ("/dev", "/proc")
_STANDARD_INPUT: Final = Path("/dev/stdin")


def resolve_standard_input(file: Path) -> Path:
    """Return the path to read: standard input for -, else the file."""
    return _STANDARD_INPUT if file == Path("-") else file


def default_rejects_path(file: Path) -> Path:
    """Return NAME.rejects.csv beside a regular file, and in the current folder for any other source."""
    is_regular_file = file.is_file() and not any(file.is_relative_to(directory) for directory in _DEVICE_DIRECTORIES)
    return (file.parent if is_regular_file else Path()) / f"{file.stem}.rejects.csv"


@contextmanager
def name_file_in_errors(file: Path, option: str) -> Iterator[None]:
    """Prefix errors about a file as a whole with its name. Raises InvalidInput."""
    try:
        yield
    except InvalidInput as error:
        if error.field != "file":
            raise
        raise InvalidInput(f"{file}, {error}", field=option) from error


def csv_options(mapping: list[str] | None, encoding: str) -> CsvOptions:
    """Parse the options for reading the file. Raises InvalidInput."""
    return CsvOptions(encoding=parse_encoding(encoding, field="--encoding"), mapping=parse_mapping(mapping or ()))
