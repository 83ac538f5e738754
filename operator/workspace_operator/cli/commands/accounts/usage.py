"""``workspacectl usage``: workspaces, people and messages sent, by account."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

import typer

from workspace_operator.application.accounts.usage import UsageReader
from workspace_operator.bootstrap import Repositories, open_existing_store
from workspace_operator.cli.support.options import ClusterID, Database, parse_namespaced_name, text_option
from workspace_operator.cli.support.records import ListFormat, ListOutput, print_list
from workspace_operator.errors import InvalidInput, NotFound
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


@dataclass(slots=True, kw_only=True)
class _Account:
    """The workspaces of an account, by number, and the limit of its Account; None without one."""

    workspaces: list[Workspace] = field(default_factory=list)
    limit: int | None = None


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
    output: ListOutput = ListFormat.TABLE,
    cluster_id: ClusterID = None,
    database: Database,
) -> None:
    """Print workspaces, people and messages sent, by account.

    A calendar month begins and ends in UTC. Messages that went to a test address count, too. WORKSPACE LIMIT is that of
    the Account, which need not have workspaces. How many workspaces and people there were, and the limit, is known of
    the current month only: of another one these are empty.
    """
    asked = None if month is None else _month(month)
    with open_existing_store(database) as store:
        current = month_of(store.clock())
        accounts = _accounts(store, account, cluster_id)
        rows = list(_rows(store, accounts, asked or current, per_workspace=per_workspace))
    if asked not in (None, current):
        rows = [{**row, **dict.fromkeys(OF_NOW)} for row in rows]
    columns = _WORKSPACE_COLUMNS if per_workspace else _ACCOUNT_COLUMNS
    print_list(columns, [[row[column] for column in columns] for row in rows], output)


def _month(text: str) -> Month:
    """The month of the option. Raises a usage error."""
    try:
        return parse_month(text)
    except InvalidInput as error:
        raise typer.BadParameter(str(error), param_hint="--month") from error


OF_NOW = ("workspaces", "workspace_limit", "people")
"""What has no history: it is left out of other months than the current one."""

_ACCOUNT_COLUMNS = (
    "cluster",
    "namespace",
    "account",
    "month",
    "workspaces",
    "workspace_limit",
    "people",
    "messages_sent",
)
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


def _accounts(store: Repositories, account: str | None, cluster: str | None) -> Mapping[AccountName, _Account]:
    """Every account with workspaces or an Account resource, in the order of their names.

    Raises NotFound if the one that is asked for has neither.
    """
    wanted = None if account is None else parse_namespaced_name(account, "--account")
    found = defaultdict[AccountName, _Account](_Account)
    for stored in store.accounts.list():
        key = (stored.key.cluster, stored.key.namespace, stored.key.name)
        found[key].limit = stored.settings.workspace_limit
    for workspace in store.workspaces.list():
        found[workspace.owner.cluster, workspace.owner.namespace, workspace.account].workspaces.append(workspace)
    asked = {key: each for key, each in found.items() if wanted in (None, key[1:]) and cluster in (None, key[0])}
    if account is not None and not asked:
        raise NotFound(f"{store.name} has neither a workspace nor an Account resource of the account {account}")
    return dict(sorted(asked.items()))


def _rows(
    store: Repositories, accounts: Mapping[AccountName, _Account], month: Month, *, per_workspace: bool
) -> Iterator[Mapping[str, Any]]:
    reader = UsageReader(people=store.people, counters=store.message_counters)
    for (cluster, namespace, name), account in accounts.items():
        names = {"cluster": cluster, "namespace": namespace, "account": name, "month": month}
        usages = reader.usage(account.workspaces, month)
        if not per_workspace:
            yield names | {"workspace_limit": account.limit} | asdict(total_usage(usages))
            continue
        for workspace, each in zip(account.workspaces, usages, strict=True):
            yield names | {"workspace": workspace.owner.name} | asdict(each)
