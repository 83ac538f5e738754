"""``workspacectl apply``: manifests brought into force without a cluster."""

import threading
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workspace_operator.cli.manifest_files import (
    Filenames,
    Kustomize,
    Recursive,
    manifests_of,
    refuse_problems,
)
from workspace_operator.cli.options import Database, OwnClusterID
from workspace_operator.cli.output import ERROR, STALLED, json_text, note, table, tell
from workspace_operator.cli.stores import made
from workspace_operator.settings import DEFAULT_CLUSTER_ID

if TYPE_CHECKING:  # what a help text does not need is not loaded for it
    from workspace_operator.bootstrap import Store
    from workspace_operator.resources.manifests import Manifest

Document = Mapping[str, Any]

MAX_NAMED = 10
"""Workspaces that are named as new."""

EXAMPLES = """
Examples:

\b
  workspacectl apply -f crm.yaml
  workspacectl apply -f examples/ --database sqlite:///workspaces.db -o yaml
  kubectl kustomize overlays/staging | workspacectl apply -f -
"""


class Format(StrEnum):
    """How resources are printed."""

    TABLE = "table"
    YAML = "yaml"
    JSON = "json"


def apply(
    *,
    filename: Filenames = None,
    kustomize: Kustomize = None,
    recursive: Recursive = False,
    output: Annotated[Format, typer.Option("--output", "-o", help="How to print the resources.")] = Format.TABLE,
    cluster_id: OwnClusterID = None,
    database: Database,
) -> None:
    """Bring Workspace manifests into force without any cluster.

    All manifests are checked before any is applied; then their statuses are printed.

    Exits with 0 when all are Ready, 3 when one waits for a person (blocked or in conflict), 1 on an error.
    """
    found = manifests_of(filename, kustomize, recursive=recursive)
    with made(database) as store:
        cluster = cluster_id or DEFAULT_CLUSTER_ID
        _refuse_invalid(found.ours, store, cluster)
        documents = [manifest.document for manifest in found.ours]
        if cluster_id is None:
            _refuse_other_clusters(documents, store)
        before = _owned(store, cluster)
        done = _applied(documents, store, cluster)
        _tell_made(_owned(store, cluster) - before)
    _print(done, output)
    raise typer.Exit(_exit_code(done))


def _applied(documents: Sequence[Document], store: "Store", cluster: str) -> Sequence[Document]:
    from workspace_operator import bootstrap
    from workspace_operator.application.applying import Applying, ManifestResources
    from workspace_operator.resources.manifests import name_of

    resources = ManifestResources(cluster_id=cluster, names=frozenset(map(name_of, documents)))
    applying = Applying(
        reconciler=bootstrap.reconciler(store, resources, cluster),
        worker=bootstrap.migration_worker(store, threading.Event()),
        clock=store.clock,
    )
    return list(applying.run(documents))


def _refuse_invalid(manifests: "Sequence[Manifest]", store: "Store", cluster: str) -> None:
    from workspace_operator.application.applying import validated

    problems = (
        (manifest, problem)
        for manifest in manifests
        for problem in validated(manifest.document, store.workspaces, cluster=cluster)
    )
    refuse_problems(problems, "nothing was applied")


def _owned(store: "Store", cluster: str) -> AbstractSet[tuple[str, str]]:
    owners = (each.owner for each in store.workspaces.list())
    return {(owner.namespace, owner.name) for owner in owners if owner.cluster == cluster}


def _tell_made(names: AbstractSet[tuple[str, str]]) -> None:
    """Say which workspaces are new: no status remembers those of a database that was lost."""
    if names:
        listed = ", ".join("/".join(name) for name in sorted(names)[:MAX_NAMED])
        more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
        note(f"new workspaces: {listed}{more}")


def _refuse_other_clusters(documents: Sequence[Document], store: "Store") -> None:
    from workspace_operator.application.cluster_choice import refuse_other_clusters
    from workspace_operator.resources.manifests import name_of

    refuse_other_clusters(
        store.workspaces.list(),
        store.heartbeats.all().keys(),
        frozenset(map(name_of, documents)),
        cluster_id=DEFAULT_CLUSTER_ID,
    )


def _print(documents: Sequence[Document], output: Format) -> None:
    if output is Format.TABLE:
        _print_table(documents)
    elif output is Format.JSON:
        print(json_text(documents))
    else:
        print(_yaml(documents), end="")


def _yaml(documents: Sequence[Document]) -> str:
    import yaml

    text: str = yaml.safe_dump_all(documents, allow_unicode=True, sort_keys=False)
    if text.replace("\n", "").isprintable():
        return text
    escaped: str = yaml.safe_dump_all(documents, allow_unicode=False, sort_keys=False)
    return escaped


def _print_table(documents: Sequence[Document]) -> None:
    rows = []
    for document in documents:
        status, ready = document["status"], _ready(document)
        identifiers, people = status.get("identifiers", {}), status.get("people", {})
        in_force = (identifiers.get("mode"), people.get("total"))
        rows.append((*_name(document), ready["status"], ready["reason"], *in_force))
    table(("NAMESPACE", "NAME", "READY", "REASON", "IDENTIFIERS", "PEOPLE"), rows)
    for document in documents:
        if _ready(document)["status"] != "True":
            namespace, name = _name(document)
            tell(f"\n{namespace}/{name}: {_ready(document)['message']}")


def _name(document: Document) -> tuple[str, str]:
    return document["metadata"]["namespace"], document["metadata"]["name"]


def _ready(document: Document) -> Mapping[str, str]:
    conditions: Sequence[Mapping[str, str]] = document["status"]["conditions"]
    return next(each for each in conditions if each["type"] == "Ready")


def _exit_code(documents: Sequence[Document]) -> int:
    from workspace_operator.reconcile.verdicts import Reason

    reasons = {_ready(document)["reason"] for document in documents if _ready(document)["status"] != "True"}
    if not reasons:
        return 0
    return ERROR if Reason.STORE_UNAVAILABLE in reasons else STALLED
