"""``workspacectl workspaces``: what the store holds, and whose it is."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workspace_operator.cli.support.options import MAX_NUMBER, Database, parse_namespaced_name, require_utf_8
from workspace_operator.cli.support.output import STALLED, echo, info, people_text, print_table
from workspace_operator.cli.support.workspace_context import open_existing_store
from workspace_operator.errors import InvalidInput

if TYPE_CHECKING:  # what a help text does not need is not loaded for it
    from workspace_operator.application.operator.moves import WorkspaceMove
    from workspace_operator.application.operator.orphans import OwnerStates
    from workspace_operator.bootstrap import Repositories
    from workspace_operator.workspaces.model import Workspace

app = typer.Typer(help="List, assign, move and delete workspaces.", no_args_is_help=True)

COLUMNS = ("ID", "DISPLAY NAME", "IDENTIFIERS", "CLUSTER", "NAMESPACE", "NAME", "ACCOUNT", "PEOPLE", "OWNER")
MOVE_COLUMNS = ("ID", "NAMESPACE", "NAME", "PEOPLE", "FROM CLUSTER", "TO CLUSTER", "OBSTACLE")

Kubeconfig = Annotated[
    Path | None,
    typer.Option(
        "--kubeconfig",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        help="Ask this cluster which of its resources are there.",
    ),
]
KubeContext = Annotated[
    str | None, typer.Option("--context", metavar="NAME", help="A context of the kubeconfig; asks that cluster.")
]
ReplaceEmpty = Annotated[
    bool,
    typer.Option("--replace-empty", help="Delete the workspace that is in the place, if it is empty."),
]


@app.command("list")
def list_workspaces(
    *,
    orphans: Annotated[
        bool, typer.Option("--orphans", help="Only those that no living resource is known to own.")
    ] = False,
    kubeconfig: Kubeconfig = None,
    kube_context: KubeContext = None,
    database: Database,
) -> None:
    """List all workspaces, with the resources that they belong to.

    OWNER says whether the resource is present or gone, if its cluster is asked (--kubeconfig or --context). Of other
    clusters it says "cluster silent" if their operators no longer write heartbeats, else "unknown".
    """
    with open_existing_store(database) as store:
        owners = _load_owners(store, kubeconfig, kube_context)
        all_workspaces = store.workspaces.list()
        listed = [each for each in all_workspaces if owners.is_orphan(each.owner)] if orphans else all_workspaces
        print_table(COLUMNS, [_row(each, store, owners) for each in listed])
    if orphans and (clusters := _unknown_clusters(all_workspaces, owners)):
        info(f"not listed, since only their cluster knows (--kubeconfig): the workspaces of {', '.join(clusters)}")


WorkspaceID = Annotated[
    int, typer.Argument(metavar="ID", min=1, max=MAX_NUMBER, help="The workspace's number, as listed.")
]


@app.command()
def assign(
    workspace_id: WorkspaceID,
    *,
    to: Annotated[
        str,
        typer.Option("--to", metavar="NAMESPACE/NAME", callback=require_utf_8, help="The resource that shall own it."),
    ],
    replace_empty: ReplaceEmpty = False,
    cluster_id: Annotated[
        str | None,
        typer.Option(
            "--cluster-id", metavar="ID", callback=require_utf_8, help="The resource's cluster; the same if left out."
        ),
    ] = None,
    database: Database,
) -> None:
    """Give a workspace to another resource.

    Also to one of another namespace or cluster. The resource takes it over at its next reconcile. The one that
    owned it before, if it still exists, is Stalled until it is deleted.
    """
    from workspace_operator.reconcile.model.actions import ChangeOwner
    from workspace_operator.workspaces.model import Owner

    namespace, name = parse_namespaced_name(to, "--to")
    with open_existing_store(database) as store:
        workspace = store.workspaces.get(workspace_id)
        owner = Owner(cluster=cluster_id or workspace.owner.cluster, namespace=namespace, name=name, uid="")
        change_owner = ChangeOwner(workspace_id=workspace_id, row_version=workspace.row_version, owner=owner)
        store.ownership.reassign([change_owner], replace_empty=replace_empty)
        echo(f"workspace number {workspace_id} now belongs to {to} of cluster {owner.cluster}")


FromCluster = Annotated[
    str, typer.Option("--from-cluster", metavar="ID", callback=require_utf_8, help="The cluster that has them.")
]
ToCluster = Annotated[
    str | None,
    typer.Option(
        "--to-cluster",
        metavar="ID",
        callback=require_utf_8,
        help="The cluster that gets them; the only other one if left out.",
    ),
]
OnlyNamespace = Annotated[
    str | None,
    typer.Option(
        "--namespace", "-n", metavar="NAME", callback=require_utf_8, help="Only the workspaces of this namespace."
    ),
]


@app.command()
def move(
    *,
    from_cluster: FromCluster,
    to_cluster: ToCluster = None,
    namespace: OnlyNamespace = None,
    replace_empty: ReplaceEmpty = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be moved, and change nothing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Move them although the cluster is alive.")] = False,
    database: Database,
) -> None:
    """Move the workspaces of a cluster to another one, all of them or none.

    For a cluster that was made anew: resources of the same namespaces and names take the workspaces over, with their
    people, at their next reconcile.

    Exits with 0 when all are moved, or could be; 3 when any of them cannot, and then nothing is moved; 1 on an error.
    """
    from workspace_operator.application.operator.moves import MovePlanner

    with open_existing_store(database) as store:
        owners = _load_owners(store)
        move_planner = MovePlanner(
            workspaces=store.workspaces, ownership=store.ownership, owners=owners, replace_empty=replace_empty
        )
        moves = move_planner.plan(from_cluster, to_cluster, namespace)
        if owners.is_alive(from_cluster) and not (force or dry_run):
            raise InvalidInput(
                f"cluster {from_cluster} is alive: its operator has just written a heartbeat. Stop that operator and "
                "wait a minute, or say --force",
                field="--from-cluster",
            )
        is_possible = not any(each.conflict for each in moves)
        if is_possible and not dry_run:
            store.ownership.reassign([each.action for each in moves], replace_empty=replace_empty)
        _print_moves(moves, store, is_moved=is_possible and not dry_run)
    raise typer.Exit(0 if is_possible else STALLED)


@app.command()
def delete(
    workspace_id: WorkspaceID,
    *,
    confirm_name: Annotated[
        str,
        typer.Option("--confirm-name", metavar="NAME", help="The workspace's display name, to confirm the deletion."),
    ],
    database: Database,
) -> None:
    """Delete a workspace with all its people, for ever.

    A resource that still owns it says WorkspaceMissing afterwards.
    """
    from workspace_operator.reconcile.model.actions import DeleteWorkspace
    from workspace_operator.resources.display_names import comparison_key

    with open_existing_store(database) as store:
        workspace = store.workspaces.get(workspace_id)
        name, people = workspace.settings.display_name, store.people.count(workspace_id).total
        if comparison_key(confirm_name) != comparison_key(name):
            raise InvalidInput(
                f'--confirm-name {confirm_name!r} must be the display name of workspace {workspace_id}, "{name}": '
                "nothing was deleted",
                field="--confirm-name",
            )
        deletion = DeleteWorkspace(workspace_id=workspace_id, row_version=workspace.row_version)
        store.workspaces.apply(deletion, now=store.clock())
        echo(f'workspace number {workspace_id} "{name}" was deleted, with {people_text(people)}')


def _load_owners(store: "Repositories", kubeconfig: Path | None = None, context: str | None = None) -> "OwnerStates":
    from workspace_operator import bootstrap
    from workspace_operator.application.operator.orphans import OwnerStates

    cluster_names = (
        None if kubeconfig is None and context is None else bootstrap.list_cluster_names(kubeconfig, context)
    )
    return OwnerStates(heartbeats=store.heartbeats.all(), now=store.clock(), queried_cluster=cluster_names)


def _row(workspace: "Workspace", store: "Repositories", owners: "OwnerStates") -> Sequence[object]:
    owner, people = workspace.owner, store.people.count(workspace.workspace_id).total
    names = (owner.cluster, owner.namespace, owner.name, workspace.account)
    numbers = (workspace.workspace_id, workspace.settings.display_name, workspace.mode)
    return (*numbers, *names, people, owners.state(owner))


def _unknown_clusters(all_workspaces: "Sequence[Workspace]", owners: "OwnerStates") -> Sequence[str]:
    from workspace_operator.application.operator.orphans import OwnerState

    clusters = {each.owner.cluster for each in all_workspaces if owners.state(each.owner) is OwnerState.UNKNOWN}
    return sorted(clusters & owners.heartbeats.keys())


def _print_moves(moves: "Sequence[WorkspaceMove]", store: "Repositories", *, is_moved: bool) -> None:
    rows = []
    for each in moves:
        source, people = each.workspace.owner, store.people.count(each.workspace.workspace_id).total
        cells = (each.workspace.workspace_id, source.namespace, source.name, people)
        rows.append((*cells, source.cluster, each.owner.cluster, each.conflict))
    print_table(MOVE_COLUMNS, rows)
    number = f"{len(moves)} workspace" + ("" if len(moves) == 1 else "s")
    blocked_count = sum(bool(each.conflict) for each in moves)
    if is_moved:
        echo(f"\n{number} moved.")
    elif blocked_count:
        echo(f"\n{blocked_count} of {number} cannot be moved. Nothing was changed.")
    else:
        echo(f"\n{number} can be moved. Nothing was changed.")
