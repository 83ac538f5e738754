"""``workspacectl database``: the database itself."""

import typer

from workspace_operator.cli.options import Database
from workspace_operator.cli.output import tell
from workspace_operator.cli.stores import opened

app = typer.Typer(help="Look after the database itself.", no_args_is_help=True)


@app.command()
def upgrade(database: Database) -> None:
    """Bring the database to the schema of this version.

    Every other command but plan does so by itself, too.
    """
    with opened(database) as store:
        tell(f"{store.name} is up to date")
