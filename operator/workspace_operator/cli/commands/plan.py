"""``workspacectl plan``: preview an apply."""

from enum import StrEnum
from pathlib import Path
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
from workspace_operator.cli.support.plan_output import WholePlan
from workspace_operator.reconcile.plan.results import PlanResult
from workspace_operator.resources.manifests import load_manifests
from workspace_operator.settings import DEFAULT_CLUSTER_ID

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
  workspacectl plan -f workspaces/ --previous ../main/workspaces/
"""


class Format(StrEnum):
    """Output format of a plan."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"


Samples = Annotated[
    int,
    typer.Option("--samples", metavar="N", min=0, max=MAX_SAMPLES, help="How many people to print for each violation."),
]
Previous = Annotated[
    list[Path] | None,
    typer.Option(
        "--previous",
        metavar="FILE|FOLDER",
        help="The manifests before the change, to plan the deletion of those that are gone.",
    ),
]


@app.command("plan", epilog=EXAMPLES)
def plan(
    *,
    filename: Filenames = None,
    kustomize: Kustomize = None,
    recursive: Recursive = False,
    samples: Samples = DEFAULT_SAMPLES,
    previous: Previous = None,
    output: Annotated[Format, typer.Option("--output", "-o", help="The output format.")] = Format.TABLE,
    cluster_id: OwnClusterID = None,
    database: Database,
) -> None:
    """Show what an apply would change.

    A change of identifiers is checked against all people. Nothing is written.

    Exit codes: 0 nothing to do; 2 something would change; 3 a workspace would be blocked or in conflict, so a user
    would have to act; 1 an error; 64 wrong usage.
    """
    manifests = read_manifests(filename, kustomize, recursive=recursive, may_be_empty=previous is not None).ours
    documents = [manifest.document for manifest in manifests]
    earlier = load_manifests(*(previous or ()), recursive=recursive, may_be_empty=True).ours
    earlier_documents = [manifest.document for manifest in earlier]
    with bootstrap.open_readonly(database) as previews:
        cluster = cluster_id or DEFAULT_CLUSTER_ID
        planner = Planner(previews, cluster_id=cluster, now=bootstrap.utc_now(), samples=samples)
        problems = ((manifest, problem) for manifest in manifests for problem in planner.problems(manifest.document))
        refuse_problems(problems, "nothing was planned: an apply would refuse all manifests")
        if cluster_id is None:
            planner.refuse_other_clusters(documents)
        whole = WholePlan(
            resources=planner.plan(documents),
            removals=planner.removals(earlier_documents, documents),
            without_manifest=planner.without_manifest([*documents, *earlier_documents]),
        )
    _print_plan(whole, output)
    raise typer.Exit(EXIT_CODES[whole.result])


def _print_plan(plan: WholePlan, output: Format) -> None:
    if output is Format.JSON:
        print(json_text(plan_output.plan_document(plan)))
    elif output is Format.MARKDOWN:
        plan_output.print_markdown(plan)
    else:
        plan_output.print_plan(plan)
