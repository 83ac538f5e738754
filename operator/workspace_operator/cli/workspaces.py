"""``workspacectl workspaces``: what the store holds, and whose it is."""

from typing import Annotated

import typer

from workspace_operator.cli.options import Database, namespaced
from workspace_operator.cli.output import table, tell
from workspace_operator.cli.stores import opened

app = typer.Typer(help="See the workspaces in the store, and whose they are.", no_args_is_help=True)

COLUMNS = ("ID", "DISPLAY NAME", "IDENTIFIERS", "CLUSTER", "NAMESPACE", "NAME", "ACCOUNT", "PEOPLE")


@app.command("list")
def list_workspaces(*, database: Database) -> None:
    """List all workspaces, with the resources that they belong to."""
    with opened(database) as store:
        rows = []
        for each in store.workspaces.list():
            owner, people = each.owner, store.people.count(each.workspace_id).total
            names = (owner.cluster, owner.namespace, owner.name, each.account)
            rows.append((each.workspace_id, each.settings.display_name, each.mode, *names, people))
        table(COLUMNS, rows)


@app.command()
def assign(
    workspace_id: Annotated[int, typer.Argument(metavar="ID", help="The workspace's number, as listed.")],
    *,
    to: Annotated[str, typer.Option("--to", metavar="NAMESPACE/NAME", help="The resource that shall own it.")],
    cluster_id: Annotated[
        str | None, typer.Option("--cluster-id", metavar="ID", help="The resource's cluster; the same if left out.")
    ] = None,
    database: Database,
) -> None:
    """Give a workspace to another resource.

    Also to one of another namespace or cluster. The resource takes it over at its next reconcile. The one that
    owned it before, if it still exists, says OwnershipConflict until it is deleted.
    """
    from workspace_operator.reconcile.observed import Owner
    from workspace_operator.reconcile.plan import TakeOver

    namespace, name = namespaced(to, "--to")
    with opened(database) as store:
        workspace = store.workspaces.get(workspace_id)
        owner = Owner(cluster=cluster_id or workspace.owner.cluster, namespace=namespace, name=name, uid="")
        take_over = TakeOver(workspace_id=workspace_id, row_version=workspace.row_version, owner=owner)
        store.workspaces.carry_out(take_over, now=store.clock())
        tell(f"workspace number {workspace_id} now belongs to {to} of cluster {owner.cluster}")
