"""``workspacectl database``: maintenance of the database."""

import typer

from workspace_operator.bootstrap import open_store
from workspace_operator.cli.support.options import Database
from workspace_operator.cli.support.output import echo

app = typer.Typer(name="database", help="Upgrade the database.", no_args_is_help=True)


@app.command()
def upgrade(database: Database) -> None:
    """Upgrade the database to the schema of this version, or create it.

    Every other command except plan also upgrades an older schema. Only this command, apply and run create a database.
    """
    with open_store(database) as store:
        echo(f"{store.name} is up to date")
