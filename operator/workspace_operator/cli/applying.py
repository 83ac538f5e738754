"""``workspacectl apply``: manifests brought into force without a cluster."""

import threading
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workspace_operator.cli.options import Database
from workspace_operator.cli.output import ERROR, STALLED, json_text, note, table, tell
from workspace_operator.cli.stores import opened
from workspace_operator.errors import InvalidInput
from workspace_operator.settings import DEFAULT_CLUSTER_ID

if TYPE_CHECKING:  # what a help text does not need is not loaded for it
    from workspace_operator.bootstrap import Store
    from workspace_operator.resources.manifests import Manifest

Document = Mapping[str, Any]

EXAMPLES = """
Examples:

\b
  workspacectl apply -f crm.yaml
  workspacectl apply -f examples/ --database sqlite:///workspaces.db -o yaml
"""


class Format(StrEnum):
    """How resources are printed."""

    TABLE = "table"
    YAML = "yaml"
    JSON = "json"


def apply(
    *,
    filename: Annotated[Path, typer.Option("-f", "--filename", metavar="FILE|FOLDER", help="Manifests of Workspaces.")],
    output: Annotated[Format, typer.Option("--output", "-o", help="How to print the resources.")] = Format.TABLE,
    cluster_id: Annotated[
        str, typer.Option("--cluster-id", metavar="ID", help="Names this set of manifests in the database.")
    ] = DEFAULT_CLUSTER_ID,
    database: Database,
) -> None:
    """Bring Workspace manifests into force without any cluster.

    All manifests are checked before any is applied; then their statuses are printed.

    Exits with 0 when all are Ready, 3 when one waits for a person (blocked or in conflict), 1 on an error.
    """
    from workspace_operator.resources.manifests import load_manifests

    found = load_manifests(filename)
    for other in found.others:
        note(f"left out: {other.title} ({other.where()})")
    with opened(database) as store:
        _refuse_invalid(found.ours, store, cluster_id)
        done = _applied([manifest.document for manifest in found.ours], store, cluster_id)
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
        clock=bootstrap.utc_now,
    )
    return list(applying.run(documents))


def _refuse_invalid(manifests: "Sequence[Manifest]", store: "Store", cluster: str) -> None:
    from workspace_operator.application.applying import validated

    problems = [
        f"{manifest.title}: {manifest.told(problem)}"
        for manifest in manifests
        for problem in validated(manifest.document, store.workspaces, cluster=cluster)
    ]
    if problems:
        raise InvalidInput("nothing was applied:\n" + "\n".join(problems))


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
