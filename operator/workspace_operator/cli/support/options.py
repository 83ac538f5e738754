"""Options that several commands share. What a command needs besides is imported when it runs."""

from pathlib import Path
from typing import Annotated

import typer

from workspace_operator.settings import DATABASE_VARIABLE, DEFAULT_CLUSTER_ID, default_database

MAX_NUMBER = 2**63 - 1
"""The highest number of a workspace or export that a database can store."""


def require_utf_8(text: str | None) -> str | None:
    """Return the text of an option. Raises a usage error if the shell passed bytes that are not UTF-8."""
    if text is not None and any("\ud800" <= each <= "\udfff" for each in text):
        raise typer.BadParameter(f"{text!a} is no valid Unicode: send it as UTF-8")
    return text


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
    typer.Option(
        "--cluster-id",
        metavar="ID",
        callback=require_utf_8,
        help="Needed only when several clusters have a workspace of that name.",
    ),
]
OwnClusterID = Annotated[
    str | None,
    typer.Option(
        "--cluster-id",
        metavar="ID",
        callback=require_utf_8,
        show_default=DEFAULT_CLUSTER_ID,
        help="The cluster that the manifests are of, as the database names it.",
    ),
]
"""None: nothing was said, and the database may belong to a cluster all the same."""

WorkspaceName = Annotated[
    str,
    typer.Option(
        "--workspace",
        "-w",
        metavar="NAMESPACE/NAME",
        callback=require_utf_8,
        help="The Workspace resource it belongs to.",
    ),
]
OutputFile = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Where to write; standard output if left out."),
]
ForExcel = Annotated[
    bool,
    typer.Option(
        "--for-excel",
        help="Begin the CSV file that is written with a byte order mark, so that Excel reads it as UTF-8.",
    ),
]

PersonValue = Annotated[
    str | None, typer.Argument(metavar="VALUE", help="An id, an email or cio_…, told by its shape.", show_default=False)
]
ByID = Annotated[str | None, typer.Option("--id", metavar="ID", help="Name the person by id.")]
ByEmail = Annotated[str | None, typer.Option("--email", metavar="EMAIL", help="Name the person by email.")]
ByCioID = Annotated[str | None, typer.Option("--cio-id", metavar="CIO_ID", help="Name the person by cio_id.")]


def parse_namespaced_name(name: str, option: str) -> tuple[str, str]:
    """The parts of NAMESPACE/NAME. A usage error if it is something else."""
    namespace, _, short_name = name.partition("/")
    if not namespace or not short_name or "/" in short_name:
        raise typer.BadParameter(f"{name!r} must be NAMESPACE/NAME, such as default/crm", param_hint=option)
    return namespace, short_name
