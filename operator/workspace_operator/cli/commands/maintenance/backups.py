"""``workspacectl database backup`` and ``restore``: a SQLite database and its root key in one file."""

import sys
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from workspace_operator.application.ports import SchemaState
from workspace_operator.bootstrap import back_up, restore_backup
from workspace_operator.cli.commands.sending.root_keys import RootKeyFile
from workspace_operator.cli.support.files import STANDARD_OUTPUT, open_input_file
from workspace_operator.cli.support.options import Database
from workspace_operator.cli.support.output import info, people_text
from workspace_operator.errors import InvalidInput

BackupFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="The backup, or - for standard output.", show_default=False)
]
SourceFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="The backup, or - for standard input.", show_default=False)
]
Replace = Annotated[bool, typer.Option("--replace", help="Move an existing database and root key aside first.")]
DiscardWaiting = Annotated[
    bool | None,
    typer.Option(
        "--discard-waiting/--keep-waiting",
        help="Cancel the messages that wait in the backup; or send them, some perhaps twice.",
        show_default=False,
    ),
]
RootKeyTarget = Annotated[
    Path | None,
    typer.Option(
        "--root-key-file",
        metavar="FILE",
        dir_okay=False,
        help="Where to write the root key.",
        show_default="beside the database",
    ),
]
BACKUP_EXAMPLES = """
Examples:

\b
  workspacectl database backup shop-2026-03-01.backup
  umask 077  # only you can read the file
  kubectl exec deployment/workspace-operator -- \\
    workspacectl database backup - > shop.backup
"""


def backup(
    file: BackupFile,
    *,
    root_key_file: RootKeyFile = None,
    without_root_key: Annotated[
        bool, typer.Option("--without-root-key", help="Leave the root key out; keep its file elsewhere.")
    ] = False,
    database: Database,
) -> None:
    """Back up a SQLite database, even while it is in use.

    FILE is a tar archive of the database as it is at one moment, the root key of the installation, and their digests.
    Only you can read it. Anyone who has it can read all people, and send as the installation: protect it like a
    password. It needs room for two copies of the database beside FILE. For PostgreSQL the command prints what to run.
    """
    target = _standard_output() if file == STANDARD_OUTPUT else file
    description = back_up(database, target, key_file=root_key_file, with_key=not without_root_key)
    counts = f"{description.workspaces} workspaces, {people_text(description.people)}"
    info(f"backed up {description.name} ({counts}) to {'standard output' if file == STANDARD_OUTPUT else file}")


def restore(
    file: SourceFile,
    *,
    replace: Replace = False,
    discard_waiting: DiscardWaiting = None,
    root_key_file: RootKeyTarget = None,
    database: Database,
) -> None:
    """Restore a SQLite database from a backup.

    The backup is checked as a whole first; then it takes the place of the database in one step, with its root key. A
    database that is in use is refused, and so is another one than was backed up, unless it has no workspaces. What was
    there is moved aside.
    """
    with sys.stdin.buffer if file == STANDARD_OUTPUT else open_input_file(file) as source:
        restored = restore_backup(
            database,
            source,
            name="standard input" if file == STANDARD_OUTPUT else str(file),
            key_file=root_key_file,
            replace=replace,
            discard_waiting=discard_waiting,
        )
    description = restored.description
    counts = f"{description.workspaces} workspaces, {people_text(description.people)}"
    info(f"restored the database {description.store_id} as of {restored.created_at:%F %T} UTC: {counts}")
    for moved in restored.moved_aside:
        info(f"the earlier file is {moved}: delete it when you do not need it any more")
    if description.schema is SchemaState.OLDER:
        info("its schema is older: the first process that opens it upgrades it")
    if not restored.has_root_key and description.root_key_fingerprint is not None:
        info("the backup has no root key: put its file in place, since nothing is sent without it")


def _standard_output() -> BinaryIO:
    if sys.stdout.isatty():
        raise InvalidInput("a backup is not text: send standard output to a file or a pipe", field="FILE")
    return sys.stdout.buffer
