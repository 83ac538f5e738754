"""Whether manifests mean the cluster that a database belongs to: without ``--cluster-id`` that is easily forgotten."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from workspace_operator.errors import InvalidInput
from workspace_operator.workspaces.model import Workspace

MAX_NAMED = 5


def refuse_other_clusters(
    workspaces: Iterable[Workspace],
    clusters: Collection[str],
    names: Collection[tuple[str, str]],
    *,
    cluster_id: str,
) -> None:
    """Refuse manifests for a cluster that nobody has named, if the database belongs to another one.

    Args:
        workspaces: all that the database has.
        clusters: those whose operators write heartbeats into it.
        names: namespaces and names of the manifests.
        cluster_id: what the manifests are taken to be of, since nothing else was said.

    Raises:
        InvalidInput: the database has nothing of that cluster and something of others, or a manifest would make a
            second workspace beside one of the same namespace and name.
    """
    counts = Counter(dict.fromkeys(clusters, 0))
    places: dict[tuple[str, str], set[str]] = {}
    for each in workspaces:
        counts[each.owner.cluster] += 1
        places.setdefault((each.owner.namespace, each.owner.name), set()).add(each.owner.cluster)
    others = sorted(set(counts) - {cluster_id})
    if others and cluster_id not in counts:
        raise _refusal(f"the database belongs to {_listed(others, counts)}", others, cluster_id)
    doubled = sorted(name for name in names if places.get(name) and cluster_id not in places[name])
    if doubled:
        owners = sorted(set().union(*(places[name] for name in doubled)))
        titles = ", ".join("/".join(name) for name in doubled[:MAX_NAMED])
        more = f" and {len(doubled) - MAX_NAMED} more" if len(doubled) > MAX_NAMED else ""
        raise _refusal(f"{titles}{more} would be made beside those of {_listed(owners, counts)}", owners, cluster_id)


def _listed(clusters: Sequence[str], counts: Counter[str]) -> str:
    named = [f"{each} ({_workspaces(counts[each])})" for each in clusters[:MAX_NAMED]]
    more = [f"{len(clusters) - MAX_NAMED} more"] if len(clusters) > MAX_NAMED else []
    return ("cluster " if len(clusters) == 1 else "clusters ") + ", ".join(named + more)


def _workspaces(count: int) -> str:
    return "1 workspace" if count == 1 else f"{count} workspaces"


def _refusal(what: str, clusters: Sequence[str], cluster_id: str) -> InvalidInput:
    return InvalidInput(
        f"{what}: say --cluster-id {clusters[0]} if the manifests are of that cluster, or --cluster-id {cluster_id} to "
        "begin a set of their own",
        field="--cluster-id",
    )
