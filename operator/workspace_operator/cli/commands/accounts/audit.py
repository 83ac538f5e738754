"""``workspacectl audit``: who did what, when, and by which way."""

from typing import Annotated

import typer

from workspace_operator.application.ports import ACCOUNT_WIDE, AuditLog, RecordedEntry
from workspace_operator.bootstrap import open_existing_store
from workspace_operator.cli.support.options import ClusterID, Database, Format, Output, require_utf_8, text_option
from workspace_operator.cli.support.output import info, json_text, print_table, time_text
from workspace_operator.cli.support.workspace_context import open_workspace
from workspace_operator.log_lines import fields_text

app = typer.Typer(name="audit", help="Show who changed or downloaded what.", no_args_is_help=True)

EXAMPLES = """
Examples:

\b
  workspacectl audit list default/crm
  workspacectl audit list default/crm --limit 1000 -o json
"""

COLUMNS = ("ID", "AT", "ACTOR", "VIA", "ACTION", "SUBJECT", "DETAIL")


@app.callback()  # without it, a group of one command is that command
def _group() -> None: ...


@app.command("list", epilog=EXAMPLES)
def list_entries(
    workspace: Annotated[
        str | None,
        typer.Argument(
            metavar="NAMESPACE/NAME",
            callback=require_utf_8,
            help="The namespace and name of the workspace's resource.",
            show_default="what concerns no single workspace",
        ),
    ] = None,
    *,
    before: Annotated[
        str | None, text_option("--before", metavar="ID", help_text="Only entries before this one.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="Maximum number of entries to print.")] = 100,
    output: Output = Format.TABLE,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """List the audit log of a workspace, newest first.

    Entries name numbers and cio_ids, never addresses or names of people.
    """
    if workspace is None:
        with open_existing_store(database) as store:
            _print_entries(store.audit_log, ACCOUNT_WIDE, before, limit, output)
        return
    with open_workspace(database, workspace, cluster_id) as context:
        _print_entries(context.store.audit_log, context.workspace_id, before, limit, output)


def _print_entries(log: AuditLog, workspace_id: int, before: str | None, limit: int, output: Format) -> None:
    entries = log.entries(workspace_id, before=before, limit=limit)
    if output is Format.JSON:
        print(json_text([_document(entry) for entry in entries]))
    else:
        print_table(COLUMNS, [_row(entry) for entry in entries])
    if len(entries) == limit:
        info(f"there may be earlier entries: add --before {entries[-1].entry_id}")


def _row(entry: RecordedEntry) -> tuple[object, ...]:
    detail = fields_text(entry.detail)
    return (entry.entry_id, time_text(entry.at), entry.actor, entry.via, entry.action, entry.subject, detail)


def _document(entry: RecordedEntry) -> dict[str, object]:
    return {
        "entry_id": entry.entry_id,
        "at": entry.at.isoformat(),
        "actor": entry.actor,
        "via": entry.via,
        "action": entry.action,
        "subject": entry.subject,
        "detail": dict(entry.detail),
    }
