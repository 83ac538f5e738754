"""``workspacectl database``: maintenance of the database."""

import time
from typing import Annotated, Final

import typer

from workspace_operator.bootstrap import open_store
from workspace_operator.cli.support.options import Database
from workspace_operator.cli.support.output import echo, info
from workspace_operator.errors import StoreUnavailable

app = typer.Typer(name="database", help="Upgrade the database.", no_args_is_help=True)


RETRY_SECONDS: Final = 2.0

Wait = Annotated[
    float,
    typer.Option(
        metavar="SECONDS", min=0, help="How long to keep trying while the database is unavailable.", show_default=True
    ),
]


@app.command()
def upgrade(*, wait: Wait = 0, database: Database) -> None:
    """Upgrade the database to the schema of this version, or create it.

    Every other command except plan also upgrades an older schema. Only this command, apply and run create a database.
    """
    deadline = time.monotonic() + wait
    while not _try_upgrade(database, deadline):
        time.sleep(RETRY_SECONDS)


def _try_upgrade(database: str, deadline: float) -> bool:
    """Whether the upgrade is done. Raises StoreUnavailable if there is no time for another attempt."""
    try:
        with open_store(database) as store:
            echo(f"{store.name} is up to date")
    except StoreUnavailable as error:
        if time.monotonic() + RETRY_SECONDS > deadline:
            raise
        info(f"trying again in {RETRY_SECONDS:.0f} s: {error}")
        return False
    return True
