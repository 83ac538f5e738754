"""Output of records: people as JSON; lists as a table, as JSON, and as CSV that runs no formula in a spreadsheet."""

import csv
import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import typer

from workspace_operator.application.people.csv_files.injection import escape
from workspace_operator.cli.support.output import json_text, print_table
from workspace_operator.identity.model.person import Person
from workspace_operator.resources.problems import field_alias

PERSON_COLUMNS = ("CIO_ID", "ID", "EMAIL")


class ListFormat(StrEnum):
    """Output format of a list."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


ListOutput = Annotated[ListFormat, typer.Option("--output", "-o", help="The output format.")]


def print_list(columns: Sequence[str], rows: Sequence[Sequence[object]], output: ListFormat) -> None:
    """Print rows of values. The column ``display_name`` is displayName in JSON, and DISPLAY NAME in a table."""
    match output:
        case ListFormat.JSON:
            keys = [field_alias(column) for column in columns]
            print(json_text([dict(zip(keys, row, strict=True)) for row in rows]))
        case ListFormat.CSV:
            writer = csv.writer(sys.stdout, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows(["" if value is None else escape(str(value)) for value in row] for row in rows)
        case ListFormat.TABLE:
            print_table([column.replace("_", " ").upper() for column in columns], rows)


def person_document(person: Person) -> dict[str, object]:
    """Return a person as a JSON document."""
    return {
        "cio_id": person.cio_id,
        "id": person.id,
        "email": person.email,
        "created_at": person.created_at,
        "attributes": dict(person.attributes),
    }
