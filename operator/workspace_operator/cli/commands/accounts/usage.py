"""``workspacectl usage``: workspaces, people and messages sent, by account."""

import csv
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated, Any

import typer

from workspace_operator.application.accounts.usage import UsageReader
from workspace_operator.bootstrap import Repositories, open_existing_store
from workspace_operator.cli.support.options import ClusterID, Database, parse_namespaced_name, text_option
from workspace_operator.cli.support.output import json_text, print_table
from workspace_operator.errors import NotFound
from workspace_operator.workspaces.model import Workspace
from workspace_operator.workspaces.usage import Month, month_of, parse_month, total_usage

app = typer.Typer()

EXAMPLES = """
Examples:

\b
  workspacectl usage
  workspacectl usage --account team/acme --per-workspace
  workspacectl usage --month 2026-10 -o csv
"""

AccountName = tuple[str, str, str]
"""Cluster, namespace and name."""


class Format(StrEnum):
    """Output format of usage."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


@app.command("usage", epilog=EXAMPLES)
def usage(
    *,
    account: Annotated[
        str | None, text_option("--account", metavar="NAMESPACE/NAME", help_text="Only the workspaces of this account.")
    ] = None,
    month: Annotated[
        str | None,
        text_option("--month", metavar="YYYY-MM", help_text="The month of the messages. Default: the current one."),
    ] = None,
    per_workspace: Annotated[
        bool, typer.Option("--per-workspace", help="Print a line for each workspace, not for each account.")
    ] = False,
    output: Annotated[Format, typer.Option("--output", "-o", help="The output format.")] = Format.TABLE,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """Print workspaces, people and messages sent, by account.

    A calendar month begins and ends in UTC. People are counted now, whatever the month is. Messages that went to a test
    address count, too.
    """
    with open_existing_store(database) as store:
        of_month = month_of(store.clock()) if month is None else parse_month(month, field="--month")
        accounts = _workspaces_by_account(store, account, cluster_id)
        rows = list(_rows(store, accounts, of_month, per_workspace=per_workspace))
    _print(rows, output, columns=_WORKSPACE_COLUMNS if per_workspace else _ACCOUNT_COLUMNS)


_ACCOUNT_COLUMNS = ("cluster", "namespace", "account", "month", "workspaces", "people", "messages_sent")
_WORKSPACE_COLUMNS = (
    "cluster",
    "namespace",
    "account",
    "month",
    "workspace",
    "workspace_id",
    "people",
    "messages_sent",
)


def _workspaces_by_account(
    store: Repositories, account: str | None, cluster: str | None
) -> Mapping[AccountName, Sequence[Workspace]]:
    """The workspaces of each account, in the order of their names. Raises NotFound for an account without any."""
    wanted = None if account is None else parse_namespaced_name(account, "--account")
    found: dict[AccountName, list[Workspace]] = {}
    for workspace in store.workspaces.list():
        key = (workspace.owner.cluster, workspace.owner.namespace, workspace.account)
        if wanted in (None, key[1:]) and cluster in (None, key[0]):
            found.setdefault(key, []).append(workspace)
    if account is not None and not found:
        raise NotFound(f"no workspace of the account {account} is in {store.name}")
    return dict(sorted(found.items()))


def _rows(
    store: Repositories, accounts: Mapping[AccountName, Sequence[Workspace]], month: Month, *, per_workspace: bool
) -> Iterator[Mapping[str, Any]]:
    reader = UsageReader(people=store.people, counters=store.message_counters)
    for (cluster, namespace, account), workspaces in accounts.items():
        names = {"cluster": cluster, "namespace": namespace, "account": account, "month": month}
        usages = reader.usage(workspaces, month)
        if not per_workspace:
            yield names | asdict(total_usage(usages))
            continue
        for workspace, each in zip(workspaces, usages, strict=True):
            yield names | {"workspace": workspace.owner.name} | asdict(each)


def _print(rows: Sequence[Mapping[str, Any]], output: Format, *, columns: Sequence[str]) -> None:
    match output:
        case Format.JSON:
            print(json_text([{column: row[column] for column in columns} for row in rows]))
        case Format.CSV:
            writer = csv.writer(sys.stdout, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows([row[column] for column in columns] for row in rows)
        case Format.TABLE:
            heads = [column.replace("_", " ").upper() for column in columns]
            print_table(heads, [[row[column] for column in columns] for row in rows])
