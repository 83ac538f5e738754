"""``workspacectl workspaces``: the stored workspaces and their owners."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from workspace_operator import bootstrap
from workspace_operator.application.operator.moves import MovePlanner, WorkspaceMove
from workspace_operator.application.operator.orphans import OwnerState, OwnerStates
from workspace_operator.application.operator.send_behavior import SendBehaviorSwitch
from workspace_operator.bootstrap import Repositories, open_existing_store
from workspace_operator.cli.support.options import (
    MAX_NUMBER,
    Database,
    input_file_option,
    parse_namespaced_name,
    require_utf_8,
    text_option,
)
from workspace_operator.cli.support.output import STALLED, echo, info, people_text, print_table, time_text
from workspace_operator.cli.support.records import ListFormat, ListOutput, print_list
from workspace_operator.errors import InvalidInput
from workspace_operator.reconcile.model.actions import ChangeOwner, DeleteWorkspace
from workspace_operator.reconcile.model.sending import ObservedSending
from workspace_operator.resources.display_names import comparison_key
from workspace_operator.sending.rules import SendMode
from workspace_operator.workspaces.model import Owner, Workspace

app = typer.Typer(name="workspaces", help="List, assign, move, stop and delete workspaces.", no_args_is_help=True)

COLUMNS = ("id", "display_name", "identifiers", "cluster", "namespace", "name", "account", "people", "owner")
MOVE_COLUMNS = ("ID", "NAMESPACE", "NAME", "PEOPLE", "FROM CLUSTER", "TO CLUSTER", "OBSTACLE")

Kubeconfig = Annotated[Path | None, input_file_option("--kubeconfig", "Query this cluster for its resources.")]
KubeContext = Annotated[
    str | None, typer.Option("--context", metavar="NAME", help="Query the cluster of this context of the kubeconfig.")
]
ReplaceEmpty = Annotated[
    bool, typer.Option("--replace-empty", help="Delete the workspace that the new owner has, if it is empty.")
]


@app.command("list")
def list_workspaces(
    *,
    orphans: Annotated[
        bool, typer.Option("--orphans", help="Only workspaces without a known, existing resource.")
    ] = False,
    output: ListOutput = ListFormat.TABLE,
    kubeconfig: Kubeconfig = None,
    kube_context: KubeContext = None,
    database: Database,
) -> None:
    """List all workspaces, with the resources that own them.

    OWNER is "present" or "gone" for resources of a cluster that is queried (--kubeconfig or --context). For other
    clusters it is "cluster silent" if their operators no longer write heartbeats, else "unknown".
    """
    with open_existing_store(database) as store:
        owners = _load_owners(store, kubeconfig, kube_context)
        all_workspaces = store.workspaces.list()
        listed = [workspace for workspace in all_workspaces if not orphans or owners.is_orphan(workspace.owner)]
        print_list(COLUMNS, [_row(workspace, store, owners) for workspace in listed], output)
    if orphans and (clusters := _unknown_clusters(all_workspaces, owners)):
        reason = "since their clusters were not queried (--kubeconfig)"
        info(f"not listed, {reason}: the workspaces of {', '.join(clusters)}")


WorkspaceID = Annotated[
    int, typer.Argument(metavar="ID", min=1, max=MAX_NUMBER, help="The number of the workspace, as in workspaces list.")
]


@app.command()
def assign(
    workspace_id: WorkspaceID,
    *,
    to: Annotated[str, text_option("--to", metavar="NAMESPACE/NAME", help_text="The resource that becomes the owner.")],
    replace_empty: ReplaceEmpty = False,
    cluster_id: Annotated[
        str | None,
        text_option("--cluster-id", metavar="ID", help_text="The cluster of the resource. Default: unchanged."),
    ] = None,
    database: Database,
) -> None:
    """Assign a workspace to another resource.

    The resource can be in another namespace or cluster. It takes the workspace over at its next reconcile. The
    previous owner, if it still exists, is Stalled until it is deleted.
    """
    namespace, name = parse_namespaced_name(to, "--to")
    with open_existing_store(database) as store:
        workspace = store.workspaces.get(workspace_id)
        owner = Owner(cluster=cluster_id or workspace.owner.cluster, namespace=namespace, name=name, uid="")
        change_owner = ChangeOwner(workspace_id=workspace_id, row_version=workspace.row_version, owner=owner)
        store.ownership.reassign([change_owner], replace_empty=replace_empty)
        echo(f"workspace number {workspace_id} now belongs to {to} of cluster {owner.cluster}")


FromCluster = Annotated[
    str, text_option("--from-cluster", metavar="ID", help_text="The cluster that owns the workspaces.")
]
ToCluster = Annotated[
    str | None, text_option("--to-cluster", metavar="ID", help_text="The new cluster. Default: the only other one.")
]
OnlyNamespace = Annotated[
    str | None, text_option("--namespace", "-n", metavar="NAME", help_text="Only workspaces of this namespace.")
]


@app.command()
def move(
    *,
    from_cluster: FromCluster,
    to_cluster: ToCluster = None,
    namespace: OnlyNamespace = None,
    replace_empty: ReplaceEmpty = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be moved.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Move workspaces of a cluster that is alive.")] = False,
    database: Database,
) -> None:
    """Move the workspaces of a cluster to another one: all or none.

    Use it after a cluster was created again: at their next reconcile, resources of the same namespaces and names take
    over the workspaces, with their people.

    Exit codes: 0 all are moved, or can be; 3 one cannot be moved, so none is; 1 an error; 64 wrong usage.
    """
    with open_existing_store(database) as store:
        owners = _load_owners(store)
        workspaces, ownership = store.workspaces, store.ownership
        planner = MovePlanner(workspaces=workspaces, ownership=ownership, owners=owners, replace_empty=replace_empty)
        moves = planner.plan(from_cluster, to_cluster, namespace)
        if owners.is_alive(from_cluster) and not (force or dry_run):
            raise InvalidInput(
                f"cluster {from_cluster} is alive: its operator has just written a heartbeat. Stop that operator and "
                "wait a minute, or add --force",
                field="--from-cluster",
            )
        is_possible = not any(move.conflict for move in moves)
        if is_possible and not dry_run:
            ownership.reassign([move.action for move in moves], replace_empty=replace_empty)
        _print_moves(moves, store, is_moved=is_possible and not dry_run)
        if is_possible and not dry_run:
            _print_accounts_left(store, from_cluster)
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
    """Delete a workspace with all its people, permanently.

    It sends no more messages first, and is deleted when the hand-overs under way have ended: within 30 seconds. A
    resource that still owns it gets the reason WorkspaceMissing.
    """
    with open_existing_store(database) as store:
        workspace = store.workspaces.get(workspace_id)
        name, people = workspace.settings.display_name, store.people.count(workspace_id).total
        if comparison_key(confirm_name) != comparison_key(name):
            raise InvalidInput(
                f'--confirm-name {confirm_name!r} must be the display name of workspace {workspace_id}, "{name}": '
                "nothing was deleted",
                field="--confirm-name",
            )
        switch = SendBehaviorSwitch(workspaces=store.workspaces, clock=store.clock)
        workspace = switch.put_in_force(workspace_id, SendMode.NEVER)
        switch.wait(workspace, _print_hand_overs)
        deletion = DeleteWorkspace(workspace_id=workspace_id, row_version=workspace.row_version)
        store.workspaces.apply(deletion, now=store.clock())
        echo(f'workspace number {workspace_id} "{name}" was deleted, with {people_text(people)}')


@app.command("set-sending")
def set_sending(
    workspace_id: WorkspaceID,
    mode: Annotated[SendMode, typer.Argument(metavar="MODE", help="Never, Test or Normal.")],
    test_address: Annotated[
        str | None,
        typer.Argument(metavar="ADDRESS", help="With Test: the address that receives all e-mail.", show_default=False),
    ] = None,
    *,
    force: Annotated[
        bool,
        typer.Option("--force", help="Also if its resource may exist, whose value the operator puts in force again."),
    ] = False,
    kubeconfig: Kubeconfig = None,
    kube_context: KubeContext = None,
    database: Database,
) -> None:
    """Change the send behavior of a workspace without a resource.

    The command waits until the new behavior holds. With Never, nothing leaves any more when it ends: it waits
    for hand-overs under way, at most 30 seconds.
    For a workspace with a resource or a manifest, change spec.sendBehavior there: the next reconcile puts that value in
    force.
    """
    with open_existing_store(database) as store:
        workspace = store.workspaces.get(workspace_id)
        owners = _load_owners(store, kubeconfig, kube_context)
        if not (force or owners.is_orphan(workspace.owner)):
            raise InvalidInput(_owner_may_exist(workspace), field="ID")
        switch = SendBehaviorSwitch(workspaces=store.workspaces, clock=store.clock)
        workspace = switch.put_in_force(workspace_id, mode, require_utf_8(test_address))
        switch.wait(workspace, _print_hand_overs)
    name = workspace.settings.display_name
    echo(f'workspace number {workspace_id} "{name}": {mode} is in force, and no message is in flight under other rules')


def _owner_may_exist(workspace: Workspace) -> str:
    owner = workspace.owner
    return (
        f"workspace {workspace.workspace_id} belongs to {owner.namespace}/{owner.name} of cluster {owner.cluster}, "
        "whose operator is alive and would put the value of that resource in force again: change spec.sendBehavior "
        "there. If the resource is gone, name its cluster (--kubeconfig or --context), or add --force"
    )


def _print_hand_overs(sending: ObservedSending) -> None:
    messages = "1 message is" if sending.draining == 1 else f"{sending.draining} messages are"
    latest = "" if sending.drained_by is None else f", until {time_text(sending.drained_by)} at the latest"
    info(f"{messages} being handed over under the earlier rules{latest}: waiting")


def _load_owners(store: Repositories, kubeconfig: Path | None = None, context: str | None = None) -> OwnerStates:
    names = None if kubeconfig is None and context is None else bootstrap.list_cluster_names(kubeconfig, context)
    return OwnerStates(heartbeats=store.heartbeats.all(), now=store.clock(), queried_cluster=names)


def _row(workspace: Workspace, store: Repositories, owners: OwnerStates) -> Sequence[object]:
    owner, people = workspace.owner, store.people.count(workspace.workspace_id).total
    names = (owner.cluster, owner.namespace, owner.name, workspace.account)
    numbers = (workspace.workspace_id, workspace.settings.display_name, workspace.mode)
    return (*numbers, *names, people, owners.state(owner))


def _unknown_clusters(all_workspaces: Sequence[Workspace], owners: OwnerStates) -> Sequence[str]:
    all_owners = [workspace.owner for workspace in all_workspaces]
    clusters = {owner.cluster for owner in all_owners if owners.state(owner) is OwnerState.UNKNOWN}
    return sorted(clusters & owners.heartbeats.keys())


def _print_accounts_left(store: Repositories, cluster: str) -> None:
    """Print that Accounts of a cluster without workspaces are still in force."""
    left = len(store.accounts.keys(cluster))
    if left and not any(workspace.owner.cluster == cluster for workspace in store.workspaces.list()):
        accounts = "1 Account" if left == 1 else f"{left} Accounts"
        info(
            f"cluster {cluster} has no workspaces and {accounts}: to remove what is left, "
            f"workspacectl accounts remove --all --cluster-id {cluster}"
        )


def _print_moves(moves: Sequence[WorkspaceMove], store: Repositories, *, is_moved: bool) -> None:
    rows = []
    for move in moves:
        source, people = move.workspace.owner, store.people.count(move.workspace.workspace_id).total
        cells = (move.workspace.workspace_id, source.namespace, source.name, people)
        rows.append((*cells, source.cluster, move.owner.cluster, move.conflict))
    print_table(MOVE_COLUMNS, rows)
    number = f"{len(moves)} workspace" + ("" if len(moves) == 1 else "s")
    blocked_count = sum(bool(move.conflict) for move in moves)
    if is_moved:
        echo(f"\n{number} moved.")
    elif blocked_count:
        echo(f"\n{blocked_count} of {number} cannot be moved. Nothing was changed.")
    else:
        echo(f"\n{number} can be moved. Nothing was changed.")
