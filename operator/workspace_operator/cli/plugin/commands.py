"""The commands of ``kubectl ws``: which arguments ``workspacectl`` gets, and which standard input."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import typer

from workspace_operator.application.manifests.validation import validate_manifests
from workspace_operator.cli import app as workspacectl
from workspace_operator.cli.plugin.kubectl import Kubectl
from workspace_operator.cli.plugin.pod_files import paths_in_pod
from workspace_operator.cli.support.manifest_files import read_manifests, refuse_problems
from workspace_operator.cli.support.output import ERROR, info
from workspace_operator.resources.manifests import FILE_LIMIT_BYTES, Manifest

NOTHING_PLANNED: Final = "nothing was planned: an apply would refuse all manifests"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """How a call reaches the database: through the operator's pod, or directly if ``database`` is given."""

    kubectl: Kubectl
    database: str | None = None


def run_plan(plugin: Plugin, arguments: Sequence[str]) -> int:
    """Plan local manifests: they are read and validated here, and sent over standard input. Returns the exit code."""
    if plugin.database is not None:
        return run_here(plugin.database, ["plan", *arguments, *_cluster_option(plugin, arguments)])
    command = workspacectl.load_command("plan")
    # Without a database in the arguments, the command would look for one here.
    with command.make_context("plan", [*arguments, "--database", ""]) as context:
        given = context.params
    if given["previous"]:
        raise typer.BadParameter(
            "it needs --database, since the pod gets one set of manifests only. Without access to the database, leave "
            "it out: the plan names the workspaces that have no manifest, but not what their deletion would do",
            param_hint="--previous",
        )
    manifests = read_manifests(given["filename"], given["kustomize"], recursive=given["recursive"]).ours
    refuse_problems(validate_manifests(manifests), NOTHING_PLANNED)
    options = ["--samples", str(given["samples"]), "--output", given["output"].value]
    cluster = [] if given["cluster_id"] is None else ["--cluster-id", given["cluster_id"]]
    sent = ["plan", "--filename", "-", *options, *(cluster or _cluster_option(plugin, arguments))]
    return plugin.kubectl.run_in_pod(sent, content=_as_list(manifests, plugin.kubectl))


def run_validate(arguments: Sequence[str]) -> None:
    """Validate local manifests in this process, which exits."""
    workspacectl.main(["validate", *arguments])


def print_violations(plugin: Plugin, workspace: str, arguments: Sequence[str]) -> int:
    """Print the people who block the identifier change of a Workspace. Returns the exit code."""
    if any(word.partition("=")[0] in {"-o", "--output"} for word in arguments):
        raise typer.BadParameter("the CSV goes to standard output: redirect it to a file")
    namespace, _, name = workspace.rpartition("/")
    full_name = f"{namespace or plugin.kubectl.own_namespace()}/{name}"
    words = ["exports", "get", "--workspace", full_name, *arguments, *_cluster_option(plugin, arguments)]
    return run_anything(plugin, words)


def run_anything(plugin: Plugin, arguments: Sequence[str]) -> int:
    """Run any command, with the standard input of this process. Returns the exit code.

    Raises a usage error for a file of this machine if the command runs in the pod.
    """
    if plugin.database is not None:
        return run_here(plugin.database, arguments)
    paths = paths_in_pod(arguments)
    code = plugin.kubectl.run_in_pod(arguments)
    if code == ERROR and paths:
        info(f"note: the command ran in the operator's pod, and so these are paths there: {', '.join(paths)}")
    return code


def run_here(database: str, arguments: Sequence[str]) -> int:
    """Run a command in this process. Returns its exit code."""
    try:
        workspacectl.main([*arguments, "--database", database])
    except SystemExit as ended:
        return int(ended.code or 0)


def _cluster_option(plugin: Plugin, arguments: Sequence[str]) -> list[str]:
    """The cluster of the resources, unless the user names it."""
    if any(word.partition("=")[0] == "--cluster-id" for word in arguments):
        return []
    cluster = plugin.kubectl.cluster_id()
    return [] if cluster is None else ["--cluster-id", cluster]


def _as_list(manifests: Sequence[Manifest], kubectl: Kubectl) -> bytes:
    """The manifests as one List in JSON, each with its namespace, as ``kubectl apply`` would send it.

    Raises a usage error if the text is larger than workspacectl reads.
    """
    items: list[Any] = [manifest.document for manifest in manifests]
    incomplete = [item for item in items if not item["metadata"].get("namespace")]
    if incomplete:
        namespace = {"namespace": kubectl.own_namespace()}
        items = [item | {"metadata": item["metadata"] | namespace} if item in incomplete else item for item in items]
    content = json.dumps({"apiVersion": "v1", "kind": "List", "items": items}, separators=(",", ":")).encode()
    if len(content) > FILE_LIMIT_BYTES:
        raise typer.BadParameter(f"the manifests have more than {FILE_LIMIT_BYTES} bytes: plan them in parts")
    return content
