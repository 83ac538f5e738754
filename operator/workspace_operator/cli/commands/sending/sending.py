"""``workspacectl sending``: the root key of an installation, its senders and transports, and what waits."""

from pathlib import Path
from typing import Annotated

import typer

from workspace_operator import bootstrap
from workspace_operator.bootstrap import open_existing_store
from workspace_operator.cli.commands.sending.root_keys import RootKeyFile, require_root_key
from workspace_operator.cli.support.options import Database
from workspace_operator.cli.support.output import echo
from workspace_operator.errors import InvalidInput

app = typer.Typer(name="sending", help="Manage the root key, and show senders and queues.", no_args_is_help=True)

ADOPT_EXAMPLES = """
Examples:

\b
  workspacectl sending adopt-database --discard-waiting \\
    --root-key-file root-key
"""

KeyFile = Annotated[Path, typer.Argument(metavar="FILE", help="The file to make.", show_default=False)]


@app.command("make-key")
def make_key(file: KeyFile) -> None:
    """Make a root key in a new file that only its owner can read.

    The file has 64 hexadecimal digits. Keep a copy where the passwords of the installation are: without the key,
    links in messages that were sent stop working. A file that exists is not replaced.
    """
    if file.exists():
        raise InvalidInput(f"{file} exists: choose another name, or keep that key", field="FILE")
    bootstrap.write_new_key(file)
    echo(f"root key written to {file}; only you can read it")


@app.command("adopt-database", epilog=ADOPT_EXAMPLES)
def adopt_database(
    *,
    discard_waiting: Annotated[
        bool | None,
        typer.Option(
            "--discard-waiting/--keep-waiting",
            help="Cancel the messages that wait, as in a copy of a database; or send them.",
            show_default=False,
        ),
    ] = None,
    root_key_file: RootKeyFile = None,
    database: Database,
) -> None:
    """Let this installation send from a database that another root key was used with.

    Until then nothing is sent (RootKeyMismatch), so that a copy of a database cannot write to its people. If the root
    key was lost or changed by mistake, put the earlier file back instead. Links in messages that were sent with
    another root key stop working.
    """
    if discard_waiting is None:
        raise typer.BadParameter(
            "say what happens to the messages that wait: --discard-waiting for a copy of a database, or --keep-waiting"
        )
    with open_existing_store(database) as store:
        key = require_root_key(store, root_key_file)
        cancelled = store.sending_queue.adopt_database(
            key.fingerprint(), discard_waiting=discard_waiting, now=store.clock()
        )
    echo(f"the database {store.name} now belongs to the root key {key.fingerprint()}")
    echo(f"{_messages_text(cancelled)} cancelled" if discard_waiting else "messages that wait will be sent")


def _messages_text(count: int) -> str:
    return "1 waiting message" if count == 1 else f"{count} waiting messages"
