"""Options of commands that read a CSV file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from workspace_operator.errors import InvalidInput
from workspace_operator.identity.rules import Kind

if TYPE_CHECKING:  # what a help text does not need is not loaded for it
    from workspace_operator.application.csv_reading import CsvOptions

ByColumn = Annotated[
    Kind | None,
    typer.Option("--by", help="The column that names people. Without it, the first of them that has a value."),
]
Map = Annotated[
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

_FOLDERS_OF_DEVICES: Final = ("/dev", "/proc")
_STANDARD_INPUT: Final = Path("/dev/stdin")


def file_or_input(file: Path) -> Path:
    """The file that is meant: - is standard input, as in manifests."""
    return _STANDARD_INPUT if file == Path("-") else file


def rejects_beside(file: Path) -> Path:
    """Where the rows go that are not taken if nobody says it: of what is no file of a folder, to the current one."""
    is_beside = file.is_file() and not any(file.is_relative_to(each) for each in _FOLDERS_OF_DEVICES)
    return (file.parent if is_beside else Path()) / f"{file.stem}.rejects.csv"


@contextmanager
def naming_file(file: Path, option: str) -> Iterator[None]:
    """Put the file's name before what is said of it as a whole. Raises InvalidInput."""
    try:
        yield
    except InvalidInput as error:
        if error.field != "file":
            raise
        raise InvalidInput(f"{file}, {error}", field=option) from error


def csv_options(mapping: list[str] | None, encoding: str) -> "CsvOptions":
    """How the file is to be read. Raises InvalidInput."""
    from workspace_operator.application.csv_columns import mapping_of
    from workspace_operator.application.csv_reading import CsvOptions
    from workspace_operator.application.csv_text import encoding_named

    return CsvOptions(encoding=encoding_named(encoding, field="--encoding"), mapping=mapping_of(mapping or ()))
