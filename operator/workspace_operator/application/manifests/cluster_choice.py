"""Check that manifests belong to the cluster of the database, in case ``--cluster-id`` was forgotten."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from workspace_operator.errors import InvalidInput
from workspace_operator.workspaces.model import Workspace

MAX_NAMED = 5


def refuse_other_clusters(
    workspaces: Iterable[Workspace], clusters: Collection[str], names: Collection[tuple[str, str]], *, cluster_id: str
) -> None:
    """Refuse manifests for the default cluster ID if the database belongs to another cluster.

    ``clusters`` are those whose operators write heartbeats into the database; ``names`` are those of the manifests;
    ``cluster_id`` is the default ID, which applies since none was given.

    Raises:
        InvalidInput: the database has no workspaces of that cluster but some of others, or a manifest would create a
            second workspace with the same namespace and name.
    """
    counts = Counter(dict.fromkeys(clusters, 0))
    clusters_by_name: dict[tuple[str, str], set[str]] = {}
    for workspace in workspaces:
        owner = workspace.owner
        counts[owner.cluster] += 1
        clusters_by_name.setdefault((owner.namespace, owner.name), set()).add(owner.cluster)
    others = sorted(set(counts) - {cluster_id})
    if others and cluster_id not in counts:
        raise _refusal(f"the database belongs to {_format_clusters(others, counts)}", others, cluster_id)
    duplicates = sorted(name for name in names if cluster_id not in clusters_by_name.get(name, {cluster_id}))
    if duplicates:
        owners = sorted(set().union(*(clusters_by_name[name] for name in duplicates)))
        titles = ", ".join("/".join(name) for name in duplicates[:MAX_NAMED])
        more = f" and {len(duplicates) - MAX_NAMED} more" if len(duplicates) > MAX_NAMED else ""
        problem = f"{titles}{more} would duplicate workspaces of {_format_clusters(owners, counts)}"
        raise _refusal(problem, owners, cluster_id)


def _format_clusters(clusters: Sequence[str], counts: Counter[str]) -> str:
    named = [f"{cluster} ({_workspaces(counts[cluster])})" for cluster in clusters[:MAX_NAMED]]
    more = [f"{len(clusters) - MAX_NAMED} more"] if len(clusters) > MAX_NAMED else []
    return ("cluster " if len(clusters) == 1 else "clusters ") + ", ".join(named + more)


def _workspaces(count: int) -> str:
    return "1 workspace" if count == 1 else f"{count} workspaces"


def _refusal(problem: str, clusters: Sequence[str], cluster_id: str) -> InvalidInput:
    return InvalidInput(
        f"{problem}: add --cluster-id {clusters[0]} if the manifests belong to that cluster, or --cluster-id "
        f"{cluster_id} to create separate workspaces",
        field="--cluster-id",
    )
