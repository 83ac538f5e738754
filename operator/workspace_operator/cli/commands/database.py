"""``workspacectl database``: the database itself."""

import typer

from workspace_operator.cli.support.options import Database
from workspace_operator.cli.support.output import echo
from workspace_operator.cli.support.workspace_context import open_or_create_store

app = typer.Typer(help="Look after the database itself.", no_args_is_help=True)


@app.command()
def upgrade(database: Database) -> None:
    """Bring the database to the schema of this version; it is made if it is not there.

    Every other command but plan brings an older schema up to date by itself, too. Only this one, apply and run make a
    database.
    """
    with open_or_create_store(database) as store:
        echo(f"{store.name} is up to date")
