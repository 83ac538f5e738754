"""``workspacectl apply``: manifests brought into force without a cluster."""

import json
import threading
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from workspace_operator import bootstrap
from workspace_operator.application.applying import Applying, ManifestResources, reason_of, validated
from workspace_operator.bootstrap import Store, opened
from workspace_operator.cli.options import Database
from workspace_operator.cli.output import ERROR, STALLED, console, errors, printable, row, table
from workspace_operator.errors import InvalidInput
from workspace_operator.reconcile.verdicts import Reason
from workspace_operator.resources.manifests import Manifest, load_manifests
from workspace_operator.settings import DEFAULT_CLUSTER_ID

Document = Mapping[str, Any]


class Format(StrEnum):
    """How resources are printed."""

    TABLE = "table"
    YAML = "yaml"
    JSON = "json"


def apply(
    filename: Annotated[
        Path, typer.Option("-f", "--filename", metavar="FILE|FOLDER", exists=True, help="Manifests of Workspaces.")
    ],
    database: Database,
    cluster_id: Annotated[
        str, typer.Option("--cluster-id", metavar="ID", help="Names this set of manifests in the database.")
    ] = DEFAULT_CLUSTER_ID,
    output: Annotated[Format, typer.Option("--output", "-o", help="How to print the resources.")] = Format.TABLE,
) -> None:
    """Bring Workspace manifests into force without any cluster, and print their statuses.

    All manifests are checked before any is applied. Exits with 0 when all are Ready, 3 when one waits for a person
    (blocked or in conflict), 1 on an error.
    """
    found = load_manifests(filename)
    for other in found.others:
        errors.print(f"left out: {printable(other.title)} ({other.where()})")
    with opened(database) as store:
        _refuse_invalid(found.ours, store, cluster_id)
        documents = [manifest.document for manifest in found.ours]
        resources = ManifestResources(cluster_id=cluster_id, names=frozenset(map(_name, documents)))
        applying = Applying(
            reconciler=bootstrap.reconciler(store, resources, cluster_id),
            worker=bootstrap.migration_worker(store, threading.Event()),
            clock=bootstrap.utc_now,
        )
        done = list(applying.run(documents))
    _print(done, output)
    raise typer.Exit(_exit_code(done))


def _refuse_invalid(manifests: Sequence[Manifest], store: Store, cluster: str) -> None:
    problems = [
        f"{manifest.title}: {manifest.told(problem)}"
        for manifest in manifests
        for problem in validated(manifest.document, store.workspaces, cluster=cluster)
    ]
    if problems:
        raise InvalidInput("nothing was applied:\n" + "\n".join(problems))


def _name(document: Document) -> tuple[str, str]:
    metadata = document["metadata"]
    return metadata.get("namespace", "default"), metadata["name"]


def _print(documents: Sequence[Document], output: Format) -> None:
    if output is Format.TABLE:
        _print_table(documents)
    elif output is Format.JSON:
        typer.echo(json.dumps(documents, ensure_ascii=False, indent=2))
    else:
        typer.echo(yaml.safe_dump_all(documents, allow_unicode=True, sort_keys=False), nl=False)


def _print_table(documents: Sequence[Document]) -> None:
    shown = table("NAMESPACE", "NAME", "READY", "REASON", "IDENTIFIERS", "PEOPLE")
    for document in documents:
        status = document["status"]
        ready = _ready(document)
        identifiers, people = status.get("identifiers", {}), status.get("people", {})
        row(shown, *_name(document), ready["status"], ready["reason"], identifiers.get("mode"), people.get("total"))
    console.print(shown)
    for document in documents:
        if _ready(document)["status"] != "True":
            namespace, name = _name(document)
            console.print(f"\n{namespace}/{name}: {printable(_ready(document)['message'])}")


def _ready(document: Document) -> Mapping[str, str]:
    conditions: Sequence[Mapping[str, str]] = document["status"]["conditions"]
    return next(each for each in conditions if each["type"] == "Ready")


def _exit_code(documents: Sequence[Document]) -> int:
    reasons = {reason_of(document) for document in documents if _ready(document)["status"] != "True"}
    if not reasons:
        return 0
    return ERROR if Reason.STORE_UNAVAILABLE in reasons else STALLED
