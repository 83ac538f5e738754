"""``workspacectl sending``: the root key of an installation, its senders and transports, and what waits."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from workspace_operator import bootstrap
from workspace_operator.application.ports import RegisteredSender
from workspace_operator.bootstrap import Repositories, open_existing_store
from workspace_operator.cli.commands.sending.root_keys import RootKeyFile, require_root_key
from workspace_operator.cli.support.options import Database, Format, Output
from workspace_operator.cli.support.output import echo, info, json_text, print_table, time_text
from workspace_operator.errors import InvalidInput
from workspace_operator.workspaces.model import Workspace

app = typer.Typer(name="sending", help="Manage the root key, and show senders and queues.", no_args_is_help=True)

ADOPT_EXAMPLES = """
Examples:

\b
  workspacectl sending adopt-database --discard-waiting \\
    --root-key-file root-key
"""

SENDER_COLUMNS = ("SENDER", "STATE", "ROOT KEY", "HEARTBEAT", "TRANSPORTS")
QUEUE_COLUMNS = ("WORKSPACE", "MODE", "TRANSPORT", "WAITING", "IN FLIGHT", "NEXT DUE")

KeyFile = Annotated[Path, typer.Argument(metavar="FILE", help="The file to make.", show_default=False)]


@app.command("make-key")
def make_key(file: KeyFile) -> None:
    """Make a root key in a new file.

    The file has 64 hexadecimal digits, and only its owner can read it. Keep a copy where the passwords of the
    installation are: without the key, links in messages that were sent stop working. A file that exists is not
    replaced.
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
    """Make the database that of another root key.

    A database belongs to the root key that first sent from it. With another one nothing is sent (RootKeyMismatch),
    so that a copy of a database cannot write to its people. If the root key was changed by mistake, put the earlier
    file back instead. Links in messages that were sent with another root key stop working.
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


@app.command()
def status(*, output: Output = Format.TABLE, database: Database) -> None:
    """Show senders, transports and queues.

    Queues are those of workspaces that have waiting messages. ROOT KEY is "other" for a sender whose root key is
    not that of the database: it sends nothing (RootKeyMismatch). A sender is silent if it has not written a
    heartbeat for a minute.
    """
    with open_existing_store(database) as store:
        now = store.clock()
        senders = [_sender_document(sender, now) for sender in store.sending_queue.senders()]
        queues = [queue for workspace in store.workspaces.list() if (queue := _queue_document(store, workspace, now))]
    if output is Format.JSON:
        print(json_text({"senders": senders, "workspaces": queues}))
        return
    print_table(SENDER_COLUMNS, [(*sender.values(),) for sender in map(_sender_row, senders)])
    print()
    print_table(QUEUE_COLUMNS, [(*queue.values(),) for queue in queues])
    if queues and not any(sender["state"] == "running" and sender["has_database_key"] for sender in senders):
        info("messages wait, and no sender runs that has the root key of the database")


def _sender_document(sender: RegisteredSender, now: datetime) -> dict[str, Any]:
    return {
        "worker": sender.worker,
        "state": "running" if sender.is_alive(now) else "silent",
        "has_database_key": sender.has_database_key,
        "heartbeat_at": time_text(sender.beat_at),
        "transports": [
            {
                "name": offer.name,
                "sender_domains": sorted(offer.sender_domains),
                "namespaces": sorted(offer.namespaces),
            }
            for offer in sender.offers
        ],
    }


def _sender_row(document: dict[str, Any]) -> dict[str, Any]:
    names = ", ".join(transport["name"] for transport in document["transports"])
    key = "as the database" if document["has_database_key"] else "other"
    return document | {"has_database_key": key, "transports": names}


def _queue_document(store: Repositories, workspace: Workspace, now: datetime) -> dict[str, Any]:
    """What waits in a workspace; empty if nothing does."""
    counts = store.deliveries.counts(workspace.workspace_id, now=now)
    if not counts.waiting and not counts.in_flight:
        return {}
    rules = store.deliveries.rules(workspace.workspace_id)
    return {
        "workspace": f"{workspace.owner.namespace}/{workspace.owner.name}",
        "mode": rules.mode,
        "transport": rules.transport_name,
        "waiting": counts.waiting,
        "in_flight": counts.in_flight,
        "next_due_at": time_text(counts.next_due_at),
    }


def _messages_text(count: int) -> str:
    return "1 waiting message" if count == 1 else f"{count} waiting messages"
