"""``workspacectl plan``: preview an apply."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import typer

from workspace_operator import bootstrap
from workspace_operator.application.manifests.planner import Planner
from workspace_operator.cli.support import plan_output
from workspace_operator.cli.support.manifest_files import (
    Filenames,
    Kustomize,
    Recursive,
    read_manifests,
    refuse_problems,
)
from workspace_operator.cli.support.options import Database, OwnClusterID
from workspace_operator.cli.support.output import STALLED, json_text
from workspace_operator.reconcile.plan.results import PlannedResource, PlanResult, combined_result
from workspace_operator.settings import DEFAULT_CLUSTER_ID
from workspace_operator.workspaces.model import Workspace

app = typer.Typer()

EXIT_CODES = {PlanResult.NOTHING: 0, PlanResult.CHANGES: 2, PlanResult.BLOCKED: STALLED}
DEFAULT_SAMPLES = 3
MAX_SAMPLES = 100

EXAMPLES = """
Examples:

\b
  workspacectl plan -f crm.yaml
  workspacectl plan -f examples/ --samples 0 -o markdown
  workspacectl plan -R -f workspaces/ -f shared.yaml
  kubectl kustomize overlays/staging | workspacectl plan -f -
"""


class Format(StrEnum):
    """Output format of a plan."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"


@app.command("plan", epilog=EXAMPLES)
def plan(
    *,
    filename: Filenames = None,
    kustomize: Kustomize = None,
    recursive: Recursive = False,
    samples: Annotated[
        int,
        typer.Option(
            "--samples", metavar="N", min=0, max=MAX_SAMPLES, help="How many people to print for each violation."
        ),
    ] = DEFAULT_SAMPLES,
    output: Annotated[Format, typer.Option("--output", "-o", help="The output format.")] = Format.TABLE,
    cluster_id: OwnClusterID = None,
    database: Database,
) -> None:
    """Show what an apply would change.

    A change of identifiers is checked against all people. Nothing is written.

    Exit codes: 0 nothing to do; 2 something would change; 3 a workspace would be blocked or in conflict, so a user
    would have to act; 1 an error; 64 wrong usage.
    """
    manifests = read_manifests(filename, kustomize, recursive=recursive).ours
    documents = [manifest.document for manifest in manifests]
    with bootstrap.open_readonly(database) as previews:
        cluster = cluster_id or DEFAULT_CLUSTER_ID
        planner = Planner(previews, cluster_id=cluster, now=bootstrap.utc_now(), samples=samples)
        problems = ((manifest, problem) for manifest in manifests for problem in planner.problems(manifest.document))
        refuse_problems(problems, "nothing was planned: an apply would refuse all manifests")
        if cluster_id is None:
            planner.refuse_other_clusters(documents)
        resources, without_manifest = planner.plan(documents), planner.without_manifest(documents)
    _print_plan(resources, without_manifest, output)
    raise typer.Exit(EXIT_CODES[combined_result(resources)])


def _print_plan(resources: Sequence[PlannedResource], without_manifest: Sequence[Workspace], output: Format) -> None:
    if output is Format.JSON:
        print(json_text(plan_output.plan_document(resources, without_manifest)))
    elif output is Format.MARKDOWN:
        plan_output.print_markdown(resources, without_manifest)
    else:
        plan_output.print_plan(resources, without_manifest)
