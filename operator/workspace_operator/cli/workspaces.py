"""``workspacectl workspaces``: what the store holds, and whose it is."""

from typing import Annotated

import typer

from workspace_operator.bootstrap import opened, utc_now
from workspace_operator.cli.options import ClusterID, Database
from workspace_operator.cli.output import console, row, table
from workspace_operator.errors import InvalidInput
from workspace_operator.reconcile.observed import Owner
from workspace_operator.reconcile.plan import TakeOver

app = typer.Typer(help="The workspaces in the store.", no_args_is_help=True)


@app.command("list")
def list_workspaces(database: Database) -> None:
    """List all workspaces, with the resources that they belong to."""
    with opened(database) as store:
        shown = table("ID", "DISPLAY NAME", "IDENTIFIERS", "CLUSTER", "NAMESPACE", "NAME", "ACCOUNT", "PEOPLE")
        for each in store.workspaces.list():
            owner, people = each.owner, store.people.count(each.workspace_id).total
            row(
                shown,
                each.workspace_id,
                each.settings.display_name,
                each.mode,
                owner.cluster,
                owner.namespace,
                owner.name,
                each.account,
                people,
            )
        console.print(shown)


@app.command()
def assign(
    workspace_id: Annotated[int, typer.Argument(metavar="ID", help="The workspace's number.")],
    to: Annotated[str, typer.Option("--to", metavar="NAMESPACE/NAME", help="The resource that shall own it.")],
    database: Database,
    cluster_id: ClusterID = None,
) -> None:
    """Give a workspace to another resource, also of another namespace or cluster.

    The resource takes it over at its next reconcile. Whoever owned it before makes a new workspace, if it still exists.
    """
    namespace, slash, name = to.partition("/")
    if not (namespace and slash and name):
        raise InvalidInput(f"--to {to!r} must be NAMESPACE/NAME, such as default/crm", field="--to")
    with opened(database) as store:
        workspace = store.workspaces.get(workspace_id)
        owner = Owner(cluster=cluster_id or workspace.owner.cluster, namespace=namespace, name=name, uid="")
        take_over = TakeOver(workspace_id=workspace_id, row_version=workspace.row_version, owner=owner)
        store.workspaces.carry_out(take_over, now=utc_now())
        typer.echo(f"workspace number {workspace_id} now belongs to {to} of cluster {owner.cluster}")
