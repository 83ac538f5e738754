"""``workspacectl plan``: what an apply would do, without doing it."""

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from workspace_operator.cli.manifest_files import Filenames, Kustomize, Recursive, manifests_of, refuse_problems
from workspace_operator.cli.options import Database, OwnClusterID
from workspace_operator.cli.output import STALLED, json_text
from workspace_operator.settings import DEFAULT_CLUSTER_ID

if TYPE_CHECKING:  # what a help text does not need is not loaded for it
    from workspace_operator.application.planning import Planner
    from workspace_operator.reconcile.forecasts import Forecast, Outcome
    from workspace_operator.reconcile.observed import StoredWorkspace
    from workspace_operator.resources.manifests import Manifest

CHANGES = 2
SAMPLES = 3
MOST_SAMPLES = 100

EXAMPLES = """
Examples:

\b
  workspacectl plan -f crm.yaml
  workspacectl plan -f examples/ --samples 0 -o markdown
  workspacectl plan -R -f workspaces/ -f shared.yaml
  kubectl kustomize overlays/staging | workspacectl plan -f -
"""


class Format(StrEnum):
    """How a plan is printed."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"


def plan(
    *,
    filename: Filenames = None,
    kustomize: Kustomize = None,
    recursive: Recursive = False,
    samples: Annotated[
        int,
        typer.Option(
            "--samples", metavar="N", min=0, max=MOST_SAMPLES, help="How many people to show for each violation."
        ),
    ] = SAMPLES,
    output: Annotated[Format, typer.Option("--output", "-o", help="How to print the plan.")] = Format.TABLE,
    cluster_id: OwnClusterID = None,
    database: Database,
) -> None:
    """Tell what an apply would do, without doing it.

    A change of identifiers is checked against the people there are. Nothing is written.

    Exits with 0 when nothing is to do, 2 when something would change, 3 when a person would have to act (blocked or in
    conflict), 1 on an error.
    """
    from workspace_operator import bootstrap
    from workspace_operator.application.planning import Planner
    from workspace_operator.reconcile.forecasts import outcome_of_all

    found = manifests_of(filename, kustomize, recursive=recursive)
    documents = [manifest.document for manifest in found.ours]
    with bootstrap.looked_into(database) as previews:
        cluster = cluster_id or DEFAULT_CLUSTER_ID
        planner = Planner(previews, cluster_id=cluster, now=bootstrap.utc_now(), samples=samples)
        _refuse_invalid(found.ours, planner)
        if cluster_id is None:
            planner.refuse_other_clusters(documents)
        forecasts, kept = planner.plan(documents), planner.without_manifest(documents)
    _print(forecasts, kept, output)
    raise typer.Exit(_exit_code(outcome_of_all(forecasts)))


def _refuse_invalid(manifests: "Sequence[Manifest]", planner: "Planner") -> None:
    problems = ((manifest, problem) for manifest in manifests for problem in planner.problems(manifest.document))
    refuse_problems(problems, "nothing was planned, since nothing would be applied")


def _print(forecasts: "Sequence[Forecast]", kept: "Sequence[StoredWorkspace]", output: Format) -> None:
    from workspace_operator.cli import forecasts as printed

    if output is Format.JSON:
        print(json_text(printed.document_of(forecasts, kept)))
    elif output is Format.MARKDOWN:
        printed.print_markdown(forecasts, kept)
    else:
        printed.print_forecasts(forecasts, kept)


def _exit_code(outcome: "Outcome") -> int:
    from workspace_operator.reconcile.forecasts import Outcome

    return {Outcome.NOTHING: 0, Outcome.CHANGES: CHANGES, Outcome.BLOCKED: STALLED}[outcome]
