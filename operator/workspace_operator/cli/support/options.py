"""Options that several commands share."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from workspace_operator.settings import DATABASE_VARIABLE, DEFAULT_CLUSTER_ID, default_database

MAX_NUMBER = 2**63 - 1
"""The highest number of a workspace or export that a database can store."""


def require_utf_8(text: str | None) -> str | None:
    """Return the text of an option. Raises a usage error if the shell passed bytes that are not UTF-8."""
    if text is not None and any("\ud800" <= char <= "\udfff" for char in text):
        raise typer.BadParameter(f"{text!a} is not valid Unicode: use UTF-8")
    return text


def text_option(*names: str, metavar: str, help_text: str, **settings: Any) -> Any:
    """An option for text, which must be UTF-8."""
    return typer.Option(*names, metavar=metavar, callback=require_utf_8, help=help_text, **settings)


def input_file_option(name: str, help_text: str, **settings: Any) -> Any:
    """An option for a file that must exist."""
    return typer.Option(name, metavar="FILE", exists=True, dir_okay=False, help=help_text, **settings)


Database = Annotated[
    str,
    typer.Option(
        "--database",
        envvar=DATABASE_VARIABLE,
        default_factory=default_database,
        show_default="a SQLite file below ~/.local/share",
        metavar="URL",
        help="sqlite:///FILE.db or postgresql://USER:PASSWORD@HOST:PORT/NAME",
    ),
]
ClusterID = Annotated[
    str | None,
    text_option(
        "--cluster-id",
        metavar="ID",
        help_text="The cluster of the workspace. Needed only if several clusters have a workspace of this name.",
    ),
]
OwnClusterID = Annotated[
    str | None,
    text_option(
        "--cluster-id",
        metavar="ID",
        show_default=DEFAULT_CLUSTER_ID,
        help_text="The cluster that owns the workspaces of the manifests.",
    ),
]
"""None if the option is left out; the database may then belong to any cluster."""

WorkspaceName = Annotated[
    str,
    text_option(
        "--workspace", "-w", metavar="NAMESPACE/NAME", help_text="The namespace and name of the workspace's resource."
    ),
]


class Format(StrEnum):
    """Output format of most commands."""

    TABLE = "table"
    JSON = "json"


CountPeople = Annotated[
    bool,
    typer.Option(
        "--count-people",
        help="Count the people, which reads all of them. Default: with PostgreSQL its estimate, else a count.",
    ),
]
Output = Annotated[Format, typer.Option("--output", "-o", help="The output format.")]
OutputFile = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="The file to write. Default: standard output.")
]
ForExcel = Annotated[
    bool, typer.Option("--for-excel", help="Write CSV files with a byte order mark, so that Excel reads them as UTF-8.")
]

PersonValue = Annotated[
    str | None,
    typer.Argument(
        metavar="VALUE", help="An id, an email address, or a cio_id with cio_ before it.", show_default=False
    ),
]
ByID = Annotated[str | None, typer.Option("--id", metavar="ID", help="Select the person by id.")]
ByEmail = Annotated[str | None, typer.Option("--email", metavar="EMAIL", help="Select the person by email.")]
ByCioID = Annotated[str | None, typer.Option("--cio-id", metavar="CIO_ID", help="Select the person by cio_id.")]


def parse_namespaced_name(name: str, option: str) -> tuple[str, str]:
    """Split NAMESPACE/NAME. Raises a usage error if the text has another form."""
    namespace, _, short_name = name.partition("/")
    if not namespace or not short_name or "/" in short_name:
        raise typer.BadParameter(f"{name!r} must be NAMESPACE/NAME, such as default/crm", param_hint=option)
    return namespace, short_name
