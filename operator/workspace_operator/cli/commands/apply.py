"""``workspacectl apply``: apply manifests without a cluster."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from enum import StrEnum
from typing import Annotated, Any

import typer
import yaml

from workspace_operator import bootstrap
from workspace_operator.application.manifests.accounts import accounts_of, first_workspaces, workspaces_of
from workspace_operator.application.manifests.applier import ManifestApplier, ManifestResources, manifest_problems
from workspace_operator.application.manifests.cluster_choice import refuse_other_clusters
from workspace_operator.bootstrap import Repositories
from workspace_operator.cli.support.manifest_files import (
    Filenames,
    Kustomize,
    Recursive,
    read_manifests,
    refuse_problems,
)
from workspace_operator.cli.support.options import Database, OwnClusterID
from workspace_operator.cli.support.output import ERROR, STALLED, echo, info, json_text, print_table
from workspace_operator.reconcile.model.outcomes import Reason
from workspace_operator.reconcile.status.account_messages import first_name_taken
from workspace_operator.resources.manifests import namespace_and_name
from workspace_operator.settings import DEFAULT_CLUSTER_ID

app = typer.Typer()

Document = Mapping[str, Any]

MAX_NAMED = 10
"""How many new workspaces are listed by name."""

EXAMPLES = """
Examples:

\b
  workspacectl apply -f crm.yaml
  workspacectl apply -f examples/ --database sqlite:///workspaces.db -o yaml
  kubectl kustomize overlays/staging | workspacectl apply -f -
"""


class Format(StrEnum):
    """Output format of resources."""

    TABLE = "table"
    YAML = "yaml"
    JSON = "json"


@app.command("apply", epilog=EXAMPLES)
def apply(
    *,
    filename: Filenames = None,
    kustomize: Kustomize = None,
    recursive: Recursive = False,
    output: Annotated[Format, typer.Option("--output", "-o", help="The output format.")] = Format.TABLE,
    cluster_id: OwnClusterID = None,
    database: Database,
) -> None:
    """Apply Workspace and Account manifests without a cluster.

    All manifests are validated before the first one is applied. The resulting status is printed. Accounts come first.
    For an Account that has no workspace, the manifest of its first one is printed.

    Exit codes: 0 all are Ready; 3 one is blocked or in conflict, so a user must act; 1 an error; 64 wrong usage.
    """
    manifests = read_manifests(filename, kustomize, recursive=recursive).ours
    with bootstrap.open_store(database) as store:
        cluster = cluster_id or DEFAULT_CLUSTER_ID
        problems = (
            (manifest, problem)
            for manifest in manifests
            for problem in manifest_problems(manifest.document, store.workspaces, cluster=cluster)
        )
        refuse_problems(problems, "nothing was applied")
        documents = [manifest.document for manifest in manifests]
        if cluster_id is None:
            names, heartbeats = _workspace_names(documents), store.heartbeats.all()
            refuse_other_clusters(store.workspaces.list(), heartbeats.keys(), names, cluster_id=cluster)
        before = _owned_names(store, cluster)
        applied = _apply_documents(documents, store, cluster)
        _print_created(_owned_names(store, cluster) - before)
        first = first_workspaces(applied, store.accounts, cluster_id=cluster, now=store.clock())
        _print_first_workspaces(first, taken=_owned_names(store, cluster) | _workspace_names(documents))
    _print_documents(applied, output)
    raise typer.Exit(_exit_code(applied))


def _apply_documents(documents: Sequence[Document], store: Repositories, cluster: str) -> Sequence[Document]:
    resources = ManifestResources(cluster_id=cluster, names=_workspace_names(documents))
    applier = ManifestApplier(
        reconciler=bootstrap.make_reconciler(store, resources, cluster),
        accounts=bootstrap.make_account_reconciler(store, resources, cluster),
        worker=bootstrap.make_migration_worker(store),
        clock=store.clock,
    )
    return list(applier.run(documents))


def _workspace_names(documents: Sequence[Document]) -> frozenset[tuple[str, str]]:
    return frozenset(map(namespace_and_name, workspaces_of(documents)))


def _owned_names(store: Repositories, cluster: str) -> AbstractSet[tuple[str, str]]:
    owners = (workspace.owner for workspace in store.workspaces.list())
    return {(owner.namespace, owner.name) for owner in owners if owner.cluster == cluster}


def _print_created(names: AbstractSet[tuple[str, str]]) -> None:
    """Print which workspaces are new, so that a lost or wrong database is noticed."""
    if names:
        listed = ", ".join("/".join(name) for name in sorted(names)[:MAX_NAMED])
        more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
        info(f"new workspaces: {listed}{more}")


def _print_first_workspaces(manifests: Sequence[Document], *, taken: AbstractSet[tuple[str, str]]) -> None:
    """Print what an operator would create in a cluster, or that a Workspace of another account has the name."""
    for manifest in manifests:
        namespace, name = namespace_and_name(manifest)
        if (namespace, name) in taken:
            info(first_name_taken(namespace, name))
            continue
        text = yaml.safe_dump(manifest, allow_unicode=True, sort_keys=False).rstrip()
        info(f"the account {namespace}/{name} has no workspace yet; the manifest of its first one:\n---\n{text}")


def _print_documents(documents: Sequence[Document], output: Format) -> None:
    if output is Format.TABLE:
        _print_table(documents)
    elif output is Format.JSON:
        print(json_text(documents))
    else:
        text = yaml.safe_dump_all(documents, allow_unicode=True, sort_keys=False)
        if not text.replace("\n", "").isprintable():
            text = yaml.safe_dump_all(documents, allow_unicode=False, sort_keys=False)
        print(text, end="")


def _print_table(documents: Sequence[Document]) -> None:
    rows, account_rows = [], []
    for document in accounts_of(documents):
        ready, usage = _ready_condition(document), document["status"].get("usage", {})
        limit = document["spec"].get("plan", {}).get("workspaceLimit")
        account_rows.append(
            (*namespace_and_name(document), ready["status"], ready["reason"], usage.get("workspaces"), limit)
        )
    for document in workspaces_of(documents):
        status, ready = document["status"], _ready_condition(document)
        identifiers, people = status.get("identifiers", {}), status.get("people", {})
        mode_and_people = (identifiers.get("mode"), people.get("total"))
        rows.append((*namespace_and_name(document), ready["status"], ready["reason"], *mode_and_people))
    if account_rows:
        print_table(("NAMESPACE", "ACCOUNT", "READY", "REASON", "WORKSPACES", "LIMIT"), account_rows)
    if rows:
        print_table(("NAMESPACE", "NAME", "READY", "REASON", "IDENTIFIERS", "PEOPLE"), rows)
    for document in documents:
        ready = _ready_condition(document)
        if ready["status"] != "True":
            is_blocked = ready["reason"] == Reason.MIGRATION_BLOCKED
            condition = _condition(document, "IdentifiersApplied") if is_blocked else ready
            echo(f"\n{'/'.join(namespace_and_name(document))}: {condition['message']}")


def _ready_condition(document: Document) -> Mapping[str, str]:
    return _condition(document, "Ready")


def _condition(document: Document, condition_type: str) -> Mapping[str, str]:
    conditions: Sequence[Mapping[str, str]] = document["status"]["conditions"]
    return next(condition for condition in conditions if condition["type"] == condition_type)


def _exit_code(documents: Sequence[Document]) -> int:
    ready_conditions = map(_ready_condition, documents)
    reasons = {condition["reason"] for condition in ready_conditions if condition["status"] != "True"}
    if not reasons:
        return 0
    return ERROR if Reason.STORE_UNAVAILABLE in reasons else STALLED
