"""``workspacectl database``: the database itself."""

import typer

from workspace_operator.cli.options import Database
from workspace_operator.cli.output import tell
from workspace_operator.cli.stores import made

app = typer.Typer(help="Look after the database itself.", no_args_is_help=True)


@app.command()
def upgrade(database: Database) -> None:
    """Bring the database to the schema of this version; it is made if it is not there.

    Every other command but plan brings an older schema up to date by itself, too. Only this one, apply and run make a
    database.
    """
    with made(database) as store:
        tell(f"{store.name} is up to date")
