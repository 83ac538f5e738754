"""``workspacectl accounts``: the Accounts in force, and the removal of those whose resource is lost."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated

import typer

from workspace_operator.application.accounts.access import people_keys
from workspace_operator.application.operator.orphans import OwnerStates
from workspace_operator.application.sessions.resets import reset_sign_in
from workspace_operator.bootstrap import Repositories, open_existing_store
from workspace_operator.cli.support.options import Database, parse_namespaced_name, text_option
from workspace_operator.cli.support.output import echo
from workspace_operator.cli.support.records import ListFormat, ListOutput, print_list
from workspace_operator.cli.support.workspace_context import current_actor
from workspace_operator.errors import InvalidInput, NotFound
from workspace_operator.identity.values.email_keys import email_key
from workspace_operator.reconcile.model.accounts import Account, AccountKey, RemoveAccount

app = typer.Typer(name="accounts", help="List and remove Accounts, and reset sign-ins.", no_args_is_help=True)

COLUMNS = ("cluster", "namespace", "name", "workspaces", "limit", "admins", "members", "notices", "operator")
ALIVE, SILENT, NONE = "alive", "silent", "none"
"""What the heartbeats say of the operator of a cluster."""

EXAMPLES = """
Examples:

\b
  workspacectl accounts remove team/acme --cluster-id local
  workspacectl accounts remove --all --cluster-id "$OLD"
"""


RESET_EXAMPLES = """
Examples:

\b
  workspacectl accounts reset-sign-in ada@example.com
  workspacectl accounts reset-sign-in --all
"""


@app.command("list")
def list_accounts(
    *,
    output: ListOutput = ListFormat.TABLE,
    cluster_id: Annotated[
        str | None, text_option("--cluster-id", metavar="ID", help_text="Only the Accounts of this cluster.")
    ] = None,
    database: Database,
) -> None:
    """List the Accounts in force.

    OPERATOR is "alive" or "silent", as the heartbeat of the cluster's operator says, or "none" for a cluster that
    never had one.
    """
    with open_existing_store(database) as store:
        accounts = [account for account in store.accounts.list() if cluster_id in (None, account.key.cluster)]
        owners, workspaces = _owners(store), _workspaces(store)
    print_list(COLUMNS, [_row(account, workspaces[account.key], owners) for account in accounts], output)


@app.command(epilog=EXAMPLES)
def remove(
    name: Annotated[
        str | None, typer.Argument(metavar="NAMESPACE/NAME", help="The Account to remove.", show_default=False)
    ] = None,
    *,
    remove_all: Annotated[bool, typer.Option("--all", help="Remove all Accounts of the cluster.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Also if the operator of the cluster is alive.")] = False,
    cluster_id: Annotated[str, text_option("--cluster-id", metavar="ID", help_text="The cluster of the Account.")],
    database: Database,
) -> None:
    """Remove an Account whose resource is lost.

    Use it after a cluster was lost, and for an Account that was applied without a cluster. Limit, admins, members and
    notices end; the workspaces stay. The operator of a cluster that exists removes an Account whose resource is
    deleted.
    """
    if (name is None) is not remove_all:
        raise typer.BadParameter("give either the Account or --all", param_hint="NAMESPACE/NAME")
    wanted = None if name is None else parse_namespaced_name(name, "NAMESPACE/NAME")
    with open_existing_store(database) as store:
        if _owners(store).is_alive(cluster_id) and not force:
            raise InvalidInput(
                f"cluster {cluster_id} is alive, and its operator would put the Account in force again: delete the "
                "resource there, or add --force if it is gone",
                field="--cluster-id",
            )
        keys = [key for key in store.accounts.keys(cluster_id) if wanted in (None, (key.namespace, key.name))]
        if not keys and name is not None:
            raise NotFound(f"cluster {cluster_id} has no Account {name}; workspacectl accounts list lists all")
        workspaces = _workspaces(store)
        for key in keys:
            _remove(store, key)
            echo(f"Account {key.namespace}/{key.name} of cluster {cluster_id} was removed; {_stay(workspaces[key])}")
    if not keys:
        echo(f"cluster {cluster_id} has no Accounts")


@app.command("reset-sign-in", epilog=RESET_EXAMPLES)
def reset(
    address: Annotated[
        str | None, typer.Argument(metavar="ADDRESS", help="The address of the user.", show_default=False)
    ] = None,
    *,
    reset_all: Annotated[bool, typer.Option("--all", help="Everybody whom an Account names.")] = False,
    database: Database,
) -> None:
    """Let another company account sign in.

    The first sign-in to the web console binds an address to one account of the identity provider. Use this command
    after an address got another owner, and with --all after a change of the provider. It ends the sessions of the
    address.
    """
    if (address is None) is not reset_all:
        raise typer.BadParameter("give either the address or --all", param_hint="ADDRESS")
    key = None if address is None else email_key(address)
    if address is not None and key is None:
        raise InvalidInput(f"{address!r} is not an e-mail address", field="ADDRESS")
    with open_existing_store(database) as store:
        keys = [key] if key is not None else sorted(set().union(*map(people_keys, store.accounts.list())))
        actor, now = current_actor(), store.clock()
        done = [each for each in keys if reset_sign_in(store.sign_in_pins, each, actor=actor, at=now)]
    if address is not None and not done:
        raise NotFound(f"nobody has signed in with {address} since the last reset")
    echo("1 sign-in was reset" if len(done) == 1 else f"{len(done)} sign-ins were reset")


def _remove(store: Repositories, key: AccountKey) -> None:
    version = store.accounts.observe(key, now=store.clock()).row_version
    store.accounts.apply(RemoveAccount(key=key, row_version=version))


def _stay(workspaces: int) -> str:
    return "its workspace stays" if workspaces == 1 else f"its {workspaces} workspaces stay"


def _owners(store: Repositories) -> OwnerStates:
    return OwnerStates(heartbeats=store.heartbeats.all(), now=store.clock())


def _workspaces(store: Repositories) -> Counter[AccountKey]:
    return Counter(AccountKey.of(workspace.owner, workspace.account) for workspace in store.workspaces.list())


def _row(account: Account, workspaces: int, owners: OwnerStates) -> Sequence[object]:
    key, settings = account.key, account.settings
    operator = ALIVE if owners.is_alive(key.cluster) else SILENT if key.cluster in owners.heartbeats else NONE
    numbers = (workspaces, settings.workspace_limit, len(settings.admins), len(settings.members))
    notices = None if settings.notices is None else settings.notices.transport
    return (key.cluster, key.namespace, key.name, *numbers, notices, operator)
