"""Options of commands that read a CSV file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.values.rules import IdentifierKind

if TYPE_CHECKING:  # what a help text does not need is not loaded for it
    from workspace_operator.application.people.csv_files.reader import CsvOptions

ByColumn = Annotated[
    IdentifierKind | None,
    typer.Option("--by", help="The column that names people. Without it, the first of them that has a value."),
]
ColumnMapping = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="COLUMN=TARGET",
        help="What a column is: id, email, cio_id, created_at, unsubscribed, attribute, ignore, or the name of an "
        "attribute. Can be given several times.",
    ),
]
Encoding = Annotated[
    str,
    typer.Option("--encoding", metavar="NAME", help="The file's encoding, such as windows-1252 or utf-16."),
]

_DEVICE_DIRECTORIES: Final = ("/dev", "/proc")
_STANDARD_INPUT: Final = Path("/dev/stdin")


def resolve_standard_input(file: Path) -> Path:
    """The file that is meant: - is standard input, as in manifests."""
    return _STANDARD_INPUT if file == Path("-") else file


def default_rejects_path(file: Path) -> Path:
    """Where the rows go that are not taken if nobody says it: of what is no file of a folder, to the current one."""
    is_regular_file = file.is_file() and not any(file.is_relative_to(each) for each in _DEVICE_DIRECTORIES)
    return (file.parent if is_regular_file else Path()) / f"{file.stem}.rejects.csv"


@contextmanager
def name_file_in_errors(file: Path, option: str) -> Iterator[None]:
    """Put the file's name before what is said of it as a whole. Raises InvalidInput."""
    try:
        yield
    except InvalidInput as error:
        if error.field != "file":
            raise
        raise InvalidInput(f"{file}, {error}", field=option) from error


def csv_options(mapping: list[str] | None, encoding: str) -> "CsvOptions":
    """How the file is to be read. Raises InvalidInput."""
    from workspace_operator.application.people.csv_files.columns import parse_mapping
    from workspace_operator.application.people.csv_files.encoding import parse_encoding
    from workspace_operator.application.people.csv_files.reader import CsvOptions

    return CsvOptions(encoding=parse_encoding(encoding, field="--encoding"), mapping=parse_mapping(mapping or ()))
