"""``workspacectl database``: the database itself."""

import typer

from workspace_operator.bootstrap import opened
from workspace_operator.cli.options import Database

app = typer.Typer(help="The database itself.", no_args_is_help=True)


@app.command()
def upgrade(database: Database) -> None:
    """Bring the database to the schema of this version. Every other command does so by itself."""
    with opened(database) as store:
        typer.echo(f"{store.name} is up to date")
